"""From a folder of any known layout to one table of images, the manifest."""

import os
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from smartclass_utils import config
from smartclass_utils.config import CLASSES, SmartClassError, canonical_label
from smartclass_utils.files import only_one, sha256
from smartclass_utils.layouts import (
    FER_TABLES,
    PROVENANCE,
    REPORTED,
    UNDERSTOOD,
    DataSet,
    detect,
)
from smartclass_utils.names import as_text, natural, some
from smartclass_utils.reading import leads_out, read_data_set, read_table
from smartclass_utils.walking import FOREIGN, Tree, parents, walk

ORDER = (*REPORTED, "FER2013")
MOST = {"files": 20_000, "bytes": 200 * 2**20}  # of the demo, unpacked


@dataclass(frozen=True)
class Manifest:
    """All images of a data set before cleaning.

    Attributes:
        root: the data root, which the paths in ``table`` are relative to.
        name: what the data set is called in tables and figures.
        table: the manifest's columns and attributes, one row an image, sorted by
            ``file``, all text; ``label`` is ``""`` where an image is left out.
        classes: the class names in their fixed order.
        notes: sentences on what was understood, passed over or missing.
        given_split: whether the split is the data's own, which is then kept.
    """

    root: Path
    name: str
    table: pd.DataFrame
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    given_split: bool = False


def find_data(data: Path | str | None = None) -> Path:
    """Return the data root to work on.

    Looked for in this order: ``data``; the environment variable ``SMARTCLASS_DATA``;
    ``data/raw``, where ``make data`` links its downloads; the demo faces. The word
    ``demo`` in either of the first two means the demo faces.

    Raises:
        SmartClassError: if the folder asked for does not exist, or a download is gone.
    """
    wanted = str(data or os.environ.get("SMARTCLASS_DATA") or "")
    if wanted not in ("", "demo"):
        return existing(wanted)
    inside = [] if wanted else sorted(config.RAW_FOLDER.glob("[!.]*"))
    for place in inside:
        if not place.exists():
            raise SmartClassError(
                f"{place} leads to a download that is gone: run `make data "
                "ACCEPT_TERMS=1` again, or delete it."
            )
    if any(place.name != "downloads.json" for place in inside):
        return config.RAW_FOLDER
    return unpack_demo()


def existing(folder: Path | str) -> Path:
    """Return the path of a folder of data; refuse one that is not there."""
    folder = Path(folder).expanduser()
    if not os.path.isdir(folder):  # noqa: PTH112, as it never raises
        raise SmartClassError(
            f"There is no folder {folder}: name an existing one with DATA=…, or leave "
            "it out to use the demo faces."
        )
    return folder


def unpack_demo() -> Path:
    """Unpack ``data/demo/faces.zip``, unless that was done, and return the folder.

    Raises:
        SmartClassError: if the archive is missing, damaged or not the project's.
    """
    archive, folder = config.DEMO_FOLDER / "faces.zip", config.DEMO_FOLDER / "faces"
    place, marker = config.DEMO_FOLDER.parent, folder / ".sha256"
    busy = "Another run unpacks the demo faces; this one waits for it."
    try:
        digest = sha256(archive)
        if marker.exists() and marker.read_text() == digest:
            return folder
        with only_one(place / ".demo.lock", busy, wait=True):
            if not marker.exists() or marker.read_text() != digest:
                with tempfile.TemporaryDirectory(dir=place, prefix=".demo.") as new:
                    unzip(archive, Path(new, "new"))
                    Path(new, "new", marker.name).write_text(digest)
                    if folder.exists():
                        folder.replace(Path(new, "old"))
                    Path(new, "new").replace(folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, FileNotFoundError) as error:
        raise SmartClassError(
            f"{archive} is missing or damaged ({error}): get it again with `git "
            "checkout data/demo`, or give DATA=folder."
        ) from error
    return folder


def unzip(archive: Path, folder: Path) -> None:
    """Unpack an archive unless it is too large or leads out of the folder."""
    with zipfile.ZipFile(archive) as content:
        entries = content.infolist()
        outside = [entry.filename for entry in entries if leads_out(entry.filename)]
        size = sum(entry.file_size for entry in entries)
        if outside or len(entries) > MOST["files"] or size > MOST["bytes"]:
            why = f"{outside[0]} leads out of it" if outside else "it is too large"
            raise zipfile.BadZipFile(why)
        content.extractall(folder)


def load(
    root: Path | str,
    classes: tuple[str, ...] | None = None,
    extra: Path | str | None = None,
) -> Manifest:
    """Read a data root, whatever its layout, into one manifest.

    Args:
        root: a folder that is one data set or holds several in sub-folders.
        classes: keep only these; images of others are left out.
        extra: a further folder, one folder a class, whose classes join the data; the
            paths of its images are absolute.

    Raises:
        SmartClassError: if it is missing or closed, nothing in it is recognised, it
            holds fewer than two classes, or a label file and the files disagree.
    """
    root = existing(root)
    table, notes, given = read(root)
    sources = sorted(set(table["source"]), key=lambda s: (s not in ORDER, s))
    is_known = set(sources) <= set(ORDER)
    name = " + ".join(filter(sources.count, ORDER)) if is_known else root.resolve().name
    if (root / "demo.json").exists():
        name, path = "demo", root / "demo_attributes.csv"
        if path.exists():  # what the faces were drawn with
            drawn = read_table(path, "file").drop_duplicates("file")
            table = table.merge(drawn, "left", "file", suffixes=("", " given"))
    if extra:
        home = existing(extra).resolve()
        more, more_notes, more_given = read(home)
        if given and not more_given:
            raise SmartClassError(
                f"{root} gives a split and {home} does not: put its class folders "
                "into train, val and test folders."
            )
        more["file"] = [(home / file).as_posix() for file in more["file"]]
        table, name = pd.concat([table, more]), f"{name} + {home.name}"
        notes += more_notes
    table = table.fillna("").astype(str).sort_values("file", ignore_index=True)
    for column in table.columns.drop("file"):
        safe = {value: as_text(value) for value in table[column].unique()}
        table[column] = table[column].map(safe)
    present = set(table["label"]) - {""}
    kept = present if classes is None else set(map(canonical_label, classes))
    if kept - present:
        raise SmartClassError(
            f"CLASSES names {some(sorted(kept - present))}, and the data has "
            f"{some(sorted(present))}: correct it."
        )
    if len(kept) < 2:
        raise SmartClassError(
            f"{root} holds {some(sorted(kept)) or 'no class'} only, and two or more "
            f"classes are needed: add another, or lay it out as {UNDERSTOOD}."
        )
    table["label"] = table["label"].where(table["label"].isin(kept), "")
    order = CLASSES if kept <= set(CLASSES) else sorted(kept, key=natural)
    order = tuple(label for label in order if label in kept)
    notes += missing_sources(root, sources, order) if is_known else []
    left = table.loc[table["label"] == "", "original_label"].value_counts().sort_index()
    if len(left):
        left = ", ".join(f"{noun} ({count:,})" for noun, count in left.items())
        notes.append(f"In none of the classes, so left out: {left}.")
    table, notes = table.rename(columns=as_text), tuple(map(as_text, notes))
    return Manifest(root, as_text(name), table, order, notes, given)


def missing_sources(root: Path, names: list[str], classes: tuple) -> list[str]:
    """Return a sentence for each of the report's sources that is not there."""
    if set(names).isdisjoint(REPORTED):
        return []
    without = [label for label in CLASSES if label not in classes]
    return [
        f"{source.data_set} is not there (expected in {root.name}/{source.folder}; "
        f"from kaggle.com/datasets/{source.kaggle})."
        for source in PROVENANCE
        if source.data_set not in names
    ] + [f"So there is no class {' and no class '.join(without)}."] * bool(without)


def read(root: Path) -> tuple[pd.DataFrame, list[str], bool]:
    """Return the rows of all data sets in a folder, notes, and if their split stays."""
    tree = walk(root)
    found, notes = detect(tree)
    fer = [f for f in tree.passed[FOREIGN] if f.rpartition("/")[2] in FER_TABLES]
    hint = (
        f"{root / ''.join(fer[:1])} holds its images as numbers: write them to files "
        "with `python -m smartclass_utils unpack fer2013.csv FOLDER`, and give FOLDER."
    )
    if not found:
        inside = some(sorted(path.name for path in root.iterdir())) or "nothing"
        nothing = f"{root} holds no data set that is understood (found: {inside}): "
        raise SmartClassError(hint if fer else f"{nothing}lay it out as {UNDERSTOOD}.")
    parts = [read_data_set(tree, data) for data in found]
    table = pd.concat([part[0] for part in parts], ignore_index=True)
    if len(found) > 1:
        table["label"] = table["label"].where(table["label"].isin(CLASSES), "")
    notes += [note for part in parts for note in part[1]]
    notes += [hint] * bool(fer and "FER2013" not in set(table["source"]))
    notes += left_over(tree, set(table["file"]), found)
    notes += tree.notes(*(folder.path for data in found for folder in data.classes))
    return table, notes, len(found) == 1 and parts[0][2]


def left_over(tree: Tree, files: set[str], found: list[DataSet]) -> list[str]:
    """Return a sentence on the images that belong to no data set, by their folders."""
    owned = {d.base for d in found if d.layout.is_list and d.layout.nouns}
    known = {above for file in files for above in parents(file)}
    names = {}
    for file in sorted(set(tree.files) - files):
        above = parents(file)
        if "." in file and owned.isdisjoint(above):
            path = next((folder for folder in above[::-1] if folder not in known), file)
            names[path] = True
    where = tree.root.resolve().name
    said = f"Not recognised in {where}, so left out: {some(list(names))}."
    return [said] * bool(names)
