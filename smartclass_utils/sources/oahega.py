"""OAHEGA, as it lies on Kaggle."""

from pathlib import Path

from smartclass_utils.sources.layouts import (
    Loaded,
    make_table,
    need_images,
    read_table,
    stop_at_rows,
)
from smartclass_utils.sources.provenance import OAHEGA
from smartclass_utils.sources.scanning import child, own_file, scan, subfolders

OAHEGA_CLASSES = {
    "angry": "Anger",
    "happy": "Happiness",
    "neutral": "Neutral",
    "sad": "Sadness",
    "surprise": "Surprise",
}
ADULT = frozenset(("ahegao",))  # a class of OAHEGA that is never read


def find_oahega(folder: Path) -> Path | None:
    """Return the folder that holds OAHEGA's class folders."""
    for base in (child(folder, "dataset"), folder):
        if base is None or not base.is_dir():
            continue
        names = {name.lower() for name in subfolders(base)}
        own_list = child(folder, "data.csv")
        if len(names & set(OAHEGA_CLASSES)) >= 2 and (names & ADULT or own_list):
            return base
    return None


def load_oahega(base: Path, root: Path) -> Loaded:
    """Read OAHEGA by its class folders; the adult class is not even listed."""
    found = scan(base, root, skip=ADULT)
    depth = len(base.relative_to(root).parts)
    kept = [file for file in found.files if file.count("/") > depth]
    folders = [file.split("/")[depth] for file in kept]
    originals = [OAHEGA_CLASSES.get(name.lower(), name) for name in folders]
    table = make_table(OAHEGA.data_set, kept, originals, [""] * len(kept))
    check_oahega_csv(base, root, {file.split("/", depth)[-1].lower() for file in kept})
    need_images(table, ("Anger", "Happiness", "Neutral"), base, OAHEGA.data_set)
    return Loaded(table, found.notes)


def check_oahega_csv(base: Path, root: Path, present: set[str]) -> None:
    """Hold data.csv against the folders, where there is one."""
    path = own_file(base, root, "data.csv")
    if path is None:
        return
    listed = read_table(path, "path", "label")
    rows = list(
        zip(listed["path"], listed["label"].str.strip().str.lower(), strict=True)
    )
    rows = [(file, label) for file, label in rows if label not in ADULT]
    unknown = [f"{file} {label}" for file, label in rows if label not in OAHEGA_CLASSES]
    stop_at_rows(path, "with an unknown label", unknown, "mend or remove them")
    gone = [file for file, _ in rows if file.lower() not in present]
    stop_at_rows(path, "without their file", gone, "unpack the data set again")
