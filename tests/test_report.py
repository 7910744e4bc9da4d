"""make report and make record, on tiny chapters and on a whole foreign data set."""

import html
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import nbformat
import pytest
from conftest import ENTRY, RESULTS, refusal, tree, write_photos
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from smartclass_utils import config, names
from smartclass_utils.commands import record, report, results_page
from smartclass_utils.config import ROOT, SmartClassError
from smartclass_utils.files import only_one, read_json, write_json, write_text

HOSTILE = ("(a|b) $x^$", "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))")
CHAPTER = f"""
import json, os, sys, time
from pathlib import Path
out = Path(os.environ["SMARTCLASS_STAGE"])
(out / "figures").mkdir(exist_ok=True)
(out / "figures" / "figures.json").write_text("{{}}")
(out / "results.json").write_text(json.dumps({RESULTS!r}))
print(sys.executable, EPOCHS)
"""
# Runs the command line on chapters of a test: python -c RUN notebooks report …
RUN = """
import pathlib, sys
from smartclass_utils import __main__ as cli, config
config.NOTEBOOKS = pathlib.Path(sys.argv.pop(1))
sys.exit(cli.main())
"""


def write_chapter(file, code):
    """Write a chapter that has parameters and runs ``code``."""
    tagged = {"tags": ["parameters"]}
    parameters = new_code_cell("EPOCHS = 3  # passes", metadata=tagged)
    text = f"# {file.stem}\n\n**Goal** See it.\n\n**Runtime** about 99 seconds."
    cells = [new_markdown_cell(text), parameters, new_code_cell(code)]
    file.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells), file)


def older_report(out: Path) -> dict:
    """Write a few files as an older report; return them with their times."""
    for name in ("index.html", "results.json", "notebooks/01_a.ipynb"):
        write_text(out / name, "older")
    (out / report.LOCK).touch()
    return tree(out)


def test_a_folder_in_use_or_of_somebody_elses_files_is_kept(house, smartclass):
    out, asked = house.out, ("report", "--data", house.photos, "--out", house.out)
    with only_one(out / report.LOCK, ""):
        said = smartclass(*asked)
    assert f"A report is being made in {out}: wait until it is ready" in said
    assert [path.name for path in out.iterdir()] == [report.LOCK]
    older = older_report(out)
    (out / report.LOCK).unlink()
    said = smartclass(*asked)
    assert f"{out} holds files that no report wrote: choose a new folder" in said
    assert tree(out) == older


def test_what_was_killed_as_it_was_published_is_published(house, monkeypatch):
    out = house.out
    older_report(out)
    (out / report.STAGE / report.OLDER).mkdir(parents=True)
    (out / report.STAGE / "index.html").write_text("newer")
    fails = Mock(side_effect=SmartClassError("a chapter stops"))
    monkeypatch.setattr(report, "run_notebooks", fails)
    assert refusal(report.run_report, house.photos, str(out)) == "a chapter stops"
    assert (out / "index.html").read_text() == "newer"


@pytest.fixture
def house(tmp_path, monkeypatch):
    """Put two tiny chapters in the place of the eight; return images and a report."""
    write_chapter(tmp_path / "notebooks" / "01_a.ipynb", CHAPTER)
    write_chapter(tmp_path / "notebooks" / "08_b.ipynb", "print('done')")
    monkeypatch.setattr(config, "NOTEBOOKS", tmp_path / "notebooks")
    photos = write_photos(tmp_path / "Bob's photos (2)")
    return SimpleNamespace(photos=str(photos), out=tmp_path / "out")


def test_chapters_run_on_this_interpreter_as_asked(house, tmp_path, monkeypatch):
    kernel = {"argv": ["/no/such/python"], "display_name": "x", "language": "python"}
    write_json(tmp_path / "jupyter/kernels/python3/kernel.json", kernel)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    index = report.run_report(house.photos, str(house.out), epochs=7, seeds=2)
    made = nbformat.read(house.out / "notebooks" / "01_a.ipynb", 4)
    assert made.cells[-1].outputs[0].text == f"{sys.executable} 7\n"
    assert made.cells[2].source == "EPOCHS = 7"  # no SEEDS, which it does not know
    assert 'href="08_b.html"' in index.read_text(encoding="utf-8")
    assert list(read_json(house.out / report.CHAPTER_SECONDS)) == ["01_a", "08_b"]


REFUSE = "from smartclass_utils import config\nraise config.SmartClassError('Mend it.')"


@pytest.mark.parametrize(("code", "sentence"), [
    ("1 / 0", "08_b stopped with ZeroDivisionError: division by zero"),
    ("import os; os._exit(9)", "08_b was ended by the system"),
    (REFUSE, "Mend it."),
])  # fmt: skip
def test_a_chapter_that_stops_leaves_the_older_report(house, code, sentence):
    before = older_report(house.out)
    write_chapter(config.NOTEBOOKS / "08_b.ipynb", code)
    assert sentence in refusal(report.run_report, house.photos, str(house.out))
    assert before.items() <= tree(house.out).items()
    assert (house.out / report.STAGE / "notebooks" / "08_b.ipynb").exists()


def test_where_no_kernel_starts_the_reason_is_told(house, tmp_path, monkeypatch):
    blocked = "import sys\nif 'ipykernel_launcher' in sys.orig_argv: "
    (tmp_path / "sitecustomize.py").write_text(f"{blocked}sys.modules['zmq'] = None")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    said = refusal(report.run_report, house.photos, str(house.out))
    assert "No notebook starts (" in said and "zmq" in said


@pytest.mark.parametrize(("how", "status", "said"), [
    (signal.SIGKILL, -signal.SIGKILL, ""),
    (signal.SIGINT, 130, "smartclass: stopped before it was done."),
    (signal.SIGTERM, 130, "smartclass: stopped before it was done."),
])  # fmt: skip
def test_a_run_that_is_stopped_can_be_repeated(house, how, status, said):
    chapter, out = config.NOTEBOOKS / "01_a.ipynb", house.out
    before = older_report(out)
    (out / "report.pdf").write_text("of the older report")
    write_chapter(chapter, f"{CHAPTER}\ntime.sleep(300)")
    command = [sys.executable, "-c", RUN, config.NOTEBOOKS, "report"]
    command += ["--data", house.photos, "--out", out]
    child = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while not (out / report.STAGE / "results.json").exists():
        assert child.poll() is None
        time.sleep(0.1)
    child.send_signal(how)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == status
    assert errors.splitlines()[-1:] == [said] if said else True
    assert "Traceback" not in errors
    assert before.items() <= tree(out).items()
    write_chapter(chapter, CHAPTER)
    report.run_report(house.photos, str(out))
    assert not (out / report.STAGE).exists()
    assert not (out / "report.pdf").exists()
    assert (out / "results.json").read_text() != "older"


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = refusal(only_one(tmp_path / "file" / ".lock", "").__enter__)
    assert "file cannot be written to (" in said and "): make" in said


@pytest.mark.parametrize(("out", "option", "value", "sentence"), [
    ("out", "--epochs", "0", "EPOCHS = 0 is not a whole number from 1 to"),
    ("out", "--seeds", "0", "SEEDS = 0 is not a whole number from 1 to"),
    ("out", "--image-size", "4", "IMAGE_SIZE = 4 is not a whole number from 16"),
    ("out", "--data", "no/such/folder", "no/such/folder"),
    ("out", "--data", "list", "file (gone.png)"),  # row 25 of bad inputs
    ("list/out", "--data", "list", "one in the other: choose another"),
    (".", "--data", "list", "one in the other: choose another"),
])  # fmt: skip
def test_bad_arguments_write_nothing(
    smartclass, tmp_path, monkeypatch, out, option, value, sentence
):
    monkeypatch.chdir(tmp_path)
    labels = write_photos(tmp_path / "list") / "labels.csv"
    labels.write_text("file,label\ncat/0.png,a\ngone.png,b\n")
    before = tree(tmp_path)
    assert sentence in smartclass("report", "--out", out, option, value)
    assert tree(tmp_path) == before and not [*tmp_path.rglob("out")]


def test_a_whole_report_on_foreign_classes_with_hostile_names(tmp_path):
    photos, out = write_photos(tmp_path / "photos <b>", HOSTILE), tmp_path / "out"
    kept = (ROOT / "notebooks", config.COMMITTED_FIGURES, photos)
    before = [tree(folder) for folder in kept]
    options = ["--epochs", "1", "--image-size", "32", "--seeds", "2"]
    where = ["--data", photos, "--out", out]
    command = [sys.executable, "-m", "smartclass_utils", "report", *where, *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert before == [tree(folder) for folder in kept]  # it touches nothing else
    results = read_json(out / "results.json")
    about = results["data"]
    assert about["classes"] == sorted(map(names.canonical_label, HOSTILE))
    assert (about["n_images"], about["image_size"]) == (42, 32)
    assert sum(about["learned_from"].values()) == about["split"]["train"] > 0
    assert results["models"][-1]["name"] == "Our own"
    wanted = "name parameters seconds accuracy accuracy_ci95 macro_precision "
    wanted += "macro_recall macro_f1 micro_f1 per_class confusion"
    for entry in results["models"]:
        assert set(wanted.split()) <= set(entry)
        assert (entry["epochs"], entry["seeds"]) == (1, [0, 1])
        assert len(entry["accuracy_per_seed"]) == 2
    pages = {page.name: page.read_text("utf-8") for page in out.glob("*.html")}
    assert len(pages) == 11  # eight chapters, cover, gallery and slides
    for name, text in pages.items():
        text = text.replace("<script>", "", name == "slides.html")
        bad = ("<img src=x", 'href="javascript', "photos <b>", "<script", "<link")
        bad += ('src="http', "url(http", "@import")
        assert not [words for words in bad if words in text]
    for name in HOSTILE:
        assert html.escape(names.canonical_label(name)) in "".join(pages.values())


def test_record_keeps_notebooks_figures_and_numbers(house, tmp_path, monkeypatch):
    chapter, figures = config.NOTEBOOKS / "01_a.ipynb", tmp_path / "figures"
    made = {"01_x": {"alt": "A bar.", "caption": "Figure 1.1. It is high."}}
    png = "(out / 'figures' / '01_x.png').write_bytes(b'png')"
    store = f"(out / 'figures' / 'figures.json').write_text({json.dumps(made)!r})"
    write_chapter(chapter, f"{CHAPTER}\n{png}\n{store}")
    readme = [f"<!-- {m} -->old<!-- /{m} -->" for m in ("results", "01_a", "08_b")]
    (tmp_path / "README.md").write_text("".join(readme))
    write_text(figures / "01_old.svg", "old")
    best = {"name": "Best", "accuracy": 0.7, "val_accuracy": 0.6}
    other = {"models": [{**ENTRY, "val_accuracy": 0.5}, {**ENTRY, **best}]}
    (tmp_path / "fer48.json").write_text(json.dumps(other))
    places = {"COMMITTED_FIGURES": figures, "RESULTS_FOLDER": tmp_path}
    for name, place in {**places, "ROOT": tmp_path}.items():
        monkeypatch.setattr(config, name, place)
    monkeypatch.setattr(results_page, "write_page", lambda folder: None)
    report.run_report(house.photos, str(house.out))
    record.keep(house.out)
    kept = nbformat.read(chapter, 4)
    assert "version" not in kept.metadata.get("language_info", {})
    assert "about 99" not in kept.cells[0].source
    assert kept.cells[-1].outputs
    assert sorted(file.name for file in figures.iterdir()) == ["01_x.png", "README.md"]
    gallery = (figures / "README.md").read_text()
    assert "![A bar.](01_x.png)" in gallery
    assert "[01_a.ipynb](../notebooks/01_a.ipynb)" in gallery
    text = (tmp_path / "README.md").read_text()
    assert "| demo | Main CNN | 9 | 50.0 | 40.0–60.0 | 50.0 | 3 s |" in text
    assert "| demo | always “a” | 0 | 50.0 |" in text
    assert "| fer48 | Best | 9 | 70.0 |" in text
    assert "fer48 | Main CNN" not in text and "old" not in text
    assert read_json(tmp_path / "demo.json")["chapter_seconds"]
    assert "no marks" in refusal(record.fill, text, "other", "new")


def test_committed_tables_say_what_the_stored_results_say(tmp_path, monkeypatch):
    shutil.copytree(config.RESULTS_FOLDER, tmp_path / "results")
    shutil.copy(ROOT / "README.md", tmp_path)
    monkeypatch.setattr(config, "ROOT", tmp_path)
    results_page.write_page(tmp_path / "results")
    record.write_readme(read_json(config.RESULTS_FOLDER / "demo.json"))
    for made, kept in (("", ROOT), ("results", config.RESULTS_FOLDER)):
        made, kept = tmp_path / made / "README.md", kept / "README.md"
        assert made.read_text("utf-8") == kept.read_text("utf-8")


def test_make_passes_folders_on_as_they_are():
    """Make runs printf instead of Python: one line an argument."""
    options = ["DATA=Bob's photos (2)", 'OUT=a "b" $$c', "EPOCHS=1"]
    tools = ["RUN=printf '%s\\n'", "PYTHON=false", "--old-file=.venv/.ready"]
    command = ["make", "-s", "report", *options, *tools]
    said = subprocess.check_output(command, cwd=ROOT, text=True).splitlines()
    given = {word: said[said.index(word) + 1] for word in said if word[:2] == "--"}
    wanted = {"--data": "Bob's photos (2)", "--out": 'a "b" $c', "--epochs": "1"}
    assert wanted.items() <= given.items()
