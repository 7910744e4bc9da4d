"""For maintainers: keep the last demo report as what the repository shows."""

import re
from pathlib import Path

import nbformat

from smartclass_utils.beyond.stored import models_table, read_studies
from smartclass_utils.config import RESULTS_FOLDER, ROOT, SmartClassError, workspace
from smartclass_utils.files import read_json, write_json, write_text
from smartclass_utils.report import CHAPTER_SECONDS, NOTEBOOKS


def record() -> None:
    """Keep the last demo report as the committed notebooks and stored results.

    For maintainers: ``make report`` without parameters on the demo data comes first.
    """
    place = workspace()
    results = place.out / "results.json"
    if not results.exists():
        raise SmartClassError("There is no report to record: run `make report` first.")
    content = read_json(results)
    if content["data"]["name"] != "demo":
        raise SmartClassError(
            "The last report ran on other data than the demo: run "
            "`make report DATA=demo` first, so that nobody's photograph is recorded."
        )
    seconds = read_json(place.out / CHAPTER_SECONDS)
    for file in sorted((place.out / "notebooks").glob("*.ipynb")):
        notebook = without_traces(file)
        state_runtime(notebook, seconds[file.stem])
        write_text(NOTEBOOKS / file.name, nbformat.writes(notebook) + "\n")
    content["chapter_seconds"] = seconds
    write_json(RESULTS_FOLDER / "demo.json", content)
    write_readme(content)


def without_traces(file: Path) -> nbformat.NotebookNode:
    """Read an executed notebook and drop what depends on the machine and the day."""
    notebook = nbformat.read(file, as_version=4)
    if any("injected-parameters" in c.metadata.get("tags", []) for c in notebook.cells):
        raise SmartClassError(
            f"{file} ran with changed parameters: run `make report` without any first."
        )
    notebook.metadata.pop("papermill", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
    return notebook


def state_runtime(notebook: nbformat.NotebookNode, seconds: float) -> None:
    """Put the measured seconds into the line **Runtime** of the first cell."""
    first = notebook.cells[0]
    stated = f"**Runtime** about {seconds:.0f} seconds"
    first.source = re.sub(r"\*\*Runtime\*\* about \d+ seconds", stated, first.source)


def fill(text: str, name: str, content: str) -> str:
    """Replace what stands between ``<!-- name -->`` and ``<!-- /name -->``.

    Raises:
        SmartClassError: if the page does not have the two marks.
    """
    marks = re.compile(rf"(<!-- {name} -->).*?(<!-- /{name} -->)", re.S)
    if not marks.search(text):
        raise SmartClassError(f"The page has no marks '<!-- {name} -->': put them in.")
    return marks.sub(lambda found: f"{found[1]}{content}{found[2]}", text)


def results_table(results: dict) -> str:
    """Return the models of one ``results.json`` as a Markdown table."""
    lines = [
        "| Model | Parameters | Accuracy | 95 % interval | Macro-F1 | Training |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for entry in results["models"]:
        low, high = (100 * end for end in entry["accuracy_ci95"])
        spread = entry.get("accuracy_sd")
        plus_minus = f" ± {100 * spread:.1f}" if spread is not None else ""
        lines.append(
            f"| {entry['title']} | {entry['parameters']:,} "
            f"| {100 * entry['accuracy']:.1f} %{plus_minus} | {low:.1f} – {high:.1f} "
            f"| {100 * entry['macro_f1']:.1f} | {entry['seconds']:.0f} s |"
        )
    baseline = results["baseline"]
    low, high = (100 * end for end in baseline["accuracy_ci95"])
    lines.append(
        f"| always “{baseline['class']}” | 0 | {100 * baseline['accuracy']:.1f} % "
        f"| {low:.1f} – {high:.1f} | {100 * baseline['macro_f1']:.1f} | none |"
    )
    return "\n".join(lines)


def study_table(content: dict) -> str:
    """Return the models of a study, and the published ones, as a Markdown table."""
    table = models_table(content)
    columns = ["accuracy", "95 % interval", "macro F1", "parameters", "CPU minutes"]
    lines = [
        "| Model | Accuracy, % | 95 % interval | Macro-F1, % | Parameters | CPU min |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for title, row in table[columns].iterrows():
        lines.append(f"| {title} | {' | '.join(row)} |")
    split, first = content["data"]["split"], content["models"][0]
    return (
        "\n".join(lines) + f"\n\n{split['train']:,} training and {split['test']} test "
        f"images; mean ± standard deviation of {len(first['seeds'])} trainings; CPU "
        "minutes of one training, or of all of an ensemble."
    )


def trainings(results: dict) -> str:
    """Return how often and how long each model was trained."""
    first = results["models"][0]
    times = f"{len(first['seeds'])} trainings of {first['epochs']} epochs each"
    times = times if len(first["seeds"]) > 1 else f"{first['epochs']} epochs"
    others = [
        f"{entry['title'].lower()} {entry['epochs']}"
        for entry in results["models"]
        if entry["epochs"] != first["epochs"]
    ]
    return f"{times} ({', '.join(others)})" if others else times


def write_readme(results: dict) -> None:
    """Put the results, demo and studies, and the chapters' seconds into the README."""
    page = ROOT / "README.md"
    environment = results["environment"]
    n_test = results["data"]["split"]["test"]
    table = (
        f"\n{results_table(results)}\n\n{n_test} test images; {trainings(results)}; "
        f"{environment['device']}, torch {environment['torch']}.\n"
    )
    text = fill(page.read_text(encoding="utf-8"), "results", table)
    for name, content in read_studies().items():
        text = fill(text, name, f"\n{study_table(content)}\n")
    for chapter, seconds in results["chapter_seconds"].items():
        text = fill(text, chapter, f"{seconds:.0f} s")
    write_text(page, text)
