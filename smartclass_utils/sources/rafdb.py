"""RAF-DB, as it lies on Kaggle and as its owners release it."""

from pathlib import Path

from smartclass_utils.config import SmartClassError
from smartclass_utils.sources.layouts import (
    Loaded,
    make_table,
    need_images,
    read_table,
    stop_at_rows,
)
from smartclass_utils.sources.provenance import RAFDB
from smartclass_utils.sources.scanning import child, own_file, scan, some, subfolders

RAFDB_CODES = {
    "1": "Surprise",
    "2": "Fear",
    "3": "Disgust",
    "4": "Happiness",
    "5": "Sadness",
    "6": "Anger",
    "7": "Neutral",
}
RAFDB_ATTRIBUTES = (
    ("gender", ("male", "female", "unsure")),
    ("race", ("Caucasian", "African-American", "Asian")),
    ("age", ("0–3", "4–19", "20–39", "40–69", "70+")),
)
RAFDB_LISTS = ("list_patition_label.txt", "list_partition_label.txt")  # sic


def find_rafdb_kaggle(folder: Path) -> Path | None:
    """Return the folder that holds train and test with folders 1 to 7."""
    for base in (child(folder, "DATASET"), folder):
        train = child(base, "train") if base else None
        names = set(subfolders(train)) if train and train.is_dir() else set()
        if names and names <= set(RAFDB_CODES):
            return base
    return None


def load_rafdb_kaggle(base: Path, root: Path) -> Loaded:
    """Read RAF-DB as it lies on Kaggle; the folders tell split and label."""
    files, originals, splits, notes = [], [], [], []
    for split in ("train", "test"):
        part = child(base, split)
        if part is None:
            raise SmartClassError(
                f"{base} has no folder '{split}': {RAFDB.data_set} is incomplete, so "
                "unpack it again."
            )
        found = scan(part, root, within=base)
        notes += found.notes
        depth = len(part.relative_to(root).parts)
        codes = [file.split("/")[depth] for file in found.files]
        unknown = sorted({code for code in codes if code not in RAFDB_CODES})
        if unknown:
            raise SmartClassError(
                f"{part} holds '{unknown[0]}', where only the folders 1 to 7 are "
                "known: move it away."
            )
        names = [file.rpartition("/")[2] for file in found.files]
        present = set(zip(codes, names, strict=True))
        notes += check_rafdb_csv(base, root, split, present)
        files += found.files
        originals += [RAFDB_CODES[code] for code in codes]
        splits += [split] * len(codes)
    table = make_table(RAFDB.data_set, files, originals, splits)
    need_images(table, ("Anger", "Happiness", "Neutral"), base, RAFDB.data_set)
    return Loaded(table, notes)


def check_rafdb_csv(base: Path, root: Path, split: str, present: set) -> list[str]:
    """Hold the label file against the folders, where there is one."""
    name = f"{split}_labels.csv"
    path = own_file(base, root, name)
    if path is None:
        return []
    listed = read_table(path, "image", "label")
    rows = list(zip(listed["label"].str.strip(), listed["image"], strict=True))
    unknown = [f"{image} {code}" for code, image in rows if code not in RAFDB_CODES]
    stop_at_rows(path, "with an unknown label", unknown, "labels are 1 to 7")
    gone = [
        f"{split}/{code}/{image}"
        for code, image in rows
        if (code, image) not in present
    ]
    stop_at_rows(path, "without their file", gone, "unpack the data set again")
    extra = sorted(f"{code}/{image}" for code, image in present - set(rows))
    if not extra:
        return []
    return [f"{path.name} does not list {some(extra)}: taken by their folder."]


def find_rafdb_original(folder: Path) -> Path | None:
    """Return the folder that holds EmoLabel, Image and Annotation."""
    for base in (child(folder, "basic"), folder):
        if base and any(child(base, "EmoLabel", name) for name in RAFDB_LISTS):
            return base
    return None


def load_rafdb_original(base: Path, root: Path) -> Loaded:
    """Read RAF-DB's original release with gender, race and age as attributes."""
    lists = (child(base, "EmoLabel", name) for name in RAFDB_LISTS)
    path = next(filter(None, lists))
    aligned = child(base, "Image", "aligned")
    if aligned is None or not aligned.is_dir():
        raise SmartClassError(
            f"{base / 'Image' / 'aligned'} is missing: unpack aligned.zip of "
            f"{RAFDB.data_set} there."
        )
    found = scan(aligned, root, within=base)
    by_name = {file.rpartition("/")[2]: file for file in found.files}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    pairs = [line.split() for line in lines if line.strip()]
    wrong = [" ".join(p) for p in pairs if len(p) != 2 or p[1] not in RAFDB_CODES]
    stop_at_rows(path, "that are no 'name label'", wrong, "labels are 1 to 7")
    names = [Path(name) for name, _ in pairs]
    full = [f"{name.stem}_aligned{name.suffix}" for name in names]
    gone = [name for name in full if name not in by_name]
    stop_at_rows(path, f"without their file in {aligned}", gone, "unpack it again")
    table = make_table(
        RAFDB.data_set,
        [by_name[name] for name in full],
        [RAFDB_CODES[code] for _, code in pairs],
        ["test" if name.stem.startswith("test") else "train" for name in names],
    )
    notes_folder = child(base, "Annotation", "manual")
    values = [rafdb_attributes(notes_folder, name.stem) for name in names]
    for position, (attribute, _) in enumerate(RAFDB_ATTRIBUTES):
        table[attribute] = [value[position] for value in values]
    need_images(table, ("Anger", "Happiness", "Neutral"), aligned, RAFDB.data_set)
    return Loaded(table, found.notes)


def rafdb_attributes(folder: Path | None, stem: str) -> tuple[str, ...]:
    """Return gender, race and age in words, ``""`` where they are not given."""
    unknown = ("",) * len(RAFDB_ATTRIBUTES)
    path = folder / f"{stem}_manu_attri.txt" if folder else None
    if path is None or not path.is_file():
        return unknown
    codes = path.read_text(encoding="ascii", errors="replace").split()[10:]  # 5 points
    if len(codes) != len(RAFDB_ATTRIBUTES) or not all(code.isdigit() for code in codes):
        return unknown
    pairs = zip(codes, RAFDB_ATTRIBUTES, strict=True)
    return tuple(
        words[int(code)] if int(code) < len(words) else "" for code, (_, words) in pairs
    )
