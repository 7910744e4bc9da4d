"""The long tables of all stored results, as one page: ``data/results/README.md``."""

from pathlib import Path

import pandas as pd

from smartclass_utils.config import REPORTED_FOLDER
from smartclass_utils.files import read_json, write_text

HEAD = """# Stored results

Written by `make record` (demo) and `python -m smartclass_utils study` (photographs), \
which read the JSON files beside this page (the GPU's was put together by hand, see \
[data](../README.md)). Networks train in bfloat16 where the hardware computes in it, \
EfficientNet-Lite0 in float32. **±** is the standard deviation between trainings. \
**95 % interval** covers the choice of test images, given these trainings; it does not \
say where the next training will land. All choices were made on the validation images, \
but for the kind of labels that the shipped network learned from: that was chosen by \
looking at rgb96.
"""


def write_page(folder: Path) -> None:
    """Write the page of all results in a folder, from its JSON files."""
    parts = [HEAD]
    for file in sorted(folder.glob("*.json")):
        content = read_json(file, "make it again or delete it")
        if "models" in content:
            parts.append(section(content))
    write_text(folder / "README.md", "\n".join(parts))


def section(content: dict) -> str:
    """Return the tables of one data set as Markdown."""
    name, split = content["data"]["name"], content["data"]["split"]
    device, torch = (content["environment"][key] for key in ("device", "torch"))
    title = name if device.startswith("CPU") else f"{name} on {device}"
    text = (
        f"## {title}\n\n{split['train']:,} images to learn from, {split['test']:,} to "
        f"test; {device}, torch {torch}.\n\n{markdown(models_table(content))}"
    )
    if content.get("ladder"):
        text += f"\n### {name}: step by step\n\n{markdown(table_of(content['ladder']))}"
    if content.get("transfer"):
        text += f"\n### {name}: colour, and weights learned before\n\n"
        text += markdown(table_of(content["transfer"]))
    return text


def models_table(content: dict) -> pd.DataFrame:
    """Return one row a network; below ours, what others published."""
    others = [
        {"": one["Network"], "accuracy, %": one["Accuracy, %"]}
        for one in published(content["data"]["name"])
    ]
    return pd.concat([table_of(content["models"]), pd.DataFrame(others)]).fillna("–")


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
