import html
import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import write_photos

from smartclass_utils import gallery, recording
from smartclass_utils.__main__ import main
from smartclass_utils.config import (
    COMMITTED_FIGURES,
    ROOT,
    SmartClassError,
    canonical_label,
)

HOSTILE = ("(a|b) $x^$", "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))")


def tree(folder: Path) -> dict:
    return {
        path: path.stat().st_mtime_ns
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


def run_report(*arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "smartclass_utils", "report", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def foreign_report(tmp_path_factory):
    """A whole report on a folder of three foreign classes with hostile names."""
    place = tmp_path_factory.mktemp("foreign")
    photos = write_photos(place / "photos <b>", HOSTILE)
    before = {**tree(ROOT / "notebooks"), **tree(COMMITTED_FIGURES), **tree(photos)}
    options = ("--epochs", "1", "--image-size", "32", "--seeds", "2")
    ended = run_report("--data", photos, "--out", place / "out", *options)
    assert ended.returncode == 0, ended.stderr[-3000:]
    after = {**tree(ROOT / "notebooks"), **tree(COMMITTED_FIGURES), **tree(photos)}
    return place / "out", before == after


def test_report_on_foreign_classes_leaves_the_project_untouched(foreign_report):
    assert foreign_report[1]


def test_report_on_foreign_classes_has_its_own_results(foreign_report):
    results = json.loads((foreign_report[0] / "results.json").read_text("utf-8"))
    assert results["data"]["classes"] == sorted(map(canonical_label, HOSTILE))
    assert results["data"]["n_images"] == 42
    assert results["data"]["image_size"] == 32
    for entry in results["models"]:
        assert entry["epochs"] == 1
        assert entry["seeds"] == [0, 1]
        assert len(entry["accuracy_per_seed"]) == 2


def test_names_of_foreign_classes_show_as_text(foreign_report):
    pages = list(foreign_report[0].glob("*.html"))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "<img src=x" not in text
        assert 'href="javascript' not in text
        assert "photos <b>" not in text
    texts = "".join(page.read_text(encoding="utf-8") for page in pages)
    for name in HOSTILE:
        assert html.escape(canonical_label(name)) in texts


def test_every_chapter_and_figure_has_its_page(foreign_report):
    out, _ = foreign_report
    index = (out / "index.html").read_text(encoding="utf-8")
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        assert (out / "notebooks" / notebook.name).exists()
        assert f'href="{notebook.stem}.html"' in index
        page = (out / f"{notebook.stem}.html").read_text(encoding="utf-8")
        assert 'alt="' in page or "image/png" not in page
    shown = (out / "gallery.html").read_text(encoding="utf-8")
    for name in json.loads((out / "figures" / "figures.json").read_text("utf-8")):
        assert f'src="figures/{name}.png"' in shown
        assert (out / "figures" / f"{name}.png").exists()
        assert f'href="figures/{name}_talk.png"' in shown
        assert (out / "figures" / f"{name}_talk.png").exists()


def test_pages_load_nothing_from_a_network(foreign_report):
    for page in foreign_report[0].glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text.replace("<script>", "", page.name == "slides.html")
        assert 'src="http' not in text
        assert "url(http" not in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--epochs", "0"], "EPOCHS=0 trains nothing"),
        (["--seeds", "0"], "SEEDS must be 1 or more"),
        (["--image-size", "4"], "IMAGE_SIZE=4 is out of range"),
        (["--data", "no/such/folder"], "no/such/folder"),
    ],
)
def test_bad_arguments_end_in_a_sentence_and_write_nothing(
    arguments, sentence, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "out"
    monkeypatch.setattr(
        sys, "argv", ["smartclass", "report", "--out", str(out), *arguments]
    )
    assert main() == 2
    message = capsys.readouterr().err
    assert sentence in message
    assert message.count("\n") == 1
    assert not out.exists()


def test_a_run_that_fails_leaves_the_older_report_and_models(foreign_report, tmp_path):
    out, _ = foreign_report
    before = tree(out)
    photos = write_photos(tmp_path / "photos", per_class=14)
    for file in sorted((photos / "owl").iterdir())[2:]:
        file.unlink()
    ended = run_report("--data", photos, "--out", out)
    assert ended.returncode == 2
    assert "Class 'owl' has only 2 usable images" in ended.stderr
    assert {path: time for path, time in tree(out).items() if path in before} == before


def test_gallery_shows_every_figure_with_its_text():
    page = gallery.gallery({"02_x": {"alt": "A bar.", "caption": "Figure 1."}})
    assert "![A bar.](02_x.png)" in page
    assert "02_data_visualization.ipynb" in page
    assert "[with larger type](02_x_talk.png)" in page


def test_fill_replaces_between_marks_only():
    text = "a <!-- n -->old<!-- /n --> b"
    assert recording.fill(text, "n", "new") == "a <!-- n -->new<!-- /n --> b"
    with pytest.raises(SmartClassError, match="no marks"):
        recording.fill(text, "other", "new")


def test_the_measured_runtime_is_stated():
    cell = nbformat.v4.new_markdown_cell("# 1 X\n\n**Runtime** about 99 seconds here.")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    recording.state_runtime(notebook, 7.6)
    assert notebook.cells[0].source.endswith("**Runtime** about 8 seconds here.")


def test_only_a_demo_report_is_recorded(tmp_path, monkeypatch):
    monkeypatch.setenv("SMARTCLASS_OUT", str(tmp_path))
    with pytest.raises(SmartClassError, match="run `make report` first"):
        recording.record()
    (tmp_path / "results.json").write_text('{"data": {"name": "rgb96"}}')
    with pytest.raises(SmartClassError, match="photograph"):
        recording.record()


def test_figures_of_an_older_run_are_removed(tmp_path):
    made, committed = tmp_path / "made", tmp_path / "committed"
    made.mkdir()
    committed.mkdir()
    for name in ("02_a.png", "02_a.svg", "02_a_talk.png"):
        (made / name).write_text("new")
    (made / "figures.json").write_text('{"02_a": {"alt": "a", "caption": "b"}}')
    (committed / "02_old.png").write_text("old")
    gallery.copy_figures(made, committed)
    assert sorted(file.name for file in committed.iterdir()) == [
        "02_a.png",
        "02_a.svg",
        "02_a_talk.png",
        "README.md",
    ]
