"""For maintainers: make the demo report and keep it as what the repository shows."""

import re
import shutil
from pathlib import Path

import nbformat

from smartclass_utils.commands.report import CHAPTER_SECONDS, run_report
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
    write_readme(content)
    for file in sorted((out / "notebooks").glob("*.ipynb")):
        notebook = without_traces(file)
        state_runtime(notebook, content["chapter_seconds"][file.stem])
        write_text(NOTEBOOKS / file.name, nbformat.writes(notebook) + "\n")
    copy_figures(out / "figures", COMMITTED_FIGURES)


def without_traces(file: Path) -> nbformat.NotebookNode:
    """Read an executed notebook and drop what depends on the machine."""
    notebook = nbformat.read(file, as_version=4)
    notebook.metadata.get("language_info", {}).pop("version", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return notebook


def state_runtime(notebook: nbformat.NotebookNode, seconds: float) -> None:
    """Put the measured seconds into the line **Runtime** of the first cell."""
    first = notebook.cells[0]
    stated = f"**Runtime** about {seconds:.0f} seconds"
    first.source = re.sub(r"\*\*Runtime\*\* about \d+ seconds", stated, first.source)


def copy_figures(made: Path, committed: Path) -> None:
    """Replace the committed figures, one PNG each, and write their page."""
    figures = read_json(made / "figures.json")
    for old in [*committed.glob("*.png"), *committed.glob("*.svg")]:
        old.unlink()
    committed.mkdir(parents=True, exist_ok=True)
    for name in figures:
        shutil.copyfile(made / f"{name}.png", committed / f"{name}.png")
    write_text(committed / "README.md", gallery(figures))


def gallery(figures: dict[str, dict]) -> str:
    """Return the figures' README: what each shows and which notebook makes it."""
    numbers = {f.name[:2]: f.name for f in sorted(NOTEBOOKS.glob("*.ipynb"))}
    lines = [
        "# Figures",
        "",
        "Written by `make record` on the demo data: the project draws all its faces.",
        "`make report` leaves each one as SVG and with larger type, too.",
    ]
    for name, figure in figures.items():
        notebook = numbers.get(name[:2], "")
        lines += [
            "",
            f"## {name}",
            "",
            f"![{figure['alt']}]({name}.png)",
            "",
            f"{figure['caption']} Made by [{notebook}](../notebooks/{notebook}).",
        ]
    return "\n".join(lines) + "\n"


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
    """Return results as a Markdown table: the demo's, and the best of other data.

    Args:
        results: name of a data set → content of its ``results.json``.
    """
    lines = [
        "| Data | Network | Parameters | Accuracy | 95 % interval | Macro-F1 |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for data, content in results.items():
        rows = content["models"]
        if data != "demo":
            rows = [max(rows, key=lambda entry: entry["accuracy"])]
        lines += [table_row(data, entry) for entry in rows]
    return "\n".join(lines)


def table_row(data: str, entry: dict) -> str:
    """Return one network's results as a row of the table."""
    low, high = (100 * end for end in entry["accuracy_ci95"])
    spread = entry.get("accuracy_sd")
    plus_minus = f" ± {100 * spread:.1f}" if spread is not None else ""
    return (
        f"| {data} | {entry['name']} | {entry['parameters']:,} "
        f"| {100 * entry['accuracy']:.1f} %{plus_minus} | {low:.1f} – {high:.1f} "
        f"| {100 * entry['macro_f1']:.1f} |"
    )


def write_readme(demo: dict) -> None:
    """Put the results and the chapters' seconds into the README."""
    page = ROOT / "README.md"
    results = {
        file.stem: read_json(file)
        for file in sorted(RESULTS_FOLDER.glob("*.json"))
        if "models" in read_json(file)
    }
    text = fill(
        page.read_text(encoding="utf-8"),
        "results",
        f"\n{results_table({'demo': demo, **results})}\n",
    )
    for chapter, seconds in demo["chapter_seconds"].items():
        text = fill(text, chapter, f"{seconds:.0f} s")
    write_text(page, text)
