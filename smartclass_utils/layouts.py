"""Where data sets come from, how they lie on disk, and how one is recognised."""

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from posixpath import basename, join, normpath
from typing import NamedTuple

import pandas as pd

from smartclass_utils.config import CLASSES, REPORTED_FOLDER, SPLITS, SmartClassError
from smartclass_utils.names import canonical_label, part_of, some
from smartclass_utils.walking import ADULT, Tree, parents, read_table, stop_at_rows

# The report's data sets as their owners describe them; `kaggle` is owner/slug there,
# `folder` a place in data/raw.
PROVENANCE = tuple(
    pd.read_csv(REPORTED_FOLDER / "provenance.csv").itertuples(index=False, name="Set")
)
REPORTED = tuple(source.data_set for source in PROVENANCE)
NONE: dict[str, str] = {}


class Layout(NamedTuple):
    """One way in which a data set lies on disk.

    A set with nouns is believed only if a class folder of each is there and, but for
    FED, no other.
    """

    source: str = ""  # its name; data of one's own are named after their folder
    nouns: dict[str, str] = NONE  # pattern of a class folder's name → the report's noun
    parts: bool = False  # whether the class folders lie in a train and a test folder
    lists: dict[str, str] = NONE  # label files → the form of the paths in their rows
    column: str = "file"  # what the label files call the image
    is_list: bool = False  # whether they, and no folders, say what an image shows

    def noun(self, name: str) -> str:
        """Return the report's noun for a class's name, ``""`` if it has none."""
        found = (v for form, v in self.nouns.items() if re.fullmatch(form, name, re.I))
        return next(found, "")


NOUNS = ("Surprise", "Fear", "Disgust", "Happiness", "Sadness", "Anger", "Neutral")
SPELT = "surprised? fear(ful)? disgust(ed)? happ(y|iness) sad(ness)? ang(ry|er) neutral"
FER = dict(zip(SPELT.split(), NOUNS, strict=True))
RAFDB = dict(zip("1234567", NOUNS, strict=True))
RAFDB_LISTS = {f"{p}_labels.csv": f"{p}/{{label}}/{{file}}" for p in ("train", "test")}
RAFDB_FILE = r"(train|test)_\d+(_aligned)?\."  # without lists, they are called so
ATTRIBUTES = {  # codes from 0 in files of RAF-DB's owners
    "gender": ("male", "female", "unsure"),
    "race": ("Caucasian", "African-American", "Asian"),
    "age": ("0–3", "4–19", "20–39", "40–69", "70+"),
}
ATTRIBUTE_CODES = r"(?m)^(?P<gender>[0-2])\s+(?P<race>[0-2])\s+(?P<age>[0-4])\s*\Z"
RAFDB_OWNERS = {  # the misspelling is real
    "EmoLabel/list_patition_label.txt": "Image/aligned/{stem}_aligned.jpg"
}
OAHEGA = {name: noun for name, noun in FER.items() if noun not in ("Fear", "Disgust")}
FED = {  # nobody could check its names; "disagree" is looked for before "agree"
    ".*(avers|disagree).*": "Aversion",
    ".*(agree|amenab).*": "Amenability",
    ".*(think|concentrat).*": "Concentration",
    ".*confus.*": "Confusion",
}
LAYOUTS = (  # the first that fits is taken
    Layout(lists={"labels.csv": "{file}"}, is_list=True),
    Layout("RAF-DB", RAFDB, lists=RAFDB_OWNERS, column="name", is_list=True),
    Layout("RAF-DB", RAFDB, lists=RAFDB_LISTS, column="image", parts=True),
    Layout("OAHEGA", OAHEGA, lists={"data.csv": "{file}"}, column="path"),
    Layout("FED 2023", FED, parts=True),
    Layout("FER2013", FER, parts=True),
    Layout(parts=True),  # folders of one's own below train, val and test
)
UNDERSTOOD = (
    "RAF-DB (DATASET/train/1…7), OAHEGA (dataset/Angry… and data.csv), FED 2023 "
    "(train/Agree…), FER2013 (train/angry…; its table becomes so with `python -m "
    "smartclass_utils unpack fer2013.csv FOLDER`), one folder per class, also below "
    "train, val and test, or a labels.csv of file,label[,split]"
)


class DataSet(NamedTuple):
    """A data set that was recognised."""

    layout: Layout
    base: str  # the folder that it begins in
    classes: dict[str, str]  # class folder → its split, or ""


def detect(tree: Tree) -> list[DataSet]:
    """Return the known data sets in a tree, or else its own class folders."""
    found, base, names = [*known(tree, "", LAYOUTS)], "", tree.folders[""]
    while len(names) == 1 and tree.folders.get(join(base, names[0])):
        base = join(base, names[0])  # an archive's own folder
        names = tree.folders[base]
    return found or [*known(tree, base, (Layout(),))]


def known(tree: Tree, base: str, layouts: tuple[Layout, ...]) -> Iterator[DataSet]:
    """Find the data sets that begin in a folder or, if none does, further down."""
    for layout in layouts:
        data = DataSet(layout, base, class_folders(tree, layout, base))
        if is_whole(tree, data):
            yield data
            return
    for name in tree.folders.get(base, []):
        yield from known(tree, join(base, name), layouts)


def class_folders(tree: Tree, layout: Layout, base: str, split: str = "") -> dict:
    """Return the class folders in a folder; below a part, known ones may lie deeper."""
    found = {}
    for name in tree.folders.get(base, []) if not layout.is_list else ():
        path, part = join(base, name), part_of(name)
        may_hold = split and layout.nouns and not layout.noun(name)
        if (part and layout.parts) or (may_hold and tree.folders.get(path)):
            found |= class_folders(tree, layout, path, part or split)
        elif not part and bool(split) == layout.parts:
            found[path] = split
    return found


def lists_of(tree: Tree, data: DataSet) -> list[tuple[str, str]]:
    """Return the label files that are there, each with the form of its paths.

    They lie in the data set's folder, or beside it where that is called ``dataset``.
    """
    above, _, own = data.base.rpartition("/")
    places = [above] * (own.lower() == "dataset") + [data.base]
    lists = data.layout.lists.items()
    found = [(tree.find(join(p, name)), form) for name, form in lists for p in places]
    return [(file, form) for file, form in found if file]


def is_whole(tree: Tree, data: DataSet) -> bool:
    """Return whether a data set is there, and a known one as a whole and alone.

    A remark says what only resembles one of the report's; a label file of its own
    beside a folder ``dataset`` shows that it must be that set, and whole.
    """
    layout, base, classes = data
    listed = bool(lists_of(tree, data))
    if layout.is_list or not layout.nouns:
        return listed or not tree.holding.isdisjoint(classes)
    if not classes or not (layout.parts or listed):
        return False
    nouns = {name: layout.noun(name) for name in map(basename, classes)}
    there = {*nouns.values(), *classes.values()} - {""}
    wanted = [*layout.nouns.values(), *(("train", "test") if layout.parts else ())]
    lacks = [name for name in wanted if name not in there]
    other = [name for name in nouns if not nouns[name]]
    if layout.nouns == FED:  # where others are left out, but never the report's
        other = [name for name in other if canonical_label(name) in CLASSES]
    faults = [f"lacks {some(lacks)}"] if lacks else []
    faults += [f"also holds {some(sorted(other))}"] if other else []
    if layout.nouns == RAFDB and not (listed or re.search(RAFDB_FILE, str(tree.files))):
        faults = faults or ["lacks its label files"]
    where, what = tree.root / base, f"{layout.source} but {' and '.join(faults)}"
    if len(faults) == 1 and listed and where.name.lower() == "dataset":
        raise SmartClassError(f"{where} is {what}: get it anew, move the rest away.")
    if faults and layout.source in REPORTED and len(there - set(SPLITS)) > 1:
        name = where.resolve().name
        tree.remarks.append(f"{name} resembles {what}: taken as one's own.")
    return not faults


def read_folders(tree: Tree, data: DataSet) -> pd.DataFrame:
    """Return files with the nouns or names of their class folders."""
    nouns = {path: data.layout.noun(basename(path)) for path in data.classes}
    rows = []
    for path in data.classes:
        tree.check_class(path, is_known=bool(data.layout.nouns))
    for file in tree.files:
        for path in data.classes.keys() & parents(file):
            rows.append((file, nouns[path] or basename(path), data.classes[path]))
    if not data.layout.nouns:
        tree.doubt(data.base, *data.classes)
    if data.layout.nouns == FED:
        pairs = {f"{basename(path)} → {noun}" for path, noun in nouns.items() if noun}
        other = {basename(path) for path, noun in nouns.items() if not noun}
        for what, of in (("understood", pairs), ("not understood, left out", other)):
            if names := ", ".join(sorted(of)):
                tree.remarks.append(f"FED 2023: folders {what}: {names}.")
    return pd.DataFrame(rows, columns=["file", "label", "split"], dtype=str)


def read_list(tree: Tree, data: DataSet, file: str, form: str) -> pd.DataFrame:
    """Read a label file, ``file`` as paths in the tree; stop at rows with faults."""
    path, layout, column = tree.root / file, data.layout, data.layout.column
    table = read_table(path, column, "label").rename(columns={column: "file"})
    table = table[table["label"].str.lower() != ADULT].reset_index(drop=True)
    named, label = table["file"], table["label"]
    files = zip(named, label, strict=True)
    paths = [form.format(file=name, label=code, stem=name[:-4]) for name, code in files]
    places = pd.Series([normpath(join(data.base, path)) for path in paths], dtype=str)
    table["file"] = places.map(tree.find)
    if layout.nouns:
        table["label"] = label.map(layout.noun)
    gone = table["file"] == ""
    on_disk = [os.path.lexists(tree.root / place) for place in places]
    hidden = gone & pd.Series(on_disk, dtype=bool)
    outside = named.str.contains(r"^/|\.\./|/\.\.|\\|\0") | hidden
    unknown = (named + " " + label)[table["label"] == ""]
    twice = named[table["file"].duplicated() & layout.is_list]
    stop = partial(stop_at_rows, path)
    stop("without a label", named[label == ""], "fill it in")
    stop("with an unknown label", unknown, f"labels are {', '.join(layout.nouns)}")
    remedy = "give paths with / relative to it"
    stop("hidden, with \\ or leading out of its folder", named[outside], remedy)
    stop("without their file", places[gone], "add the files or remove the rows")
    stop("for a file named before", twice, "keep one row a file")
    return table


def add_attributes(tree: Tree, base: str, table: pd.DataFrame) -> None:
    """Add the split and, in words, what RAF-DB's owners say beside the label."""
    stems = [Path(file).stem.removesuffix("_aligned") for file in table["file"]]
    table["split"] = [stem.partition("_")[0] for stem in stems]
    places = [join(base, f"Annotation/manual/{stem}_manu_attri.txt") for stem in stems]
    files = [tree.find(place) for place in places]
    texts = [(tree.root / f).read_text(errors="replace") if f else "" for f in files]
    codes = pd.Series(texts, dtype=str).str.extract(ATTRIBUTE_CODES).fillna("")
    for name, words in ATTRIBUTES.items():
        table[name] = [words[int(code)] if code else "" for code in codes[name]]
