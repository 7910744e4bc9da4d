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
    tables = {"models_table": models_table, "table_of": table_of, "markdown": markdown}
    page = render("results.md.j2", head=HEAD, results=shown, **tables)
    write_text(folder / PAGE, page)


def models_table(content: dict) -> pd.DataFrame:
    """Return one row per network; below ours, what others published."""
    others = pd.DataFrame(published(content["data"]["name"]))
    return pd.concat([table_of(content["models"]), others]).fillna("–")


def published(data: str) -> list[dict]:
    """Return network and accuracy of what others published on a data set, as texts."""
    table = pd.read_csv(REPORTED_FOLDER / "published.csv", encoding="utf-8")
    return [
        {"": f"{row.model} ({row.note})", "accuracy, %": f"{row.accuracy_percent:.2f}"}
        for row in table[table["data"] == data].itertuples()
    ]


def table_of(entries: list[dict]) -> pd.DataFrame:
    """Return entries as a table of texts, shares in percent."""
    return pd.DataFrame(
        {
            "": entry["name"],
            "accuracy, %": plus_minus(entry, "accuracy"),
            "95 % interval": interval(entry),
            "validation, %": plus_minus(entry, "val_accuracy"),
            "macro-F1, %": plus_minus(entry, "macro_f1"),
            "weights": f"{entry['parameters']:,}",
            "epochs": str(entry["epochs"]),
            "trainings": str(len(entry["seeds"])),
            "CPU min": (
                f"{entry['cpu_seconds'] / 60:.1f}" if "cpu_seconds" in entry else "–"
            ),
            "never answered": ", ".join(entry.get("never", [])) or "–",
        }
        for entry in entries
    )


def plus_minus(entry: dict, key: str) -> str:
    """Return mean ± standard deviation of a share over the trainings, in percent."""
    if key not in entry:
        return "–"
    values = pd.Series(entry.get(f"{key}_per_seed", []), dtype=float)
    spread = f" ± {100 * values.std():.1f}" if len(values) > 1 else ""
    return f"{100 * entry[key]:.1f}{spread}"


def interval(entry: dict) -> str:
    """Return the interval of the accuracy, in percent."""
    return " – ".join(f"{100 * end:.1f}" for end in entry["accuracy_ci95"])


def markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown; its first column holds text."""
    sides = ["---"] + ["---:"] * (table.shape[1] - 1)
    rows = [table.columns, sides, *table.astype(str).to_numpy()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
