"""For maintainers: make the demo report and keep it as what the repository shows."""

import re
import shutil
from pathlib import Path

import nbformat

from smartclass_utils import config
from smartclass_utils.commands import results_page
from smartclass_utils.commands.pages import read_report, render
from smartclass_utils.commands.report import CHAPTER_SECONDS, run_report
from smartclass_utils.config import SmartClassError
from smartclass_utils.files import read_json, write_json, write_text

PHOTOGRAPHS = ("fer2013", "fer48", "rgb96")  # stored results that the README shows


def record() -> None:
    """Run the report on the demo; keep its notebooks, figures and numbers.

    Nothing else writes into ``notebooks/``, ``figures/`` and the README.
    """
    keep(run_report("demo").parent)


def keep(out: Path) -> None:
    """Keep the demo report in ``out`` as what the repository shows."""
    report = read_report(out)
    seconds = read_json(out / CHAPTER_SECONDS)
    content = {**report.results, "chapter_seconds": seconds}
    write_json(config.RESULTS_FOLDER / "demo.json", content)
    results_page.write_page(config.RESULTS_FOLDER)
    write_readme(content)
    for chapter in report.chapters:
        notebook = chapter.notebook
        notebook.metadata.get("language_info", {}).pop("version", None)  # a machine's
        stated = f"**Runtime** about {seconds[Path(chapter.file).stem]:.0f} seconds"
        opening = notebook.cells[0]
        old = r"\*\*Runtime\*\* about \d+ seconds"
        opening.source = re.sub(old, stated, opening.source)
        write_text(config.NOTEBOOKS / chapter.file, nbformat.writes(notebook) + "\n")
    folder = config.COMMITTED_FIGURES
    for old in [*folder.glob("*.png"), *folder.glob("*.svg")]:
        old.unlink()
    for name in report.figures:
        shutil.copy(out / "figures" / f"{name}.png", folder)
    write_text(folder / "README.md", render("figures.md.j2", report=report))


def fill(text: str, name: str, content: str) -> str:
    """Replace what stands between ``<!-- name -->`` and ``<!-- /name -->``.

    Raises:
        SmartClassError: if the page does not have the two marks.
    """
    marks = re.compile(rf"(<!-- {name} -->).*?(<!-- /{name} -->)", re.S)
    if not marks.search(text):
        raise SmartClassError(f"The page has no marks '<!-- {name} -->': put them in.")
    return marks.sub(lambda found: f"{found[1]}{content}{found[2]}", text)


def write_readme(demo: dict) -> None:
    """Put the results, and the seconds of the demo's chapters, into the README."""
    page = config.ROOT / "README.md"
    stored = {f.stem: read_json(f) for f in config.RESULTS_FOLDER.glob("*.json")}
    photographs = {name: stored[name] for name in PHOTOGRAPHS if name in stored}
    about = {"published": results_page.published, "plus_minus": results_page.plus_minus}
    table = render("readme.md.j2", demo=demo, photographs=photographs, **about)
    text = fill(page.read_text(encoding="utf-8"), "results", table)
    for chapter, seconds in demo["chapter_seconds"].items():
        text = fill(text, chapter, f"{seconds:.0f} s")
    write_text(page, text)
