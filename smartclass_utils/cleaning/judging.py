"""What becomes of each file, what it is called, and the counts."""

import re
from collections import Counter

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
    verdicts = list(verdicts)
    same: dict[str, list[int]] = {}  # SHA-256 → its rows
    for row, verdict in enumerate(verdicts):
        if verdict.kind == "":
            same.setdefault(verdict.sha256, []).append(row)
    files, labels = list(used["file"]), list(used["label"])
    for rows in same.values():
        if len(rows) > 1:
            mark_duplicates(verdicts, rows, files, labels, given_split)
    return used.assign(
        sha256=[v.sha256 for v in verdicts],
        kind=[v.kind for v in verdicts],
        reason=[v.reason for v in verdicts],
        notes=["; ".join(v.notes) for v in verdicts],
    )


def mark_duplicates(
    verdicts: list[Verdict],
    rows: list[int],
    files: list[str],
    labels: list[str],
    given_split: bool,
) -> None:
    """Reject or note the rows that hold one and the same image, in ``verdicts``."""
    conflict = len({labels[row] for row in rows}) > 1
    kind = "same image under different labels" if conflict else "duplicate"
    if given_split:
        note = f"{kind}, kept as the split is given"
        for row in rows:
            verdicts[row] = verdicts[row]._replace(notes=[*verdicts[row].notes, note])
        return
    if conflict:
        shown = [f"{files[row]} ({labels[row]})" for row in rows[:NAMES_SHOWN]]
        n_more = len(rows) - NAMES_SHOWN
        more = f" and {n_more} more" if n_more > 0 else ""
        rejected, reason = rows, f"{kind}: {', '.join(shown)}{more}"
    else:
        rejected, reason = rows[1:], f"{kind} of {files[rows[0]]}"
    for row in rejected:
        verdicts[row] = verdicts[row]._replace(kind=kind, reason=reason)


def clean_names(kept: pd.DataFrame) -> list[str]:
    """Return ``<label>/<source>_<hash>.png`` for every row, no name twice."""
    folders = {label: safe_name(label) for label in set(kept["label"])}
    sources = {
        source: re.sub(r"[^a-z0-9]+", "", source.lower()) or "images"
        for source in set(kept["source"])
    }
    number: Counter[str] = Counter()
    names = []
    for label, source, digest in zip(
        kept["label"], kept["source"], kept["sha256"], strict=True
    ):
        stem = f"{folders[label]}/{sources[source]}_{digest[:DIGITS]}"
        number[stem] += 1
        again = f"-{number[stem]}" if number[stem] > 1 else ""
        names.append(f"{stem}{again}.png")
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
