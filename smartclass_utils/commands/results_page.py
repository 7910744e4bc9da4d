"""The long tables of all stored results, as one page: ``data/results/README.md``."""

from pathlib import Path

import pandas as pd

from smartclass_utils.commands.pages import render
from smartclass_utils.config import REPORTED_FOLDER
from smartclass_utils.files import read_json, write_text

PAGE, HEAD = "README.md", "# Stored results"  # the page's name, and how it begins


def write_page(folder: Path) -> None:
    """Write the page of all results in a folder, from its JSON files."""
    files = sorted(folder.glob("*.json"))
    found = [read_json(file, "make it again or delete it") for file in files]
    shown = [one for one in found if {"models", "environment"} <= set(one)]
    about = {"published": published, "plus_minus": plus_minus}
    page = render("results.md.j2", head=HEAD, results=shown, **about)
    write_text(folder / PAGE, page)


def published(data: str) -> list[dict]:
    """Return what others published on a data set, as rows of ``published.csv``."""
    table = pd.read_csv(REPORTED_FOLDER / "published.csv", encoding="utf-8")
    return table[table["data"] == data].to_dict("records")


def plus_minus(entry: dict, key: str) -> str:
    """Return mean ± standard deviation of a share over the trainings, in percent."""
    if key not in entry:
        return "–"
    values = pd.Series(entry.get(f"{key}_per_seed", []), dtype=float)
    spread = f" ± {100 * values.std():.1f}" if len(values) > 1 else ""
    return f"{100 * entry[key]:.1f}{spread}"
