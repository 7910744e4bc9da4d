"""For maintainers: make the demo report and keep it as what the repository shows."""

import re
import shutil
from pathlib import Path

import nbformat

from smartclass_utils.commands.report import CHAPTER_SECONDS, run_report
from smartclass_utils.commands.results_page import plus_minus, write_page
from smartclass_utils.config import (
    COMMITTED_FIGURES,
    NOTEBOOKS,
    RESULTS_FOLDER,
    ROOT,
    SmartClassError,
)
from smartclass_utils.files import read_json, write_json, write_text


def record() -> None:
    """Run the report on the demo; keep its notebooks, figures and numbers.

    Nothing else writes into ``notebooks/``, ``figures/`` and the README.
    """
    keep(run_report("demo").parent)


def keep(out: Path) -> None:
    """Keep the demo report in ``out`` as what the repository shows."""
    content = read_json(out / "results.json", "run `make record` again")
    content["chapter_seconds"] = read_json(out / CHAPTER_SECONDS)
    write_json(RESULTS_FOLDER / "demo.json", content)
    write_page(RESULTS_FOLDER)
    write_readme(content)
    for file in sorted((out / "notebooks").glob("*.ipynb")):
        notebook = tidied(file, content["chapter_seconds"][file.stem])
        write_text(NOTEBOOKS / file.name, nbformat.writes(notebook) + "\n")
    copy_figures(out / "figures", COMMITTED_FIGURES)


def tidied(file: Path, seconds: float) -> nbformat.NotebookNode:
    """Read an executed notebook; state its runtime, drop what a machine leaves."""
    notebook = nbformat.read(file, as_version=4)
    notebook.metadata.get("language_info", {}).pop("version", None)
    first = notebook.cells[0]
    stated = f"**Runtime** about {seconds:.0f} seconds"
    first.source = re.sub(r"\*\*Runtime\*\* about \d+ seconds", stated, first.source)
    return notebook


def copy_figures(made: Path, committed: Path) -> None:
    """Replace the committed figures, one PNG each, and write their page."""
    figures = read_json(made / "figures.json")
    for old in [*committed.glob("*.png"), *committed.glob("*.svg")]:
        old.unlink()
    for name in figures:
        shutil.copyfile(made / f"{name}.png", committed / f"{name}.png")
    write_text(committed / "README.md", gallery(figures))


def gallery(figures: dict[str, dict]) -> str:
    """Return the figures' README: what each shows and which notebook makes it."""
    numbers = {f.name[:2]: f.name for f in sorted(NOTEBOOKS.glob("*.ipynb"))}
    page = (
        "# Figures\n\n"
        "Written by `make record` on the demo data: the project draws all its faces.\n"
        "`make report` leaves each one as SVG and with larger type, too.\n"
    )
    for name, figure in figures.items():
        notebook = numbers.get(name[:2], "")
        page += (
            f"\n## {name}\n\n![{figure['alt']}]({name}.png)\n\n"
            f"{figure['caption']} Made by [{notebook}](../notebooks/{notebook}).\n"
        )
    return page


def fill(text: str, name: str, content: str) -> str:
    """Replace what stands between ``<!-- name -->`` and ``<!-- /name -->``.

    Raises:
        SmartClassError: if the page does not have the two marks.
    """
    marks = re.compile(rf"(<!-- {name} -->).*?(<!-- /{name} -->)", re.S)
    if not marks.search(text):
        raise SmartClassError(f"The page has no marks '<!-- {name} -->': put them in.")
    return marks.sub(lambda found: f"{found[1]}{content}{found[2]}", text)


def results_table(results: dict[str, dict]) -> str:
    """Return results by data set: the demo's, and the best validated of others."""
    lines = [
        "| Data | Network | Weights | Accuracy | 95 % interval | Macro-F1 | Training |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for data, content in results.items():
        rows = content["models"]
        if data == "demo":
            baseline = content["baseline"]
            always = {"name": f"always “{baseline['class']}”", "parameters": 0}
            rows = [*rows, {**baseline, **always}]
        else:
            rows = [max(rows, key=lambda e: e.get("val_accuracy", e["accuracy"]))]
        lines += [table_row(data, entry) for entry in rows]
    return "\n".join(lines)


def table_row(data: str, entry: dict) -> str:
    """Return one network's results as a row of the table."""
    low, high = (100 * end for end in entry["accuracy_ci95"])
    cpu, seconds = entry.get("cpu_seconds"), entry.get("seconds")
    taken = f"{cpu:,.0f} s CPU" if cpu else f"{seconds:,.0f} s" if seconds else "none"
    return (
        f"| {data} | {entry['name']} | {entry['parameters']:,} "
        f"| {plus_minus(entry, 'accuracy')} % | {low:.1f} – {high:.1f} "
        f"| {100 * entry['macro_f1']:.1f} "
        f"| {taken} |"
    )


def write_readme(demo: dict) -> None:
    """Put the results, and the seconds of the demo's chapters, into the README."""
    page = ROOT / "README.md"
    stored = {f.stem: read_json(f) for f in sorted(RESULTS_FOLDER.glob("*.json"))}
    others = {name: content for name, content in stored.items() if "models" in content}
    environment = demo["environment"]
    about = (
        f"Demo: {demo['data']['split']['test']} test images, "
        f"{len(demo['models'][0]['seeds'])} trainings (our own: "
        f"{len(demo['models'][-1]['seeds'])}) on {environment['device']}, "
        f"torch {environment['torch']}."
    )
    table = f"\n{results_table({'demo': demo, **others})}\n\n{about}\n"
    text = fill(page.read_text(encoding="utf-8"), "results", table)
    for chapter, seconds in demo["chapter_seconds"].items():
        text = fill(text, chapter, f"{seconds:.0f} s")
    write_text(page, text)
