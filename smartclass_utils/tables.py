"""The report's tables 1 and 2: ours, and beside them what was reported."""

import pandas as pd
from IPython.display import HTML

from smartclass_utils.config import CLASSES, REPORTED_FOLDER
from smartclass_utils.evaluation import wilson_interval
from smartclass_utils.sources import compare_with_reported

REPORTED_TEST_IMAGES = 500  # follows from the reported percentages; chapter 06 shows it
MISSING = "–"  # did not survive in our copy of the report


def percent(value: float | str | None) -> str:
    """Return a share in 0…1 as a percentage with one decimal, or a dash."""
    missing = value is None or value == "" or pd.isna(value)
    return MISSING if missing else f"{100 * float(value):.1f}"


def read_reported(name: str) -> pd.DataFrame:
    """Read one of the original report's tables from ``data/reported``."""
    return pd.read_csv(REPORTED_FOLDER / f"{name}.csv", encoding="utf-8")


def overview_table(manifest: pd.DataFrame) -> pd.DataFrame:
    """Count files by original label (rows) and by source and split (columns).

    Where the source is one of the original report's, its count follows in brackets.

    Args:
        manifest: the rows of a manifest.
    """
    both = compare_with_reported(manifest, read_reported("sources"))
    both = both[both["source"].isin(set(manifest["source"]))]
    known = set(read_reported("sources")["source"])
    both["text"] = [
        f"{row.images:,} ({row.reported:,})"
        if row.source in known
        else f"{row.images:,}"
        for row in both.itertuples()
    ]
    parts = both[["source", "split"]].agg(" ".join, axis=1).str.strip()
    both = both.assign(part=pd.Categorical(parts, dict.fromkeys(parts)))
    table = both.pivot(index="original_label", columns="part", values="text")
    return table.fillna(MISSING).rename_axis(index=None, columns=None)


def comparable(classes: tuple[str, ...]) -> bool:
    """Return whether the reported figures are about these very classes."""
    return tuple(classes) == CLASSES


def overall_table(entries: list[dict], baseline: dict) -> pd.DataFrame:
    """Return table 2 in percent: one row a model, last the majority class."""
    rows = {entry["title"]: entry for entry in entries}
    rows[f"always “{baseline['class']}”"] = baseline
    columns = {
        "macro precision": "macro_precision",
        "macro recall": "macro_recall",
        "macro F1": "macro_f1",
        "micro precision": "micro_precision",
        "micro recall": "micro_recall",
        "micro F1": "micro_f1",
    }
    table = {
        title: {
            "accuracy": plus_minus(entry),
            **{name: percent(entry[key]) for name, key in columns.items()},
        }
        for title, entry in rows.items()
    }
    return pd.DataFrame(table).T


def overall_beside_reported(
    entries: list[dict], classes: tuple[str, ...]
) -> pd.DataFrame:
    """Return accuracy and macro averages in percent, ours and reported.

    The table is empty where the classes are not the report's four.
    """
    if not comparable(classes):
        return pd.DataFrame(columns=["ours", "reported"])
    reported = read_reported("table2").set_index("model")
    pairs = {
        "accuracy": "accuracy_percent",
        "macro precision": "macro_precision_percent",
        "macro recall": "macro_recall_percent",
        "macro F1": "macro_f1_percent",
    }
    rows = {}
    for entry in entries:
        if entry["name"] in reported.index:
            rows[entry["title"]] = {
                (name, whose): value
                for name, column in pairs.items()
                for whose, value in (
                    ("ours", percent(entry[name.replace(" ", "_").lower()])),
                    ("reported", f"{reported.loc[entry['name'], column]:.1f}"),
                )
            }
    return pd.DataFrame.from_dict(rows, orient="index")


def per_class_table(entries: list[dict], classes: tuple[str, ...]) -> pd.DataFrame:
    """Return table 1 in percent: precision and recall of every class and model.

    Where the classes are the report's four, the reported values stand beside ours.
    """
    reported = read_reported("table1").set_index(["model", "label"])
    rows = []
    for entry in entries:
        for label in classes:
            ours = entry["per_class"][label]
            row = {
                "model": entry["title"],
                "class": label,
                "precision": percent(ours["precision"]),
                "recall": percent(ours["recall"]),
            }
            if comparable(classes):
                theirs = reported.reindex([(entry["name"], label)]).iloc[0] / 100
                row["precision reported"] = percent(theirs["precision_percent"])
                row["recall reported"] = percent(theirs["recall_percent"])
            rows.append({**row, "images": round(ours["images"])})
    return pd.DataFrame(rows).set_index(["model", "class"])


def accuracy_rows(entries: list[dict], classes: tuple[str, ...]) -> pd.DataFrame:
    """Return accuracies with 95 % intervals, ours and, where it fits, reported.

    Returns:
        Columns ``title``, ``whose``, ``accuracy``, ``low``, ``high`` (in 0…1) and
        ``seeds``, the accuracies of single trainings where there were several.
    """
    columns = ["title", "whose", "accuracy", "low", "high", "seeds"]
    rows = [
        (
            entry["title"],
            "ours",
            entry["accuracy"],
            *entry["accuracy_ci95"],
            entry.get("accuracy_per_seed", []),
        )
        for entry in entries
    ]
    if comparable(classes):
        reported = read_reported("table2").set_index("model")["accuracy_percent"]
        for entry in entries:
            if entry["name"] in reported.index:
                accuracy = reported[entry["name"]] / 100
                right = round(accuracy * REPORTED_TEST_IMAGES)
                interval = wilson_interval(right, REPORTED_TEST_IMAGES)
                rows.append((entry["title"], "reported", accuracy, *interval, []))
    return pd.DataFrame(rows, columns=columns)


def plus_minus(entry: dict, key: str = "accuracy") -> str:
    """Return a share as a percentage, with its spread over seeds where there is one."""
    spread = entry.get(f"{key}_sd")
    text = percent(entry[key])
    return text if spread is None else f"{text} ± {percent(spread)}"


def verdict(first: dict, second: dict) -> str:
    """Return a sentence that compares the accuracies of two models.

    It takes two things to call one better: intervals that do not overlap (the test
    images) and trainings that do not overlap (the random numbers of training).
    Overlap does not prove equality.
    """
    low, high = sorted((first, second), key=lambda entry: entry["accuracy"])
    gap = 100 * (high["accuracy"] - low["accuracy"])
    start = f"{high['title']} is {gap:.1f} points above {low['title']}, "
    if low["accuracy_ci95"][1] >= high["accuracy_ci95"][0]:
        return (
            f"{start}but their intervals overlap: a test split of this size can't "
            "tell them apart."
        )
    below, above = (entry.get("accuracy_per_seed", []) for entry in (low, high))
    if not above:
        return (
            f"{start}and their intervals do not overlap. One training of each does "
            "not tell the network from luck with its starting weights."
        )
    if max(below) >= min(above):
        return (
            f"{start}but the best training of {low['title']} ({percent(max(below))} %) "
            f"beats the worst of {high['title']} ({percent(min(above))} %): "
            f"{len(above)} trainings can't tell them apart."
        )
    return (
        f"{start}in each of {len(above)} trainings, and their intervals do not "
        "overlap: with this recipe, on this data, it is the better one."
    )


def words(table: pd.DataFrame, index: bool = False) -> HTML:
    """Return a table of texts for a notebook, set from the left."""
    page = table.to_html(index=index, border=0)
    for tag in ("th", "td"):
        page = page.replace(f"<{tag}>", f'<{tag} style="text-align: left">')
    return HTML(page)
