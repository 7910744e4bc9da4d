"""Results of the study as they are stored, and the tables made of them."""

import json

import pandas as pd

from smartclass_utils.config import REPORTED_FOLDER, RESULTS_FOLDER, SHIPPED_CARD
from smartclass_utils.tables import percent, plus_minus


def read_studies() -> dict[str, dict]:
    """Return every stored study, by the name of its data set."""
    found = {}
    for file in sorted(RESULTS_FOLDER.glob("*.json")):
        content = json.loads(file.read_text(encoding="utf-8"))
        if content.get("ladder"):
            found[content["data"]["name"]] = content
    return found


def read_published(name: str) -> pd.DataFrame:
    """Return what others published on a data set: model, accuracy_percent, note."""
    table = pd.read_csv(REPORTED_FOLDER / "published.csv", encoding="utf-8")
    return table[table["data"] == name].drop(columns="data")


def interval(entry: dict) -> str:
    """Return the 95 % interval of an accuracy in percent."""
    low, high = entry["accuracy_ci95"]
    return f"{percent(low)} – {percent(high)}"


def minutes(entry: dict) -> str:
    """Return the processor time of one training in minutes, with one decimal."""
    return f"{entry['cpu_seconds'] / 60:.1f}"


def models_table(content: dict) -> pd.DataFrame:
    """Return one row a model of a study, and the published ones where there are any.

    Columns: accuracy (mean ± sd, %), 95 % interval, macro F1, parameters, epochs,
    processor minutes of one training. "not run" stands where torchvision's weights
    were not there.
    """
    rows = {
        entry["title"]: {
            "accuracy": plus_minus(entry),
            "95 % interval": interval(entry),
            "macro F1": plus_minus(entry, "macro_f1"),
            "parameters": f"{entry['parameters']:,}",
            "epochs": str(entry["epochs"]),
            "CPU minutes": minutes(entry),
        }
        for entry in content["models"]
    }
    if not any(entry["name"] == "resnet18" for entry in content["models"]):
        rows["ResNet-18, weights from ImageNet"] = {"accuracy": "not run"}
    for other in read_published(content["data"]["name"]).itertuples():
        title = f"{other.model} ({other.note})"
        rows[title] = {"accuracy": f"{other.accuracy_percent:.2f}"}
    return unbroken(pd.DataFrame.from_dict(rows, orient="index").fillna("–"))


def unbroken(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of texts whose cells are not broken over two lines.

    A dash would allow a break before the space that follows; a word joiner forbids it.
    """
    spaces = {" – ": "\u00a0–\u2060\u00a0", " ": "\u00a0"}
    for text, kept in spaces.items():
        table = table.map(lambda cell, text=text, kept=kept: cell.replace(text, kept))
    return table


def steps_table(contents: dict[str, dict]) -> pd.DataFrame:
    """Return one row a step: validation and test accuracy on each data set.

    Args:
        contents: the studies, see :func:`read_studies`.

    Returns:
        For each data set ``validation`` and ``test`` accuracy (mean ± sd, %), the
        ``gain`` over the step before on test (points) and ``CPU minutes``.
    """
    columns = {}
    longest = max((content["ladder"] for content in contents.values()), key=len)
    for name, content in contents.items():
        ladder = content["ladder"]
        titles = [entry["title"] for entry in ladder]
        gains = gains_of(ladder, [entry["title"] for entry in longest])
        table = {
            "validation": [plus_minus(entry, "val_accuracy") for entry in ladder],
            "test": [plus_minus(entry) for entry in ladder],
            "gain": gains,
            "CPU min": [minutes(entry) for entry in ladder],
        }
        columns[name] = pd.DataFrame(table, index=titles)
    order = [entry["title"] for entry in longest]
    return unbroken(pd.concat(columns, axis=1).reindex(order).fillna("–"))


def gains_of(ladder: list[dict], order: list[str]) -> list[str]:
    """Return by how many points each step is above the one before it in ``order``.

    A dash stands where the step before was not taken by itself.
    """
    accuracy = {entry["title"]: entry["accuracy"] for entry in ladder}
    before = dict(zip(order[1:], order, strict=False))
    gains = []
    for title, right in accuracy.items():
        base = accuracy.get(before.get(title))
        gains.append("–" if base is None else f"{100 * (right - base):+.1f}")
    return gains


def alternatives_table(content: dict) -> pd.DataFrame:
    """Return what was tried on validation images: accuracy, macro F1, difference.

    The first row is our own network as it is; ``difference`` is in points of
    accuracy, and ``sd of it`` from the trainings of both.
    """
    first, *others = content["alternatives"]
    rows = {}
    for entry in (first, *others):
        gap = 100 * (entry["val_accuracy"] - first["val_accuracy"])
        rows[entry["title"]] = {
            "accuracy": plus_minus(entry, "val_accuracy"),
            "difference": "" if entry is first else f"{gap:+.1f}",
            "macro F1": plus_minus(entry, "val_macro_f1"),
            "CPU minutes": minutes(entry),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def folds_table(rows: list[dict]) -> pd.DataFrame:
    """Return a cross-validation: one row a network, mean ± sd over the folds, %."""
    table = pd.DataFrame(rows)
    shown = {}
    for title, own in table.groupby("title", sort=False):
        shown[title] = {
            "folds": len(own),
            "accuracy": spread(own["accuracy"]),
            "worst fold": percent(own["accuracy"].min()),
            "best fold": percent(own["accuracy"].max()),
            "macro F1": spread(own["macro_f1"]),
        }
    return pd.DataFrame.from_dict(shown, orient="index")


def spread(values: pd.Series) -> str:
    """Return mean ± standard deviation of shares, in percent."""
    return f"{percent(values.mean())} ± {percent(values.std(ddof=1))}"


def all_folds(contents: dict[str, dict]) -> pd.DataFrame:
    """Return the stored cross-validations, one row a data set and network."""
    tables = {
        name: folds_table(content["folds"])
        for name, content in contents.items()
        if content["folds"]
    }
    if not tables:
        return pd.DataFrame(columns=["folds", "accuracy"])
    return pd.concat(tables)


def shipped_table() -> pd.DataFrame:
    """Return what the shipped network reached where it was tested, in percent."""
    card = json.loads(SHIPPED_CARD.read_text(encoding="utf-8"))
    rows = {
        "its test split": card["test"],
        "others": card["carried_over"],
    }
    table = {
        f"{where}: {found['data']}": {
            "images": found["images"],
            "accuracy": percent(found["accuracy"]),
            "95 % interval": interval(found),
            "macro F1": percent(found["macro_f1"]),
            **{
                f"recall {name}": percent(row["recall"])
                for name, row in found["per_class"].items()
            },
        }
        for where, found in rows.items()
    }
    return pd.DataFrame.from_dict(table, orient="index")
