"""A folder a class, with or without train and test above them."""

import os
from pathlib import Path

import pandas as pd

from smartclass_utils.config import SmartClassError, canonical_label
from smartclass_utils.sources.fer import FER, FER_FOLDERS
from smartclass_utils.sources.layouts import SPLIT_NAMES, Loaded, make_table
from smartclass_utils.sources.oahega import ADULT
from smartclass_utils.sources.scanning import SUFFIXES, is_hidden, scan, subfolders


def find_split_folders(folder: Path) -> Path | None:
    """Return a folder in which train and test hold the same two or more classes."""
    parts = [name for name in subfolders(folder) if name.lower() in SPLIT_NAMES]
    splits = {SPLIT_NAMES[name.lower()] for name in parts}
    if not {"train", "test"} <= splits:
        return None
    classes = [set(map(str.lower, subfolders(folder / name))) for name in parts]
    return folder if len(set.intersection(*classes)) >= 2 else None


def load_split_folders(base: Path, root: Path) -> Loaded:
    """Read FER2013 or any set in folders ``train|val|test/<class>``."""
    parts = [name for name in subfolders(base) if name.lower() in SPLIT_NAMES]
    found = [class_folders(base / name, root, base) for name in parts]
    names = {name.lower() for _, originals, _ in found for name in originals}
    is_fer = len(names & set(FER_FOLDERS)) >= 6 and "engaged" not in names
    files, originals, splits, notes = [], [], [], []
    for part, (some_files, some_originals, some_notes) in zip(
        parts, found, strict=True
    ):
        files += some_files
        originals += some_originals
        splits += [SPLIT_NAMES[part.lower()]] * len(some_files)
        notes += some_notes
    if is_fer:
        originals = [FER_FOLDERS.get(name.lower(), name) for name in originals]
        return Loaded(make_table(FER, files, originals, splits), notes)
    return Loaded(own_classes(base.resolve().name, files, originals, splits), notes)


def find_class_folders(folder: Path) -> Path | None:
    """Return the folder if it holds at least one folder with images in it."""
    return (
        folder if any(has_file(folder / name) for name in subfolders(folder)) else None
    )


def has_file(folder: Path) -> bool:
    """Return whether there is any possible image below a folder."""
    return any(
        Path(name).suffix.lower() in SUFFIXES and not is_hidden(name)
        for _, _, names in os.walk(folder)
        for name in names
    )


def load_class_folders(base: Path, root: Path) -> Loaded:
    """Read a folder in which every folder is a class."""
    files, originals, notes = class_folders(base, root)
    splits = [""] * len(files)
    return Loaded(own_classes(base.resolve().name, files, originals, splits), notes)


def class_folders(
    base: Path, root: Path, within: Path | None = None
) -> tuple[list[str], list[str], list[str]]:
    """Return files, the names of their class folders, and notes."""
    files, originals, notes = [], [], []
    for name in subfolders(base):
        if name.lower() in ADULT:
            continue
        found = scan(base / name, root, ADULT, within or base)
        if not found.files:
            raise SmartClassError(
                f"{base / name} holds no images: put some in or remove the folder."
            )
        files += found.files
        originals += [name] * len(found.files)
        notes += found.notes
    return files, originals, notes


def own_classes(
    source: str, files: list[str], originals: list[str], splits: list[str]
) -> pd.DataFrame:
    """Return manifest rows whose classes are the folders' own."""
    table = make_table(source, files, originals, splits)
    table["label"] = table["original_label"].map(canonical_label)
    return table
