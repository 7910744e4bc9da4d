"""Any tree with a labels.csv at its root."""

import os
from functools import lru_cache
from pathlib import Path, PurePosixPath

import pandas as pd

from smartclass_utils.config import (
    MANIFEST_COLUMNS,
    SPLITS,
    SmartClassError,
    canonical_label,
)
from smartclass_utils.sources.layouts import (
    SPLIT_NAMES,
    Loaded,
    read_table,
    stop_at_rows,
)
from smartclass_utils.sources.leftovers import is_image_name
from smartclass_utils.sources.oahega import ADULT
from smartclass_utils.sources.scanning import child, relative, scan, some

JUDGED = ("kind", "reason", "notes", "original_file")  # columns of the cleaning's own


def find_labels_csv(folder: Path) -> Path | None:
    """Return the labels.csv of a tree."""
    return child(folder, "labels.csv")


def load_labels_csv(path: Path, root: Path) -> Loaded:
    """Read any tree by its labels.csv; a split that it gives is kept."""
    listed = read_table(path, "file", "label")
    check_files(path, list(listed["file"]))
    stop_at_rows(
        path,
        "without a label",
        listed.loc[listed["label"].str.strip() == "", "file"],
        "fill it in or remove them",
    )
    prefix = relative(path.parent, root)
    table = listed.drop(columns=["file", "label", "sha256"], errors="ignore")
    table = table.rename(columns={name: f"{name} given" for name in JUDGED})
    files = [str(PurePosixPath(prefix, file)) for file in listed["file"]]
    table["file"] = files
    table["label"] = listed["label"].map(canonical_label)
    table["sha256"] = ""
    own = {
        "source": path.parent.resolve().name,
        "original_label": listed["label"].str.strip(),
        "split": "",
        "subject": "",
    }
    for name, value in own.items():
        if name not in table:
            table[name] = value
    table["source"] = table["source"].where(table["source"] != "", own["source"])
    notes = split_notes(path, table) + not_listed(path, root, set(files))
    others = [name for name in table if name not in MANIFEST_COLUMNS]
    given = bool((table["split"] != "").any())
    return Loaded(table[[*MANIFEST_COLUMNS, *others]], notes, given)


def not_listed(path: Path, root: Path, files: set[str]) -> list[str]:
    """Return a sentence on the images that lie in the tree but not in its list."""
    present = scan(path.parent, root, skip=ADULT).files
    extra = [file for file in present if file not in files and is_image_name(file)]
    return [f"labels.csv does not list {some(extra)}: left out."] if extra else []


def check_files(path: Path, files: list[str]) -> None:
    """Stop at rows that leave the folder, name no file, or name one twice."""
    home = os.path.realpath(path.parent)
    folders = lru_cache(maxsize=None)(os.path.realpath)
    outside, gone, seen, twice = [], [], set(), []
    for file in files:
        pure = PurePosixPath(file)
        full = path.parent / file
        if pure.is_absolute() or ".." in pure.parts or "\\" in file or "\0" in file:
            outside.append(file)
        elif not os.path.isfile(full):  # noqa: PTH113, quicker on 200,000 rows
            gone.append(file)
        else:
            real = os.path.realpath(full) if full.is_symlink() else folders(full.parent)
            if real != home and not real.startswith(home + os.sep):
                outside.append(file)
        if str(pure) in seen:
            twice.append(file)
        seen.add(str(pure))
    remedy = "give paths with / relative to the folder of labels.csv"
    stop_at_rows(path, "that lead out of its folder", outside, remedy)
    stop_at_rows(path, "without their file", gone, "add the files or remove the rows")
    stop_at_rows(path, "for a file named before", twice, "keep one row a file")


def split_notes(path: Path, table: pd.DataFrame) -> list[str]:
    """Bring the split column into our words and check it; return notes."""
    wanted = table["split"].str.strip().str.lower()
    split = wanted.map(SPLIT_NAMES).fillna("").astype(str)
    wrong = table.loc[(split == "") & (wanted != ""), "file"]
    stop_at_rows(path, "with an unknown split", wrong, f"use {', '.join(SPLITS)}")
    table["split"] = split
    present = set(split)
    if present <= {""}:
        return []
    stop_at_rows(path, "without a split", table.loc[split == "", "file"], "fill it in")
    if not {"train", "test"} <= present:
        raise SmartClassError(
            f"{path} gives a split without a part named "
            f"{some(sorted({'train', 'test'} - present))}: add it or drop the column."
        )
    if "val" in present:
        return []
    return ["labels.csv gives no val part: it is taken out of train, never of test."]
