"""The long tables of all stored results, as one page: ``data/results/README.md``."""

from operator import itemgetter
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
    parts = {
        "head": HEAD,
        "results": [one for one in found if {"models", "environment"} <= set(one)],
        "models_table": lambda content: markdown(models_table(content)),
        "table_of": lambda entries: markdown(table_of(entries)),
    }
    write_text(folder / PAGE, render("results.md.j2", **parts))


def models_table(content: dict) -> pd.DataFrame:
    """Return one row a network; below ours, what others published."""
    others = [
        {"": one["Network"], "accuracy, %": one["Accuracy, %"]}
        for one in published(content["data"]["name"])
    ]
    return pd.concat([table_of(content["models"]), pd.DataFrame(others)]).fillna("–")


def results_table(results: dict[str, dict]) -> str:
    """Return results: the demo's; of others the best validated, and as published."""
    rows, by_validation = [], itemgetter("val_accuracy")
    for data, content in results.items():
        entries = content["models"]
        if data == "demo":
            baseline = content["baseline"]
            always = {"name": f"always “{baseline['class']}”", "parameters": 0}
            entries = [*entries, {**baseline, **always}]
        else:
            groups = (entries, content.get("transfer", []))
            entries = [max(group, key=by_validation) for group in groups if group]
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


def published(data: str) -> list[dict]:
    """Return what others published on a data set, as rows of the README's table."""
    table = pd.read_csv(REPORTED_FOLDER / "published.csv", encoding="utf-8")
    return [
        {
            "Data": data,
            "Network": f"{row.model} ({row.note})",
            "Accuracy, %": f"{row.accuracy_percent:.2f}",
        }
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


def markdown(table: pd.DataFrame, left: int = 1) -> str:
    """Return a table as Markdown; its first ``left`` columns hold text."""
    sides = ["---"] * left + ["---:"] * (table.shape[1] - left)
    rows = [table.columns, sides, *table.astype(str).to_numpy()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
