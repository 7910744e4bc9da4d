"""What becomes of each file, what it is called, and the counts."""

import re

import numpy as np
import pandas as pd

from smartclass_utils.cleaning.images import MENDING
from smartclass_utils.cleaning.shards import Verdict

OUTCOMES = ("kept", "mended", "rejected", "left out")
DIGITS = 12  # of the SHA-256, in a clean file's name
NAMES_SHOWN = 3  # in a reason


def judge(
    used: pd.DataFrame, verdicts: list[Verdict], given_split: bool
) -> pd.DataFrame:
    """Return the used rows with sha256, kind and reason of rejection, and notes."""
    table = used.assign(
        sha256=[v.sha256 for v in verdicts],
        kind=[v.kind for v in verdicts],
        reason=[v.reason for v in verdicts],
        notes=["; ".join(v.notes) for v in verdicts],
    )
    good = table[table["kind"] == ""]
    for _, same in good[good.duplicated("sha256", keep=False)].groupby("sha256"):
        mark_duplicates(table, same, given_split)
    return table


def mark_duplicates(table: pd.DataFrame, same: pd.DataFrame, given_split: bool) -> None:
    """Reject or note the rows that hold one and the same image, in place."""
    first, rest = same.index[0], same.index[1:]
    conflict = same["label"].nunique() > 1
    kind = "same image under different labels" if conflict else "duplicate"
    if given_split:
        text = table.loc[same.index, "notes"]
        note = f"{kind}, kept as the split is given"
        table.loc[same.index, "notes"] = [f"{t}; {note}" if t else note for t in text]
    elif conflict:
        files = [f"{row.file} ({row.label})" for row in same.itertuples()]
        more = (
            f" and {len(files) - NAMES_SHOWN} more" if len(files) > NAMES_SHOWN else ""
        )
        table.loc[same.index, "kind"] = kind
        reason = f"{kind}: {', '.join(files[:NAMES_SHOWN])}{more}"
        table.loc[same.index, "reason"] = reason
    else:
        table.loc[rest, "kind"] = kind
        table.loc[rest, "reason"] = f"duplicate of {same.at[first, 'file']}"


def clean_names(kept: pd.DataFrame) -> list[str]:
    """Return ``<label>/<source>_<hash>.png`` for every row, no name twice."""
    folders = {label: safe_name(label) for label in set(kept["label"])}
    sources = {
        source: re.sub(r"[^a-z0-9]+", "", source.lower()) or "images"
        for source in set(kept["source"])
    }
    taken: set[str] = set()
    names = []
    for label, source, digest in zip(
        kept["label"], kept["source"], kept["sha256"], strict=True
    ):
        stem = f"{folders[label]}/{sources[source]}_{digest[:DIGITS]}"
        name, number = f"{stem}.png", 2
        while name in taken:
            name, number = f"{stem}-{number}.png", number + 1
        taken.add(name)
        names.append(name)
    return names


def safe_name(label: str) -> str:
    """Return a class name as the name of a folder."""
    name = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "-", label).strip(" .")[:60] or "class"
    return f"{name}_" if name.endswith((".csv", ".npy", ".json")) else name


def count(manifest: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return how many images came to what, by reason; all of the manifest's."""
    left_out = manifest.loc[manifest["label"] == "", "original_label"]
    mended = [set(text.split("; ")) & set(MENDING) != set() for text in table["notes"]]
    outcome = np.where(mended, "mended", "kept")
    outcome = np.where(table["kind"] != "", "rejected", outcome)
    reason = table["kind"].where(table["kind"] != "", table["notes"])
    rows = pd.DataFrame({"outcome": outcome, "reason": reason})
    more = pd.DataFrame({"outcome": "left out", "reason": left_out})
    rows = pd.concat([rows, more], ignore_index=True).astype(str)
    counts = rows.groupby(["outcome", "reason"], as_index=False).size()
    counts = counts.rename(columns={"size": "images"})
    order = counts["outcome"].map(OUTCOMES.index)
    counts = counts.assign(order=order).sort_values(["order", "reason"])
    counts = counts.drop(columns="order").reset_index(drop=True)
    if counts["images"].sum() != len(manifest):
        raise AssertionError("the counts do not add up to the files seen")
    return counts
