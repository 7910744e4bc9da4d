"""For maintainers: make the demo report and keep it as what the repository shows."""

import re
import shutil
from pathlib import Path

import nbformat
import pandas as pd

from smartclass_utils import config
from smartclass_utils.commands import results_page
from smartclass_utils.commands.report import CHAPTER_SECONDS, run_report
from smartclass_utils.commands.results_page import (
    interval,
    markdown,
    plus_minus,
    published,
)
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
    content = read_json(out / "results.json", "run `make record` again")
    content["chapter_seconds"] = read_json(out / CHAPTER_SECONDS)
    write_json(config.RESULTS_FOLDER / "demo.json", content)
    results_page.write_page(config.RESULTS_FOLDER)
    write_readme(content)
    for file in sorted((out / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(file, as_version=4)
        notebook.metadata.get("language_info", {}).pop("version", None)  # a machine's
        seconds = content["chapter_seconds"][file.stem]
        stated = f"**Runtime** about {seconds:.0f} seconds"
        text = notebook.cells[0].source
        text = re.sub(r"\*\*Runtime\*\* about \d+ seconds", stated, text)
        notebook.cells[0].source = text
        write_text(config.NOTEBOOKS / file.name, nbformat.writes(notebook) + "\n")
    figures = read_json(out / "figures" / "figures.json")
    folder = config.COMMITTED_FIGURES
    for old in [*folder.glob("*.png"), *folder.glob("*.svg")]:
        old.unlink()
    for name in figures:
        shutil.copy(out / "figures" / f"{name}.png", folder)
    write_text(folder / "README.md", gallery(figures))


def gallery(figures: dict[str, dict]) -> str:
    """Return the figures' README: what each shows and which notebook makes it."""
    numbers = {f.name[:2]: f.name for f in sorted(config.NOTEBOOKS.glob("*.ipynb"))}
    page = (
        "# Figures\n\n"
        "Written by `make record` on the demo of drawn faces; some of chapters 4 to 6 "
        "show stored results, too, 07_photo a portrait by NASA.\n"
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
    """Return results: the demo's; of others the best validated, and as published."""
    rows = []
    for data, content in results.items():
        entries = content["models"]
        if data == "demo":
            baseline = content["baseline"]
            always = {"name": f"always “{baseline['class']}”", "parameters": 0}
            entries = [*entries, {**baseline, **always}]
        else:
            groups = (entries, content.get("transfer", []))
            entries = [max(group, key=validated) for group in groups if group]
        for entry in entries:
            cpu, seconds = entry.get("cpu_seconds"), entry.get("seconds")
            taken = f"{seconds:,.0f} s" if seconds else "none"
            row = {
                "Data": data,
                "Network": entry["name"],
                "Weights": f"{entry['parameters']:,}",
                "Accuracy, %": plus_minus(entry, "accuracy"),
                "95 % interval": interval(entry).replace(" – ", "–"),
                "Macro-F1": f"{100 * entry['macro_f1']:.1f}",
                "Training": f"{cpu:,.0f} s CPU" if cpu else taken,
            }
            rows.append(row)
        rows += published(data)[:1]
    return markdown(pd.DataFrame(rows).fillna("–"), left=2)


def validated(entry: dict) -> float:
    """Return the accuracy by which a network is chosen."""
    return entry.get("val_accuracy", entry["accuracy"])


def write_readme(demo: dict) -> None:
    """Put the results, and the seconds of the demo's chapters, into the README."""
    page = config.ROOT / "README.md"
    stored = {f.stem: read_json(f) for f in config.RESULTS_FOLDER.glob("*.json")}
    others = {name: stored[name] for name in PHOTOGRAPHS if name in stored}
    environment = demo["environment"]
    about = (
        f"Demo: {demo['data']['split']['test']} test images, "
        f"{len(demo['models'][0]['seeds'])} trainings (our own: "
        f"{len(demo['models'][-1]['seeds'])}) on {environment['device']}, "
        f"torch {environment['torch']}."
    )
    table = f"\n{results_table({'demo': demo, **others})}\n{about}\n"
    text = fill(page.read_text(encoding="utf-8"), "results", table)
    for chapter, seconds in demo["chapter_seconds"].items():
        text = fill(text, chapter, f"{seconds:.0f} s")
    write_text(page, text)
