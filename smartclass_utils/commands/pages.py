"""A finished report, and its pages that open from disk: cover, chapters, gallery."""

import re
from dataclasses import dataclass
from pathlib import Path

import jinja2
import mistune
import nbformat
from markupsafe import Markup
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html
from nbconvert.filters.markdown_mistune import InvalidNotebook

from smartclass_utils.config import SmartClassError, workspace
from smartclass_utils.files import read_json, write_text

TEMPLATES = Path(__file__).parent.with_name("templates")
SAFE_MARKDOWN = mistune.create_markdown(escape=True)


@dataclass(frozen=True)
class Chapter:
    """One executed notebook of the report, described by its own first cell."""

    file: str  # its name
    page: str  # file name of the exported page
    number: str  # the two digits that its notebook and its figures start with
    title: str
    goal: str  # one sentence
    notebook: nbformat.NotebookNode


@dataclass(frozen=True)
class Report:
    """A finished report in a folder."""

    folder: Path
    chapters: list[Chapter]
    results: dict  # content of results.json
    figures: dict[str, dict]  # name → caption and alt

    def chapter(self, number: str) -> Chapter | None:
        """Return the chapter of a number of two digits, if there is one."""
        return next((c for c in self.chapters if c.number == number), None)


def read_chapter(file: Path) -> Chapter:
    """Read a notebook."""
    try:
        notebook = nbformat.read(file, as_version=4)
        opening = notebook.cells[0].source
    except Exception as error:  # nbformat raises almost anything
        what = f"{file} is no notebook, or was cut off"
        raise SmartClassError(f"{what}: run `make report` again.") from error
    title = re.search(r"^# (.+)", opening, re.M)
    goal = re.search(r"\*\*Goal\*\*:? (.+)", opening)
    if not (title and goal):
        raise SmartClassError(f"{file} must open with '# Title' and '**Goal** …'.")
    page = file.with_suffix(".html").name
    return Chapter(file.name, page, file.name[:2], title[1], goal[1], notebook)


def read_report(out: Path) -> Report:
    """Read the complete report that lies in a folder."""
    files = sorted((out / "notebooks").glob("*.ipynb"))
    results, figures = out / "results.json", out / "figures/figures.json"
    if not (files and results.exists() and figures.exists()):
        what = f"There is no report in {out}"
        raise SmartClassError(f"{what}: run `make report` first, with the same OUT.")
    chapters = [read_chapter(file) for file in files]
    return Report(out, chapters, read_json(results), read_json(figures))


def last_report(out: str | None) -> Report:
    """Read the report in the folder ``out``; without one, the last report."""
    return read_report(workspace(out).out)


def render(template: str, **content: object) -> str:
    """Fill in one of our templates; in HTML, whatever is filled in is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=lambda name: ".html" in name,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["markdown"] = lambda text: Markup(SAFE_MARKDOWN(text))
    try:
        return environment.get_template(template).render(**content)
    except (jinja2.UndefinedError, LookupError, TypeError) as error:
        what = f"The report lacks what {template} shows ({error})"
        raise SmartClassError(f"{what}: run `make report` again.") from error


def write_pages(report: Report) -> None:
    """Write one page a chapter, ``index.html`` and ``gallery.html``."""
    for chapter in report.chapters:
        write_text(report.folder / chapter.page, chapter_page(report, chapter))
    for name in ("index.html", "gallery.html"):
        page = render(f"{name}.j2", report=report, page=name)
        write_text(report.folder / name, page)


def chapter_page(report: Report, chapter: Chapter) -> str:
    """Return an executed notebook as a page, with links to pages, not to notebooks.

    Its code is open, but for cells tagged ``fold``.
    """
    exporter = HTMLExporter(
        template_name="chapter",
        extra_template_basedirs=[str(TEMPLATES)],
        extra_template_paths=[str(TEMPLATES)],
    )
    texts = [c.source for c in chapter.notebook.cells if c.cell_type == "markdown"]
    headings = re.findall(r"^## .+$", "\n\n".join(texts), re.M)
    page = markdown2html(re.sub(r"!\[.*?\]\(.*?\)", "", "\n\n".join(headings)))
    # Anchor and HTML of every heading of the second level.
    sections = re.findall(r'<h2 id="([^"]*)">(.*?)<a class="anchor-link"', page, re.S)
    about = {"report": report, "chapter": chapter, "sections": sections}
    try:
        page, _ = exporter.from_notebook_node(chapter.notebook, resources=about)
    except InvalidNotebook as error:  # of a pasted picture
        what = f"{chapter.file}: {error}"
        raise SmartClassError(f"{what}: paste the picture again.") from error
    page = re.sub(r'<a href="\.\./[^"]+">(.*?)</a>', r"\1", page)  # not beside it
    return re.sub(r'href="(\d\d_\w+)\.ipynb', r'href="\1.html', page)
