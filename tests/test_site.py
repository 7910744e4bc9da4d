"""Pages, slides and PDF of a tiny report that was made up."""

import json
import re
import subprocess
import sys
from base64 import b64encode
from contextlib import suppress
from dataclasses import replace

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import ENTRY, RESULTS, RGB, encoded, refusal
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from smartclass_utils.commands import pages, pdf, slides
from smartclass_utils.commands.report import export
from smartclass_utils.files import write_json

PIXEL = b64encode(encoded(RGB[:1, :1])).decode()
WIDE_TABLE = f"<table><tr>{'<td>wide_cell</td>' * 40}</tr></table>"
HOSTILE = "<img src=x onerror=alert(1)>"
CHAPTERS = {"01_a": "01_source_by_class", "02_b": "02_cleaning_steps"}
CHAPTERS["08_c"] = "08_embedding"
NEEDS_BROWSER = pytest.mark.skipif(not pdf.find_browser(), reason="no browser here")


def write_notebook(file, title, figure):
    """Write an executed chapter with a listing, wide things and one figure."""
    alt = {"image/png": {"alt": f'A "dot" {figure}.'}}
    picture = new_output("display_data", {"image/png": PIXEL}, metadata=alt)
    listing = f"`a.py`, line 1:\n\n```python\ndef listed():  # {'long ' * 40}\n```"
    printed = new_output("stream", text="no_space_" * 40)
    outputs = {
        f'present(figure, "{figure}")  # {"long " * 40}': [picture, printed],
        "show_source(f)": [new_output("display_data", {"text/markdown": listing})],
        "table()": [new_output("display_data", {"text/html": WIDE_TABLE})],
    }
    cells = [
        new_markdown_cell(f"# {title}\n\n**Goal** See *it*.\n"),
        new_code_cell("import housekeeping", metadata={"tags": ["fold"]}),
        new_markdown_cell("## 1.1 A section\n\nSee [2](02_b.ipynb#x), [x](../x.md)."),
        *(new_code_cell(code, outputs=found) for code, found in outputs.items()),
        new_markdown_cell("## Findings"),
    ]
    cells.insert(4, new_markdown_cell("**7**."))  # what is read out of the figure
    nbformat.write(new_notebook(cells=cells), file)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The folder of an exported report with three chapters."""
    out = tmp_path_factory.mktemp("report")
    (out / "notebooks").mkdir()
    (out / "figures").mkdir()
    figures = {}
    for chapter, name in CHAPTERS.items():
        number = int(chapter[:2])
        write_notebook(out / "notebooks" / f"{chapter}.ipynb", f"{number} Title", name)
        (out / "figures" / f"{name}.png").write_bytes(b"png")
        (out / "figures" / f"{name}_talk.png").write_bytes(b"talk")
        caption = f"Figure {number}.1. Half is 0.5 of {number}. See {HOSTILE}"
        about = {"caption": caption, "message": f"Half is 0.5 of {number}"}
        figures[name] = {**about, "alt": f'A "dot" {name}.'}
    model = {**ENTRY, "name": HOSTILE, "accuracy": 0.876, "accuracy_sd": 0.01}
    model |= {"accuracy_ci95": [0.8, 0.9], "seeds": [0, 1]}
    data = {**RESULTS["data"], "name": HOSTILE}
    results = {**RESULTS, "data": data, "models": [model]}
    results["baseline"] = {**model, "class": "a"}
    write_json(out / "results.json", results)
    write_json(out / "figures" / "figures.json", figures)
    export(out)
    return out


def page_of(place, name):
    """Return a page, in which what others named is no markup, as text and as a tree."""
    text = (place / name).read_text(encoding="utf-8")
    assert "<img src=x" not in text
    return text, BeautifulSoup(text, "html.parser")


def test_every_page_has_language_title_one_main_heading_and_navigation(place):
    for name in ("index.html", "gallery.html", "01_a.html", "02_b.html", "08_c.html"):
        page, soup = page_of(place, name)
        assert '<html lang="en">' in page and 'name="viewport"' in page
        assert re.search("<title>.*SmartClass A.I.ssistant", page)
        assert len(re.findall("<h1", page)) == 1
        assert [link["href"] for link in soup.select("[aria-current=page]")] == [name]
        for other in ("index.html", "01_a.html", "08_c.html", "slides.html"):
            assert f'href="{other}"' in page


def test_a_chapter_keeps_code_figures_sections_and_links(place):
    page, soup = page_of(place, "01_a.html")
    [folded] = soup.select("details.code")  # of the cell tagged fold
    assert folded.pre.get_text().strip() == "import housekeeping"
    assert "open" not in folded.attrs
    assert any("present(figure" in tag.get_text() for tag in soup.select("div.code"))
    listing = soup.select_one(".output_markdown .highlight")
    assert listing.find(class_="k").get_text() == "def"
    assert listing.find(class_="nf").get_text() == "listed"
    assert soup.img["alt"] == 'A "dot" 01_source_by_class.'
    assert soup.find(rel="next")["href"] == "02_b.html"
    assert soup.find(rel="prev") is None
    assert '<li><a href="#1.1-A-section">1.1 A section</a>' in page
    assert 'id="1.1-A-section"' in page and '<a href="02_b.html#x">2</a>, x.' in page
    assert "<script" not in page
    narrow = soup.picture.source
    assert narrow["srcset"] == "figures/01_source_by_class_talk.png"  # larger type
    assert narrow["media"] == "screen and (max-width: 40rem)"


def test_cover_and_gallery_show_results_goals_and_every_figure(place):
    page, _ = page_of(place, "index.html")
    for text in ("87.6 % ± 1.0", "80.0 – 90.0", "See <em>it</em>.", "Art. 5(1)(f)"):
        assert text in page
    page, _ = page_of(place, "gallery.html")
    for name in CHAPTERS.values():
        assert (
            f'<img src="figures/{name}_talk.png" alt="A &#34;dot&#34; {name}."' in page
        )
        assert f'href="figures/{name}.svg"' in page
        assert f'href="figures/{name}_talk.png"' in page


def test_slides_tell_their_story_whatever_chapter_a_figure_is_of(place):
    page, soup = page_of(place, "slides.html")
    ids = [section["id"] for section in soup.select("section")]
    story = ["02_cleaning_steps", "results", "01_source_by_class", "08_embedding"]
    assert ids == ["s1", *story, "end"]
    assert "Art. 5(1)(f)" in soup.select_one("#s1").get_text()
    steps = soup.find(id="02_cleaning_steps")
    assert steps.h2.get_text() == "Half is 0.5 of 2"
    assert steps.img["src"] == "data:image/png;base64,dGFsaw=="  # larger type
    assert "2 Title, Figure 2.1" in steps.footer.get_text()
    assert "<strong>7</strong>" in str(steps.aside)
    assert "87.6 %" in page
    assert not re.search(r'(?:src|href)="(?:https?:)?//(?!doi)', page)


def test_slides_of_the_demo_end_with_findings_and_need_no_figure(place):
    report = pages.read_report(place)
    report.results["data"]["name"] = "demo"
    report.chapters[-1].notebook.cells[-1].source += "\n\n- **It sees.** Half of it."
    report.chapters[-1] = replace(report.chapters[-1], number="06")
    slides.write_slides(report)
    *_, last = page_of(place, "slides.html")[1].select("section")
    assert last["id"] == "findings" and last.strong.get_text() == "It sees."
    report = pages.read_report(place)
    report.figures["08_embedding"].pop("message")
    said = refusal(slides.write_slides, report)
    assert "08_embedding is of an older report: run `make report` again." in said
    report.figures.clear()
    slides.write_slides(report)
    assert page_of(place, "slides.html")[1].section
    report.results.clear()
    assert "lacks what slides.html.j2 shows" in refusal(slides.write_slides, report)
    export(place)  # as it was


def test_a_pasted_picture_is_shown_and_one_that_is_gone_is_named(place):
    report = pages.read_report(place)
    cell = new_markdown_cell("## H ![h](attachment:i.png)")
    cell.attachments = {"i.png": {"image/png": "abcd"}}
    report.chapters[0].notebook.cells.append(cell)
    assert "base64,abcd" in pages.chapter_page(report, report.chapters[0])
    cell.attachments = {}
    said = refusal(pages.chapter_page, report, report.chapters[0])
    assert "missing attachment: i.png: paste the picture again" in said


def test_a_chapter_that_is_cut_off_or_has_no_title_and_goal_is_refused(tmp_path):
    file = tmp_path / "1.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell("x")]), file)
    assert "must open with" in refusal(pages.read_chapter, file)
    file.write_text(file.read_text()[:-20])
    assert "is no notebook, or was cut off" in refusal(pages.read_chapter, file)


@pytest.mark.parametrize("command", ["slides", "pdf"])
def test_without_a_report_there_is_a_sentence(command, tmp_path, smartclass):
    assert "run `make report` first" in smartclass(command, "--out", tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_a_browser_that_works_an_older_pdf_stays(place, monkeypatch):
    older = place / pdf.PDF
    older.write_bytes(b"older")
    before = sorted(place.iterdir())
    said = {None: "apt install chromium", sys.executable: "did not print the report: "}
    for browser, message in said.items():
        monkeypatch.setattr(pdf, "find_browser", lambda found=browser: found)
        assert message in refusal(pdf.make_pdf, str(place))
    assert sorted(place.iterdir()) == before
    assert older.read_bytes() == b"older"
    older.unlink()


def test_pdf_keeps_cells_and_listings_where_they_stand(place):
    report = pages.read_report(place)
    text = pdf.chapter_part(report, report.chapters[0]).get_text()
    order = ("1.1 A section", "present(", "def listed", "table(", "Findings")
    assert sorted(order, key=text.index) == list(order)
    assert "import housekeeping" not in text


def test_page_numbers_are_read_from_the_anchors():
    content = (
        b"4 0 obj\n<</Type /Page\n/x>>\n9 0 obj\n<</Type /Page\n/x>>\n10 0 obj\n"
        b"<</Type /Pages>>\n<</c01 [4 0 R /XYZ 6 8 0]\n/c01-2 [9 0 R /XYZ 0] "
    )
    assert pdf.page_numbers(content) == {"c01": 1, "c01-2": 2}
    assert pdf.page_numbers(b"other") == {}


@NEEDS_BROWSER
def test_pdf_has_contents_outline_and_no_path_of_this_machine(place):
    made = pdf.make_pdf(str(place)).read_bytes()
    assert pdf.page_numbers(made) == {
        **{"c01": 3, "c01-1": 3, "c01-2": 3},
        **{"c02": 4, "c02-1": 4, "c02-2": 4},
        **{"c08": 5, "c08-1": 5, "c08-2": 5},
    }
    assert b"/Outlines" in made and b"/StructTreeRoot" in made
    assert b"file:" not in made
    assert not list(place.glob("print-*"))


def browse(folder, url, *options):
    """Open a page without a network; return its content once its scripts have run."""
    command = pdf.browser_command(pdf.find_browser(), folder)
    command += [*options, "--dump-dom", url]
    quiet = {"stderr": subprocess.DEVNULL, "timeout": 120}
    return subprocess.check_output(command, text=True, **quiet)


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
    none = "not an origin"  # of what the browser asks for on its own account
    return {params["url"] for params in asked if params.get("initiator", none) != none}


@NEEDS_BROWSER
def test_no_request_leaves_a_page(place, tmp_path):
    control = tmp_path / "control.html"
    wanted = {"http://example.org/x.png", "https://example.org/x.js"}
    tags = '<img src="http://example.org/x.png"><script src="https://example.org/x.js">'
    control.write_text(tags)
    assert requests(tmp_path, control) == wanted
    for name in ("index.html", "gallery.html", "01_a.html", "slides.html"):
        assert requests(tmp_path, place / name) == set()


PHONE = """
<iframe src="{url}" width="390" height="800" style="border: 0"></iframe>
<script>addEventListener("load", () => {{
  const frame = document.querySelector("iframe");
  const page = frame.contentDocument;
  const press = (key) => frame.contentWindow.dispatchEvent(
    new frame.contentWindow.KeyboardEvent("keydown", {{ key: key }}));
  for (const key of ["ArrowRight", "PageDown", "ArrowLeft"]) press(key);
  const picture = page.querySelector("picture img");
  document.body.textContent = JSON.stringify({{
    hidden: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    at: frame.contentWindow.location.hash,
    figure: picture ? picture.currentSrc.split("/").pop() : "" }});
}});</script>
"""


@NEEDS_BROWSER
@pytest.mark.parametrize(("name", "at", "figure"), [
    ("index.html", "", ""),
    ("gallery.html", "", ""),
    ("02_b.html", "", "02_cleaning_steps_talk.png"),
    ("slides.html", "#02_cleaning_steps", ""),
])  # fmt: skip
def test_pages_fit_a_phone_and_keys_work(place, tmp_path, name, at, figure):
    wrapper = tmp_path / "phone.html"
    wrapper.write_text(PHONE.format(url=(place / name).as_uri()))
    option = "--allow-file-access-from-files"
    shown = browse(tmp_path / "profile", wrapper.as_uri(), option)
    found = json.loads(re.search(r"\{.*\}", shown)[0])
    assert found == {"hidden": 0, "at": at, "figure": figure}
