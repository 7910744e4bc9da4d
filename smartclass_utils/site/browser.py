"""A browser without a window that prints pages."""

import os
import shutil
import subprocess
from pathlib import Path

from smartclass_utils.config import SmartClassError

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
SECONDS = 300  # that a page may take


def find_browser() -> str | None:
    """Return the path of Chromium or Chrome, or None."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def command(browser: str, profile: Path) -> list[str]:
    """Return the start of a command line: no window, no network of its own.

    Args:
        browser: as found by :func:`find_browser`.
        profile: folder for what the browser keeps; ours, not the user's.
    """
    # Chromium refuses to run as root, as in most containers, inside its sandbox.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [
        browser,
        "--headless",
        *(["--no-sandbox"] if is_root else []),
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={profile}",
    ]


def print_pdf(page: Path, pdf: Path, profile: Path) -> None:
    """Print a page into a PDF with tags and an outline.

    Raises:
        SmartClassError: if there is no browser, or if it does not print.
    """
    browser = find_browser()
    if browser is None:
        raise SmartClassError(
            "No Chromium or Chrome was found to print with: install one (on Debian or "
            "Ubuntu `sudo apt install chromium`), or open report/index.html and print "
            "from there."
        )
    options = [
        "--no-pdf-header-footer",
        "--generate-pdf-document-outline",
        f"--print-to-pdf={pdf}",
        page.as_uri(),
    ]
    try:
        ended = subprocess.run(
            [*command(browser, profile), *options],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SmartClassError(f"{browser} did not print the report: {error}") from error
    if ended.returncode or not pdf.exists():
        last = (ended.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise SmartClassError(f"{browser} did not print the report: {last}")
