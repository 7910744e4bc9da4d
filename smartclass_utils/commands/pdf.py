"""The whole report as one PDF with a table of contents."""

import re
import tempfile
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from smartclass_utils.files import write_text
from smartclass_utils.site.browser import print_pdf
from smartclass_utils.site.chapters import Chapter, Report, last_report, render
from smartclass_utils.site.pages import STYLE, chapter_page

PDF = "report.pdf"
LEFT_OUT = "nav, details.code, a.anchor-link, .skip, script, style"


def make_pdf(out: str | None = None) -> Path:
    """Print the report in ``out`` into ``report.pdf`` beside it; return its path.

    It is printed twice: only the first print tells on which page a section stands.

    Raises:
        SmartClassError: if there is no report, or no browser that prints.
    """
    report = last_report(out)
    # Not in the system's folder, which a browser from a snap cannot read.
    with tempfile.TemporaryDirectory(dir=report.folder, prefix="print-") as name:
        folder = Path(name)
        page, made = folder / "report.html", folder / PDF
        parts = [chapter_part(report, chapter) for chapter in report.chapters]
        write_text(page, merged(report, parts, {}))
        print_pdf(page, made, folder / "profile")
        write_text(page, merged(report, parts, page_numbers(made.read_bytes())))
        print_pdf(page, made, folder / "profile")
        return made.replace(report.folder / PDF)


def merged(report: Report, parts: list[Tag], pages: dict[str, int]) -> str:
    """Return cover, table of contents and chapters as one page for printing."""
    contents = [(heading(part.h1), sections(part)) for part in parts]
    return render(
        "print.html.j2",
        report=report,
        css=STYLE.read_text(encoding="utf-8"),
        contents=contents,
        pages=pages,
        parts_of_report=[part.decode_contents() for part in parts],
    )


def sections(part: Tag) -> list[tuple[str, str]]:
    """Return the headings of a chapter's sections."""
    return [heading(found) for found in part.find_all("h2")]


def heading(tag: Tag) -> tuple[str, str]:
    """Return the anchor and the text of a heading."""
    return tag["id"], tag.get_text().strip()


def chapter_part(report: Report, chapter: Chapter) -> Tag:
    """Return the text of a chapter, its anchors and links made for one page.

    Code stays out; so do links to files, which would name folders of this machine.
    """
    page = BeautifulSoup(chapter_page(report, chapter), "html.parser")
    part = page.main
    for tag in part.select(LEFT_OUT):
        tag.decompose()
    for tag in part.find_all(id=True):
        del tag["id"]
    for number, tag in enumerate(part.find_all(["h1", "h2"])):
        tag["id"] = f"c{chapter.number}-{number}" if number else f"c{chapter.number}"
    for link in part.find_all("a", href=True):
        target = re.match(r"(\d\d)_\w+\.html", link["href"])
        if target and target[1] in report.notebooks:
            link["href"] = f"#c{target[1]}"
        elif not link["href"].startswith(("http:", "https:")):
            link.unwrap()
    return part


def page_numbers(pdf: bytes) -> dict[str, int]:
    """Return on which page the anchors of a PDF by Chromium stand.

    Chromium writes pages in their order and names anchors in plain text. Where it once
    does not, the table of contents has no page numbers.
    """
    pages = re.findall(rb"^(\d+) 0 obj\s*<<\s*/Type /Page\b", pdf, re.M)
    order = {page: number for number, page in enumerate(pages, start=1)}
    anchors = re.findall(rb"/(c\d\d(?:-\d+)?) \[(\d+) 0 R /XYZ", pdf)
    return {
        name.decode("ascii"): order[page] for name, page in anchors if page in order
    }
