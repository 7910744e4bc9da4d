"""FED 2023, whose folder names nobody could check."""

import re
from pathlib import Path

from smartclass_utils.sources.layouts import (
    SPLIT_NAMES,
    Loaded,
    make_table,
    need_images,
)
from smartclass_utils.sources.provenance import FED
from smartclass_utils.sources.scanning import scan, subfolders

FED_CLASSES = (  # "disagree" is looked for before "agree"
    ("Aversion", re.compile("avers|disagree", re.I)),
    ("Amenability", re.compile("agree|amenab", re.I)),
    ("Concentration", re.compile("think|concentrat", re.I)),
    ("Confusion", re.compile("confus", re.I)),
)
FED_DEPTH = 4  # folders below the data set's own in which classes are looked for


def fed_class(name: str) -> str:
    """Return the report's noun for a folder of FED 2023, ``""`` if it has none."""
    return next((noun for noun, form in FED_CLASSES if form.search(name)), "")


def find_fed(folder: Path) -> Path | None:
    """Return where FED's train and test lie, if its classes are somewhere under them.

    Both may lie deeper, as long as nothing lies beside the folders on the way: a folder
    with several data sets in it is not FED.
    """
    place, names = folder, subfolders(folder)
    for _ in range(FED_DEPTH):
        if len(names) != 1 or names[0].lower() in SPLIT_NAMES:
            break
        place = place / names[0]
        names = subfolders(place)
    parts = [place / name for name in names if name.lower() in SPLIT_NAMES]
    if not {"train", "test"} <= {SPLIT_NAMES[part.name.lower()] for part in parts}:
        return None
    nouns = {fed_class(name) for part in parts for name in folder_names(part)}
    return place if len(nouns - {""}) >= 2 else None


def folder_names(folder: Path, depth: int = FED_DEPTH) -> set[str]:
    """Return the names of all folders below a folder, a few levels down."""
    names = set(subfolders(folder))
    if depth > 1:
        for name in tuple(names):
            names |= folder_names(folder / name, depth - 1)
    return names


def load_fed(base: Path, root: Path) -> Loaded:
    """Read FED 2023, whose folder names nobody could check, by what they resemble."""
    found = scan(base, root)
    depth = len(base.relative_to(root).parts)
    files, originals, splits, understood, other = [], [], [], {}, {}
    for file in found.files:
        parents = file.split("/")[depth:-1]
        split = next(filter(None, (SPLIT_NAMES.get(p.lower()) for p in parents)), "")
        named = [(fed_class(p), p) for p in parents if fed_class(p)]
        noun, name = named[-1] if named else ("", "/".join(parents) or ".")
        (understood if noun else other).setdefault(name, noun)
        files.append(file)
        originals.append(noun or name)
        splits.append(split)
    table = make_table(FED.data_set, files, originals, splits)
    pairs = ", ".join(f"{name} → {understood[name]}" for name in sorted(understood))
    notes = [f"{FED.data_set}: folders understood: {pairs}."]
    if other:
        names = ", ".join(sorted(other))
        notes.append(f"{FED.data_set}: folders not understood, left out: {names}.")
    need_images(table, ("Amenability", "Concentration"), base, FED.data_set)
    return Loaded(table, notes + found.notes)
