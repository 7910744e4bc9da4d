"""The report as pages that open from disk: cover, chapters, gallery."""

import re

import nbformat
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html

from smartclass_utils.files import write_text
from smartclass_utils.plots import TALK
from smartclass_utils.site.chapters import TEMPLATES, Chapter, Report, render

STYLE = TEMPLATES / "chapter" / "report.css"


def write_pages(report: Report) -> None:
    """Write one page a chapter, ``index.html`` and ``gallery.html``."""
    for chapter in report.chapters:
        page = chapter_page(report, chapter)
        write_text(report.folder / chapter.page, page)
    css = STYLE.read_text(encoding="utf-8")
    talk = (report.folder / "figures").glob(f"*{TALK}.png")
    larger = {file.stem.removesuffix(TALK) for file in talk}
    for name in ("index.html", "gallery.html"):
        page = render(f"{name}.j2", report=report, css=css, page=name, larger=larger)
        write_text(report.folder / name, page)


def chapter_page(report: Report, chapter: Chapter) -> str:
    """Return an executed notebook as a page, its code folded."""
    place = report.chapters.index(chapter)
    notebook = report.notebooks[chapter.number]
    about = {
        "chapter": chapter,
        "chapters": report.chapters,
        "before": report.chapters[place - 1] if place else None,
        "after": [*report.chapters, None][place + 1],
        "sections": sections(notebook),
        "data_name": report.results["data"]["name"],
    }
    exporter = HTMLExporter(
        template_name="chapter",
        extra_template_basedirs=[str(TEMPLATES)],
        extra_template_paths=[str(TEMPLATES)],
    )
    page, _ = exporter.from_notebook_node(notebook, resources=about)
    return link_pages(page)


def sections(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """Return anchor and HTML of every heading of the second level."""
    texts = [c.source for c in notebook.cells if c.cell_type == "markdown"]
    headings = re.findall(r"^## .+$", "\n\n".join(texts), re.M)
    pattern = re.compile(r'<h2 id="([^"]*)">(.*?)<a class="anchor-link"', re.S)
    found = (pattern.search(markdown2html(line)) for line in headings)
    return [match.groups() for match in found if match]


def link_pages(page: str) -> str:
    """Let links between notebooks lead to the exported pages."""
    return re.sub(r'href="(\d\d_\w+)\.ipynb', r'href="\1.html', page)
