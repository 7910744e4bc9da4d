"""From a folder of any known layout to one manifest with a row for every image."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from smartclass_utils import config
from smartclass_utils.config import CLASSES, SPLITS, SmartClassError
from smartclass_utils.names import as_text
from smartclass_utils.sources import fed, fer, folders, labels_csv, oahega, rafdb
from smartclass_utils.sources.layouts import Loaded, read_table
from smartclass_utils.sources.leftovers import left_out
from smartclass_utils.sources.provenance import PROVENANCE
from smartclass_utils.sources.scanning import is_folder, open_folder, some, subfolders

UNDERSTOOD = (
    "RAF-DB (DATASET/train/1…7), OAHEGA (dataset/Angry…), FED 2023 (train/Agree…), "
    "FER2013 (fer2013.csv, or train/angry…), one folder a class, or a labels.csv of "
    "file,label[,split]"
)
ORDER = ("RAF-DB", "FED 2023", "OAHEGA", "FER2013")


@dataclass(frozen=True)
class Manifest:
    """All images of a data set before cleaning.

    Attributes:
        root: the data root, which the paths in ``table`` are relative to.
        name: what the data set is called in tables and figures.
        table: the manifest's columns, one row an image, sorted by ``file``, all text;
            ``label`` is ``""`` where an image belongs to none of the classes.
        classes: the class names in their fixed order.
        notes: sentences on what was understood, passed over or missing.
        given_split: whether a labels.csv gives the split, which is then kept.
    """

    root: Path
    name: str
    table: pd.DataFrame
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    given_split: bool = False


@dataclass(frozen=True)
class Layout:
    """A way in which a data set can lie on disk.

    Attributes:
        name: in few words.
        find: returns where in a folder the data set begins, ``None`` if nowhere.
        load: reads it from there, with paths relative to the data root.
    """

    name: str
    find: Callable[[Path], Path | None]
    load: Callable[[Path, Path], Loaded]


LAYOUTS = (
    Layout("labels.csv", labels_csv.find_labels_csv, labels_csv.load_labels_csv),
    Layout("FER2013 CSV", fer.find_fer_csv, fer.load_fer_csv),
    Layout("RAF-DB, Kaggle", rafdb.find_rafdb_kaggle, rafdb.load_rafdb_kaggle),
    Layout("RAF-DB", rafdb.find_rafdb_original, rafdb.load_rafdb_original),
    Layout("OAHEGA", oahega.find_oahega, oahega.load_oahega),
    Layout("FED 2023", fed.find_fed, fed.load_fed),
    Layout(
        "train and test folders",
        folders.find_split_folders,
        folders.load_split_folders,
    ),
)
CLASS_FOLDERS = Layout(
    "class folders", folders.find_class_folders, folders.load_class_folders
)


def detect(root: Path) -> list[tuple[Layout, Path]]:
    """Return the layouts found in a folder, or in its sub-folders, and where.

    The list is empty where nothing is recognised.

    Raises:
        SmartClassError: if the folder cannot be opened.
    """
    open_folder(root)
    here = detect_one(root)
    if here:
        return [here]
    names = subfolders(root)
    only = root / names[0] if len(names) == 1 else root  # an archive's own folder
    for folder in dict.fromkeys((root, only)):
        found = [detect_one(folder / name) for name in subfolders(folder)]
        if any(found):
            return [place for place in found if place]
    for folder in dict.fromkeys((only, root)):
        if CLASS_FOLDERS.find(folder):
            return [(CLASS_FOLDERS, folder)]
    return []


def detect_one(folder: Path) -> tuple[Layout, Path] | None:
    """Return the layout of one folder and where it begins."""
    for layout in LAYOUTS:
        where = layout.find(folder)
        if where is not None:
            return layout, where
    return None


def load(root: Path | str) -> Manifest:
    """Read a data root, whatever its layout, into one manifest.

    Args:
        root: a folder that is one data set or holds several in sub-folders.

    Raises:
        SmartClassError: if it is missing or closed, nothing in it is recognised, it
            holds fewer than two classes, or a label file and the files disagree.
    """
    root = existing(root)
    found = detect(root)
    if not found:
        inside = some(sorted(entry.name for entry in open_folder(root))) or "nothing"
        raise SmartClassError(
            f"{root} holds no data set that is understood (found: {inside}): lay it "
            f"out as {UNDERSTOOD}."
        )
    parts = [layout.load(where, root) for layout, where in found]
    table = shown_as_text(merge([part.table for part in parts]))
    notes = [note for part in parts for note in part.notes]
    given = len(parts) == 1 and parts[0].given_split
    if len(parts) > 1:
        table["label"] = table["label"].where(table["label"].isin(CLASSES), "")
    notes += left_out(root, [where for _, where in found], table["file"])
    is_demo = (root / "demo.json").exists()
    if is_demo:
        table = with_attributes(table, root / "demo_attributes.csv")
    classes = class_order(set(table["label"]) - {""})
    if len(classes) < 2:
        raise SmartClassError(
            f"{root} holds {some(list(classes)) or 'no class'} only, and two or more "
            f"classes are needed: add another, or lay it out as {UNDERSTOOD}."
        )
    names = sorted(set(table["source"]), key=lambda name: (rank(name), name))
    notes += missing_sources(root, names, classes)
    name = "demo" if is_demo else as_text(data_set_name(root, names))
    notes = tuple(map(as_text, notes))
    return Manifest(root, name, table, classes, notes, given)


def existing(folder: Path | str) -> Path:
    """Return the path of a folder of data; refuse one that is not there."""
    folder = Path(folder).expanduser()
    if not is_folder(folder):
        raise SmartClassError(
            f"There is no folder {folder}: name an existing one with DATA=…, or leave "
            "it out to use the demo faces."
        )
    return folder


def merge(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return all rows, sorted by file, with ``""`` where a column is unknown."""
    table = pd.concat(tables, ignore_index=True).fillna("").astype(str)
    return table.sort_values("file", ignore_index=True)


def shown_as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with every foreign name safe to show; paths stay as they are."""
    for name in table.columns.drop("file"):
        safe = {value: as_text(value) for value in table[name].unique()}
        table[name] = table[name].map(safe)
    return table.rename(columns=as_text)


def class_order(labels: set[str]) -> tuple[str, ...]:
    """Return the report's order for the report's classes, else the alphabet's."""
    if labels <= set(CLASSES):
        return tuple(label for label in CLASSES if label in labels)
    return tuple(sorted(labels))


def rank(source: str) -> int:
    """Return a source's place in the name of a data set."""
    return ORDER.index(source) if source in ORDER else len(ORDER)


def data_set_name(root: Path, sources: list[str]) -> str:
    """Name a data set after its known sources, or else after its folder."""
    if all(source in ORDER for source in sources):
        return " + ".join(sources)
    return root.resolve().name


def missing_sources(root: Path, names: list[str], classes: tuple) -> list[str]:
    """Return a sentence for each of the report's sources that is not there."""
    absent = [p for p in PROVENANCE if p.data_set not in names]
    if len(absent) == len(PROVENANCE) or not set(names) <= set(ORDER):
        return []
    without = [label for label in CLASSES if label not in classes]
    return [
        f"{source.data_set} is not there (expected in {root.name}/{source.folder}; "
        f"from kaggle.com/datasets/{source.kaggle})."
        for source in absent
    ] + [f"So there is no class {' and no class '.join(without)}."] * bool(without)


def with_attributes(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Add what the demo faces were drawn with, where it was written down."""
    if not path.exists():
        return table
    drawn = read_table(path, "file").drop_duplicates("file")
    known = [name for name in drawn if name == "file" or name not in table]
    return table.merge(drawn[known], on="file", how="left").fillna("").astype(str)


def find_data(data: Path | str | None = None) -> Path:
    """Return the data root to work on.

    Looked for in this order: ``data``; the environment variable ``SMARTCLASS_DATA``;
    ``data/raw``, with the downloads recorded there; the demo faces, which are drawn if
    need be. The word ``demo`` in either of the first two means the demo faces.

    Raises:
        SmartClassError: if the folder that was asked for does not exist.
    """
    wanted = str(data or os.environ.get("SMARTCLASS_DATA") or "")
    if wanted and wanted != "demo":
        return existing(wanted)
    if not wanted:
        from smartclass_utils.sources.download import restore

        raw = restore(config.RAW_FOLDER)
        if is_folder(raw) and detect(raw):
            return raw
    from smartclass_utils.demo.drawing import draw_demo

    return draw_demo()


def overview(table: pd.DataFrame) -> pd.DataFrame:
    """Count images by original label, source and the source's own split.

    Returns:
        Columns ``source``, ``split``, ``original_label``, ``images``, as in
        ``data/reported/sources.csv``.
    """
    keys = ["source", "split", "original_label"]
    counts = table.groupby(keys, as_index=False).size()
    counts = counts.rename(columns={"size": "images"})
    order = [*ORDER, *sorted(set(counts["source"]) - set(ORDER))]
    parts = [*SPLITS, ""]
    counts["source"] = pd.Categorical(counts["source"], order)
    counts["split"] = pd.Categorical(counts["split"], parts)
    counts = counts.sort_values(keys, ignore_index=True)
    return counts.astype({"source": str, "split": str})


def compare_with_reported(table: pd.DataFrame, reported: pd.DataFrame) -> pd.DataFrame:
    """Set our counts beside the reported ones.

    Args:
        table: the manifest's rows.
        reported: ``data/reported/sources.csv``.

    Returns:
        The columns of :func:`overview`, then ``reported`` and ``difference``; a count
        that is on one side only counts as 0 on the other.
    """
    keys = ["source", "split", "original_label"]
    reported = reported.fillna({"split": ""}).rename(columns={"images": "reported"})
    both = reported.merge(overview(table), on=keys, how="outer", sort=False)
    both[["images", "reported"]] = both[["images", "reported"]].fillna(0).astype(int)
    both["difference"] = both["images"] - both["reported"]
    place, part = both["source"].map(rank), both["split"].map([*SPLITS, ""].index)
    both = both.assign(place=place, part=part).sort_values(
        ["place", "source", "original_label", "part"], ignore_index=True
    )
    return both[[*keys, "images", "reported", "difference"]]
