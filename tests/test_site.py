"""Pages, slides and PDF of a tiny report that was made up."""

import json
import re
import subprocess
import sys
from contextlib import suppress

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from smartclass_utils.__main__ import main
from smartclass_utils.config import SmartClassError, workspace_in
from smartclass_utils.report import export, publish
from smartclass_utils.site import browser, chapters, pages, pdf, slides

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAA"
    "AABJRU5ErkJggg=="
)
WIDE_TABLE = f"<table><tr>{'<td>wide_cell</td>' * 40}</tr></table>"
HOSTILE = "<img src=x onerror=alert(1)>"
NEEDS_BROWSER = pytest.mark.skipif(
    browser.find_browser() is None,
    reason="there is no Chromium or Chrome here to open the pages with",
)


def write_notebook(file, title, figure):
    """Write an executed chapter with a wide table, long lines and one figure."""
    cells = [
        new_markdown_cell(f"# {title}\n\n**Goal** See *it*.\n"),
        new_markdown_cell("## 1.1 A section\n\nSee [2](02_b.ipynb), [x](../x.md)."),
        new_code_cell(
            f'present(figure, "{figure}")  # {"long " * 40}',
            outputs=[
                new_output(
                    "display_data",
                    {"image/png": PIXEL, "text/plain": "Figure"},
                    metadata={"image/png": {"alt": 'A "dot".'}},
                ),
                new_output("stream", name="stdout", text="no_space_" * 40),
            ],
        ),
        new_code_cell(
            "reading()",
            outputs=[new_output("execute_result", {"text/markdown": "It is **7**."})],
        ),
        new_code_cell(
            "table()",
            outputs=[
                new_output("execute_result", {"text/html": WIDE_TABLE}),
                new_output(
                    "display_data",
                    {
                        "application/vnd.jupyter.widget-view+json": {"model_id": "a"},
                        "text/plain": "FileUpload()",
                    },
                ),
            ],
        ),
        new_markdown_cell("## Findings"),
    ]
    nbformat.write(new_notebook(cells=cells), file)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The folders of an exported report with two chapters."""
    out = tmp_path_factory.mktemp("report")
    (out / "notebooks").mkdir()
    (out / "figures").mkdir()
    figures = {}
    for number, letter in ((1, "a"), (2, "b")):
        name = f"0{number}_{letter}"
        write_notebook(out / "notebooks" / f"{name}.ipynb", f"{number} Title", name)
        (out / "figures" / f"{name}.png").write_bytes(b"png")
        caption = f"Figure {number}.1. Half is 0.5 here. See {HOSTILE}"
        figures[name] = {"caption": caption, "alt": 'A "dot".'}
    (out / "figures" / "02_b_talk.png").write_bytes(b"talk")
    model = {
        "title": HOSTILE,
        "parameters": 1234,
        "accuracy": 0.876,
        "accuracy_sd": 0.01,
        "accuracy_ci95": [0.8, 0.9],
        "macro_f1": 0.7,
        "epochs": 3,
        "seeds": [0, 1],
        "seconds": 5.0,
    }
    data = {"name": HOSTILE, "n_images": 2000, "image_size": 48, "classes": ["a", "b"]}
    check = {"available": True, "sentence": f"*a* is told. {HOSTILE}"}
    results = {
        "data": {**data, "split": {"test": 300}},
        "environment": {"device": "CPU", "python": "3", "torch": "2"},
        "baseline": {**model, "class": "a"},
        "models": [model],
        "audit": {"confound": check, "labels": {**check, "available": False}},
    }
    (out / "results.json").write_text(json.dumps(results))
    (out / "figures" / "figures.json").write_text(json.dumps(figures))
    place = workspace_in(out)
    export(place)
    return place


def read(place, name):
    return (place.out / name).read_text(encoding="utf-8")


def test_every_page_has_language_title_one_main_heading_and_navigation(place):
    for name in ("index.html", "gallery.html", "01_a.html", "02_b.html"):
        page = read(place, name)
        assert '<html lang="en">' in page
        assert re.search("<title>.*SmartClass A.I.ssistant", page)
        assert len(re.findall("<h1", page)) == 1
        assert 'name="viewport"' in page
        current = BeautifulSoup(page, "html.parser").select("[aria-current=page]")
        assert [link["href"] for link in current] == [name]
        for other in ("index.html", "01_a.html", "02_b.html", "slides.html"):
            assert f'href="{other}"' in page


def test_chapter_folds_its_code_and_keeps_figures_and_sections(place):
    page = read(place, "01_a.html")
    soup = BeautifulSoup(page, "html.parser")
    assert '<details class="code"><summary>code</summary>' in page
    assert soup.img["alt"] == 'A "dot".'
    assert '<li><a href="#1.1-A-section">1.1 A section</a>' in page
    assert 'id="1.1-A-section"' in page
    assert soup.find(rel="next")["href"] == "02_b.html"
    assert soup.find(rel="prev") is None
    assert '<a href="02_b.html">2</a>' in page
    assert "open the notebook in JupyterLab" in page
    assert "FileUpload" not in page
    assert "<script" not in page


def test_cover_shows_results_and_what_they_are_worth(place):
    page = read(place, "index.html")
    assert "87.6 % ± 1.0" in page
    assert "80.0 – 90.0" in page
    assert "<em>a</em> is told." in page
    assert page.count("is told") == 1  # what could not be checked is left out
    assert "See <em>it</em>." in page
    assert "Art. 5(1)(f)" in page


def test_gallery_has_every_figure_with_its_texts(place):
    page = read(place, "gallery.html")
    for name in ("01_a", "02_b"):
        assert f'<img src="figures/{name}.png" alt="A &#34;dot&#34;."' in page
        assert f'href="figures/{name}.svg"' in page
    assert "02_b_talk.png" in page
    assert "01_a_talk.png" not in page


def test_what_others_named_is_never_markup(place):
    for page in place.out.glob("*.html"):
        assert "<img src=x" not in page.read_text(encoding="utf-8")


def test_slides_carry_figures_results_and_the_prohibition(place):
    page = read(place, "slides.html")
    sections = page.split("<section")[1:]
    assert len(sections) == 5  # title, two figures, results, verdicts
    assert "course exercise" in sections[0]
    assert "Art. 5(1)(f)" in sections[0]
    assert "<h2>Half is 0.5 here</h2>" in sections[1]
    assert 'src="data:image/png;base64,cG5n"' in sections[1]
    assert "base64,dGFsaw==" in sections[2] or "base64,dGFsaw==" in sections[3]
    assert "It is <strong>7</strong>." in sections[1]
    assert "87.6 %" in page
    assert not re.search(r'(?:src|href)="(?:https?:)?//(?!doi)', page)


@pytest.mark.parametrize(
    ("caption", "parts"),
    [
        ("Figure 2.1. One. Two.", ("Figure 2.1", "One", "Two.")),
        ("Figure 10.12. Of 0.5 a. B c.", ("Figure 10.12", "Of 0.5 a", "B c.")),
        ("No number.", ("", "No number", "")),
    ],
)
def test_a_slide_says_the_first_sentence_of_its_caption(caption, parts):
    number, rest = slides.split_number(caption)
    assert (number, *chapters.split_sentence(rest)) == parts


def test_a_chapter_without_chosen_figures_shows_its_first():
    numbered = [chapters.Chapter(f"0{n}_x.ipynb", "", "") for n in (1, 6, 8)]
    names = ("01_z", "01_cleaning_steps", "06_probes", "06_spread", "08_b", "08_c")
    figures = {name: {} for name in names}
    report = chapters.Report(None, numbered, {}, figures)
    assert list(slides.chosen(report)) == ["01_cleaning_steps", "06_probes", "08_b"]


def test_links_between_chapters_lead_to_pages():
    page = pages.link_pages('<a href="01_data_cleaning.ipynb#x">1</a>')
    assert page == '<a href="01_data_cleaning.html#x">1</a>'


def test_chapter_is_described_by_its_first_cell(tmp_path):
    cell = new_markdown_cell("# 1 Title\n\n**Goal** See it.\n")
    file = tmp_path / "01_x.ipynb"
    nbformat.write(new_notebook(cells=[cell]), file)
    chapter = chapters.read_chapter(file)
    assert (chapter.title, chapter.goal) == ("1 Title", "See it.")
    assert (chapter.page, chapter.number) == ("01_x.html", "01")
    cell.source = "no title"
    nbformat.write(new_notebook(cells=[cell]), file)
    with pytest.raises(SmartClassError, match="must open with"):
        chapters.read_chapter(file)


@pytest.mark.parametrize("command", ["slides", "pdf"])
def test_without_a_report_there_is_a_sentence(command, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["smartclass", command, "--out", str(tmp_path)])
    assert main() == 2
    message = capsys.readouterr().err
    assert "run `make report` first" in message
    assert message.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_without_a_browser_the_sentence_says_what_to_install(place, monkeypatch):
    monkeypatch.setattr(browser.shutil, "which", lambda name: None)
    before = sorted(place.out.iterdir())
    with pytest.raises(SmartClassError, match="apt install chromium"):
        pdf.make_pdf(str(place.out))
    assert sorted(place.out.iterdir()) == before


def test_a_browser_that_fails_leaves_an_older_pdf(place, monkeypatch):
    older = place.out / pdf.PDF
    older.write_bytes(b"older")
    monkeypatch.setattr(browser, "find_browser", lambda: sys.executable)
    with pytest.raises(SmartClassError, match="did not print the report: "):
        pdf.make_pdf(str(place.out))
    assert older.read_bytes() == b"older"
    older.unlink()


def test_a_new_report_takes_the_pdf_of_the_older_one_away(tmp_path):
    stage = tmp_path / "unfinished"
    stage.mkdir()
    (stage / "index.html").write_text("new")
    (tmp_path / pdf.PDF).write_bytes(b"older")
    publish(stage, workspace_in(tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == ["index.html"]


def test_page_numbers_are_read_from_the_anchors():
    content = (
        b"4 0 obj\n<</Type /Page\n/x>>\n9 0 obj\n<</Type /Page\n/x>>\n"
        b"10 0 obj\n<</Type /Pages>>\n<</c01 [4 0 R /XYZ 6 8 0]\n/c01-2 [9 0 R /XYZ 0]"
    )
    assert pdf.page_numbers(content) == {"c01": 1, "c01-2": 2}
    assert pdf.page_numbers(b"other") == {}


@NEEDS_BROWSER
def test_pdf_has_contents_outline_and_no_path_of_this_machine(place):
    made = pdf.make_pdf(str(place.out)).read_bytes()
    assert pdf.page_numbers(made) == {
        **{"c01": 3, "c01-1": 3, "c01-2": 3},
        **{"c02": 4, "c02-1": 4, "c02-2": 4},
    }
    assert b"/Outlines" in made
    assert b"/StructTreeRoot" in made
    assert b"file:" not in made
    assert not list(place.out.glob("print-*"))


def browse(folder, url, *options):
    """Open a page without a network; return its content once its scripts have run."""
    ended = subprocess.run(
        [*browser.command(browser.find_browser(), folder), *options, "--dump-dom", url],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return ended.stdout


def requests(folder, page):
    """Return the addresses in a network that the browser asks for to show a page."""
    log = folder / "net.json"
    for _ in range(3):  # a browser in a hurry may not finish its log
        browse(folder / "profile", page.as_uri(), f"--log-net-log={log}")
        with suppress(json.JSONDecodeError):
            events = json.loads(log.read_text(encoding="utf-8"))["events"]
            break
    else:
        pytest.fail("the browser never finished its log")
    asked = (event.get("params", {}) for event in events)
    # What the browser asks for on its own account has no origin.
    return {
        params["url"]
        for params in asked
        if params.get("initiator", "not an origin") != "not an origin"
    }


@NEEDS_BROWSER
def test_no_request_leaves_a_page(place, tmp_path):
    control = tmp_path / "control.html"
    wanted = {"http://example.org/x.png", "https://example.org/x.js"}
    tags = '<img src="http://example.org/x.png"><script src="https://example.org/x.js">'
    control.write_text(tags)
    assert requests(tmp_path, control) == wanted
    for name in ("index.html", "gallery.html", "01_a.html", "slides.html"):
        assert requests(tmp_path, place.out / name) == set()


PHONE = """
<iframe src="{url}" width="390" height="800" style="border: 0"></iframe>
<script>addEventListener("load", () => {{
  const frame = document.querySelector("iframe");
  const page = frame.contentDocument;
  const press = (key) => frame.contentWindow.dispatchEvent(
    new frame.contentWindow.KeyboardEvent("keydown", {{ key: key }}));
  for (const key of ["ArrowRight", "PageDown", "ArrowLeft"]) press(key);
  document.body.textContent = JSON.stringify({{
    hidden: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    at: frame.contentWindow.location.hash }});
}});</script>
"""


@NEEDS_BROWSER
@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("index.html", ""),
        ("gallery.html", ""),
        ("01_a.html", ""),
        ("slides.html", "#01_a"),
    ],
)
def test_pages_fit_a_phone_and_slides_follow_the_keys(place, tmp_path, name, at):
    wrapper = tmp_path / "phone.html"
    wrapper.write_text(PHONE.format(url=(place.out / name).as_uri()))
    shown = browse(
        tmp_path / "profile", wrapper.as_uri(), "--allow-file-access-from-files"
    )
    found = json.loads(re.search(r"\{.*\}", shown)[0])
    assert found == {"hidden": 0, "at": at}
