"""What lies beside the data sets that were read, so that nothing is lost in silence."""

import os
from collections.abc import Iterable
from pathlib import Path

from smartclass_utils.sources.oahega import ADULT
from smartclass_utils.sources.scanning import (
    SUFFIXES,
    entries_of,
    is_folder,
    is_hidden,
    is_utf8,
    relative,
    some,
    subfolders,
)


def left_out(root: Path, places: list[Path], files: Iterable[str]) -> list[str]:
    """Return a sentence on the folders and images that were not read, if any.

    Looked at are the folders in which the data sets begin, and those above them up to
    the data root. A ``labels.csv`` says itself what belongs to it.

    Args:
        root: the data root.
        places: where the data sets begin.
        files: paths of all images read, relative to the root.
    """
    files = set(files)
    known = {file.rpartition("/")[0] for file in files}
    known |= {relative(place, root) for place in places}
    known |= {parent for path in known for parent in parents(path)}
    begin = {place.parent if place.is_file() else place for place in places}
    lists = {place.parent for place in places if place.name.lower() == "labels.csv"}
    names = []
    for folder in sorted(way_down(root, begin) - lists):
        prefix = relative(folder, root)
        for name in subfolders(folder):
            path = f"{prefix}/{name}".lstrip("/")
            is_foreign = path not in known and name.lower() not in ADULT
            if is_foreign and (folder not in begin or has_image(folder / name)):
                names.append(path)
        images = (f"{prefix}/{name}".lstrip("/") for name in images_in(folder))
        names += [path for path in images if path not in files]
    if not names:
        return []
    return [f"Not recognised in {root.resolve().name}, so left out: {some(names)}."]


def parents(path: str) -> list[str]:
    """Return all folders above a relative path."""
    parts = path.split("/")
    return ["/".join(parts[:i]) for i in range(1, len(parts))]


def way_down(root: Path, places: set[Path]) -> set[Path]:
    """Return the folders from the data root down to each of the places."""
    ways = (parents(relative(place, root)) for place in places)
    return {root, *places, *(root / path for way in ways for path in way)}


def images_in(folder: Path) -> list[str]:
    """Return the sorted names of what looks like an image right in a folder."""
    names = (entry.name for entry in entries_of(folder) if not is_folder(entry))
    return sorted(name for name in names if is_image_name(name))


def is_image_name(name: str) -> bool:
    """Return whether a name ends like that of an image."""
    ending = Path(name).suffix.lower()
    return bool(ending) and ending in SUFFIXES and is_utf8(name) and not is_hidden(name)


def has_image(folder: Path) -> bool:
    """Return whether something below a folder is named like an image."""
    return any(is_image_name(name) for *_, names in os.walk(folder) for name in names)
