"""The whole report as one PDF with a table of contents."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from smartclass_utils.commands import pages
from smartclass_utils.commands.pages import Chapter, Report
from smartclass_utils.config import SmartClassError
from smartclass_utils.files import write_text

PDF = "report.pdf"
LEFT_OUT = "nav, details, a.anchor-link, .skip, script, style, picture source"
BROWSERS = (
    *("chromium", "chromium-browser", "chrome", "google-chrome"),
    *("google-chrome-stable", r"C:\Program Files\Google\Chrome\Application\chrome.exe"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
SECONDS = 300  # that a page may take


def make_pdf(out: str | None = None) -> Path:
    """Print the report in ``out`` into ``report.pdf`` beside it; return its path.

    It is printed twice: only the first print tells on which page a section stands.

    Raises:
        SmartClassError: if there is no report, or no browser that prints.
    """
    report = pages.last_report(out)
    # Not in the system's folder, which a browser from a snap cannot read.
    place = {"dir": report.folder, "ignore_cleanup_errors": True}  # may be in use yet
    with tempfile.TemporaryDirectory(prefix="print-", **place) as name:
        folder = Path(name)
        page, made = folder / "report.html", folder / PDF
        parts = [chapter_part(report, chapter) for chapter in report.chapters]
        content = {"report": report, "parts_of_report": parts}
        numbers = {}
        for _ in range(2):
            text = pages.render("print.html.j2", **content, pages=numbers)
            write_text(page, text)
            print_pdf(page, made, folder / "profile")
            numbers = page_numbers(made.read_bytes())
        return made.replace(report.folder / PDF)


def chapter_part(report: Report, chapter: Chapter) -> Tag:
    """Return the text of a chapter, its anchors and links made for one page.

    Links to files stay out, as they would name folders of this machine.
    """
    part = BeautifulSoup(pages.chapter_page(report, chapter), "html.parser").main
    for tag in part.select(LEFT_OUT):
        tag.decompose()
    for tag in part.find_all(id=True):
        del tag["id"]
    for number, tag in enumerate(part.find_all(["h1", "h2"])):
        tag["id"] = f"c{chapter.number}-{number}" if number else f"c{chapter.number}"
    for link in part.find_all("a", href=True):
        target = re.match(r"(\d\d)_\w+\.html", link["href"])
        if target and report.chapter(target[1]):
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
    return {name.decode(): order[page] for name, page in anchors if page in order}


def find_browser() -> str | None:
    """Return the path of Chromium or Chrome, or None."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def browser_command(browser: str, profile: Path) -> list[str]:
    """Return the start of a command line: no window, no network of its own.

    What the browser keeps goes into the folder ``profile``, not into the user's.
    """
    # Chromium refuses to run as root, as in most containers, inside its sandbox.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [
        *(browser, "--headless", *(["--no-sandbox"] if is_root else [])),
        *("--disable-gpu", "--no-first-run", "--disable-sync"),
        *("--disable-background-networking", "--disable-component-update"),
        *("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={profile}"),
    ]


def print_pdf(page: Path, pdf: Path, profile: Path) -> None:
    """Print a page into a PDF with tags and an outline."""
    browser = find_browser()
    if browser is None:
        raise SmartClassError(
            "No Chromium or Chrome was found to print with: install one (on Debian or "
            "Ubuntu `sudo apt install chromium`), or print report/index.html yourself."
        )
    command = [
        *browser_command(browser, profile),
        "--no-pdf-header-footer",
        "--generate-pdf-document-outline",
        f"--print-to-pdf={pdf}",
        page.as_uri(),
    ]
    decoded = {"text": True, "errors": "replace", "capture_output": True}
    try:
        subprocess.run(command, timeout=SECONDS, check=True, **decoded)
        pdf.stat()  # raises if there is none
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", None) or error).strip().splitlines()[-1]
        raise SmartClassError(f"{browser} did not print the report: {said}") from error
