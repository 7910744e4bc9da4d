"""From a folder of any known layout to one table of images, the manifest."""

import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from smartclass_utils import config, layouts, walking
from smartclass_utils.config import CLASSES, SmartClassError
from smartclass_utils.files import in_place_of, sha256
from smartclass_utils.names import as_text, canonical_label, natural, part_of, some
from smartclass_utils.walking import Tree, existing, parents, stop_at_rows

ORDER = (*layouts.REPORTED, "FER2013")
NOBODY = ("unknown", "n/a", "none", "?", "-")  # written for a missing subject


@dataclass(frozen=True)
class Manifest:
    """All images of a data set before cleaning."""

    root: Path  # the data root, which the paths in ``table`` are relative to
    name: str  # what the data set is called in tables and figures
    # One row an image, sorted by file, all text; label is "" where it is left out.
    table: pd.DataFrame  # the manifest's columns and attributes
    classes: tuple[str, ...]  # in their fixed order
    notes: tuple[str, ...] = ()  # on what was understood, passed over or missing
    given_split: bool = False  # whether the split is the data's own, which is then kept


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
            what = f"{place} leads to a download that is gone"
            raise SmartClassError(f"{what}: `make data ACCEPT_TERMS=1`, or delete it.")
    return config.RAW_FOLDER if inside else unpack_demo()


def unpack_demo() -> Path:
    """Unpack ``data/demo/faces.zip``, unless that was done, and return the folder."""
    archive, folder = config.DEMO_FOLDER / "faces.zip", config.DEMO_FOLDER / "faces"
    marker = folder / ".sha256"
    try:
        digest = sha256(archive)
        if marker.exists() and marker.read_text() == digest:
            return folder
        with in_place_of(folder) as new, zipfile.ZipFile(archive) as content:
            content.extractall(new)  # which never leads out of it
            (new / marker.name).write_text(digest)
    except (zipfile.BadZipFile, zlib.error, EOFError, FileNotFoundError) as error:
        what = f"{archive} is missing or damaged ({error})"
        remedy = "get it again with `git checkout data/demo`, or give DATA=folder"
        raise SmartClassError(f"{what}: {remedy}.") from error
    return folder


def load(
    root: Path | str,
    classes: tuple[str, ...] | None = None,
    extra: Path | str | None = None,
) -> Manifest:
    """Read a data root, whatever its layout, into one manifest.

    Args:
        root: a folder that is one data set or holds several in sub-folders.
        classes: keep only these; images of others are left out.
        extra: a further folder, one folder per class, whose classes join the data; the
            paths of its images are absolute.

    Raises:
        SmartClassError: if it is missing or closed, nothing in it is recognised, it
            holds fewer than two classes, or a label file and the files disagree.
    """
    if classes is not None and not (type(classes) in (list, tuple) and classes[1:]):
        what = "no list of two or more names, such as ['angry', 'happy']"
        raise SmartClassError(f"CLASSES = {classes!r} is {what}: correct it.")
    root = existing(root)
    table, notes, given = read(root)
    sources = set(table["source"])
    known = sorted(sources, key=ORDER.index) if sources <= set(ORDER) else []
    name = " + ".join(known) or root.resolve().name
    if (root / "demo.json").exists():
        name, path = "demo", root / "demo_attributes.csv"
        if path.exists():  # what the faces were drawn with
            table = table.merge(walking.read_table(path, "file"), "left", "file")
    if extra:
        home = existing(str(extra), "EXTRA").resolve()
        more, more_notes, more_given = read(home)
        if given and not more_given:
            what = f"{root} gives a split and {home} does not"
            raise SmartClassError(f"{what}: put its classes into train, val and test.")
        if more_given and not given:
            more_notes.append(f"{name} gives no split: all is dealt anew.")
        more["file"] = [(home / file).as_posix() for file in more["file"]]
        table, name = pd.concat([table, more]), f"{name} + {home.name}"
        notes += more_notes
    table = table.fillna("").astype(str).sort_values("file", ignore_index=True)
    texts = table.columns.drop("file")
    table[texts] = table[texts].map(as_text)
    kept = choose(classes, table, f"{root} (read as {name})" if known else f"{root}")
    if known and sources & set(layouts.REPORTED):
        notes += absent(root, sources, table)
    table["label"] = table["label"].where(table["label"].isin(kept), "")
    left = table.loc[table["label"] == "", "original_label"].value_counts().sort_index()
    if len(left):
        left = ", ".join(f"{noun} ({count:,})" for noun, count in left.items())
        notes.append(f"In none of the classes, so left out: {left}.")
    notes = tuple(map(as_text, notes))
    return Manifest(root, as_text(name), table, kept, notes, given)


def choose(classes, table: pd.DataFrame, where: str) -> tuple[str, ...]:
    """Return the classes to keep, of a table in a place, in their fixed order."""
    present = set(table["label"]) - {""}
    kept = present if classes is None else {canonical_label(str(k)) for k in classes}
    if kept - present:
        what = f"CLASSES names {some(sorted(kept - present))}, and the data has "
        raise SmartClassError(f"{what}{some(sorted(present))}: correct it.")
    if len(kept) < 2:
        held = f"{some(sorted(kept))} only" if kept else "no class"
        what = f"{where} holds {held}, and two or more classes are needed"
        remedy = f"add another, or lay it out as {layouts.UNDERSTOOD}"
        raise SmartClassError(f"{what}: {remedy}.")
    return tuple(sorted(kept, key=CLASSES.index if kept <= {*CLASSES} else natural))


def absent(root: Path, sources: set, table: pd.DataFrame) -> list[str]:
    """Return sentences on the report's sources and classes that are not there."""
    notes = [
        f"{source.data_set} is not there (expected in {root.name}/{source.folder}; "
        f"from kaggle.com/datasets/{source.kaggle})."
        for source in layouts.PROVENANCE
        if source.data_set not in sources
    ]
    without = [label for label in CLASSES if label not in set(table["label"])]
    return notes + [f"So there is no class {label}." for label in without]


def read(root: Path) -> tuple[pd.DataFrame, list[str], bool]:
    """Return the rows of all data sets in a folder, notes, and if their split stays."""
    tree = Tree(root)
    found = layouts.detect(tree)
    if not found:
        inside = some(sorted(path.name for path in root.iterdir())) or "nothing"
        if not tree.files and (endings := some(tree.endings(""))):
            inside += f"; files end in {endings}: save as JPEG"
        if links := tree.passed.get(walking.LINKS):
            inside += f"; links out of it: {some(sorted(links))}, put files there"
        what = f"{root} holds no data set that is understood (found: {inside})"
        raise SmartClassError(f"{what}: lay it out as {layouts.UNDERSTOOD}.")
    table = pd.concat([read_data_set(tree, d) for d in found], ignore_index=True)
    if len(found) > 1 or found[0].layout.nouns:  # others have classes of their own
        table["label"] = table["label"].where(table["label"].isin(CLASSES), "")
    files = set(table["file"])
    within = {above for file in files for above in parents(file)}
    left = {  # the outermost folders that hold no image of a data set
        [place for place in (file, *parents(file)) if place not in within][-1]
        for file in set(tree.files) - files
        if "." in file
    }
    if left:
        names, where = some(sorted(left)), root.resolve().name
        tree.remarks.append(f"Not recognised in {where}, so left out: {names}.")
    passed = tree.notes(*(path for data in found for path in data.classes))
    is_own = not {data.layout.source for data in found} & {*layouts.REPORTED}
    where = root / found[0].base if len(found) == 1 else root
    is_given = is_own and settle_parts(where, table, tree.remarks)
    return table, tree.remarks + passed, is_given


def read_data_set(tree: Tree, data: layouts.DataSet) -> pd.DataFrame:
    """Return the rows of one data set."""
    layout, where = data.layout, tree.root / data.base
    files = layouts.lists_of(tree, data)
    lists = [layouts.read_list(tree, data, file, form) for file, form in files]
    table = lists[0] if layout.is_list else layouts.read_folders(tree, data)
    if layout.is_list and layout.nouns:
        layouts.add_attributes(tree, data.base, table)
    source = layout.source or where.resolve().name
    columns = dict.fromkeys(config.MANIFEST_COLUMNS, "")  # in this order
    columns |= {"source": source, "original_label": table["label"], **table}
    table = pd.DataFrame({**columns, "sha256": ""})
    table["source"] = table["source"].replace("", source)
    table["label"] = table["label"].map(canonical_label)
    table.loc[table["subject"].str.lower().isin(NOBODY), "subject"] = ""
    return table


def settle_parts(where: Path, table: pd.DataFrame, notes: list[str]) -> bool:
    """Bring a data set's own split into our words; return whether it can be kept."""
    path, name, given = where / "labels.csv", where.resolve().name, table["split"]
    if not given.any():  # it may lie in folders below the classes, or beside the list
        folders = [file.split("/")[-2::-1] for file in table["file"]]
        named = [next(filter(None, map(part_of, each)), "") for each in folders]
        given = pd.Series(named, table.index, str) if all(named) else given
    for column in set(table) - {*config.MANIFEST_COLUMNS}:
        if all(map(part_of, table[column].unique())):
            remark = f"The column {column} of {name} reads like a split"
            notes.append(f"{remark}: to keep it, call the column split.")
    table["split"] = split = given.map(part_of)
    unknown, parts = (split == "") & (given != ""), set(split) - {""}
    unknown = (table["file"] + ": " + given)[unknown]
    stop_at_rows(path, "with an unknown split", unknown, "use train, val, test")
    if not parts:
        return False
    mute = (split == "").groupby(table["source"]).transform("all")
    if mute.any():
        silent = some(sorted({*table["source"][mute]}))
        notes.append(f"{silent} gives no split: all is dealt anew.")
        return False
    stop_at_rows(path, "without a split", table["file"][split == ""], "fill it in")
    if "test" not in parts and "val" in parts:
        table["split"] = split.replace("val", "test")
        parts = parts - {"val"} | {"test"}
        notes.append(f"{name} gives no test part: its val part is taken as the test.")
    if not {"train", "test"} <= parts:
        notes.append(f"{name} gives a {some(sorted(parts))} part only: dealt anew.")
        return False
    if "val" not in parts:
        notes.append(
            f"{name} gives no val part: it is taken out of train, never of test."
        )
    return True
