"""Where data sets come from, how they lie on disk, and how one is recognised."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from smartclass_utils.config import SmartClassError
from smartclass_utils.names import some
from smartclass_utils.walking import ADULT, Tree, join


class Provenance(NamedTuple):
    """One data set of the report as its owners describe it."""

    data_set: str
    authors: str
    organisation: str
    terms: str
    where: str
    kaggle: str  # owner/slug
    folder: str  # its place in data/raw


PROVENANCE = (
    Provenance(
        "RAF-DB",
        "Shan Li, Weihong Deng, JunPing Du (2017)",
        "Pattern Recognition and Intelligent System Laboratory, "
        "Beijing University of Posts and Telecommunications",
        "Non-commercial research only, no redistribution; the owners require a signed "
        "agreement, and a mirror on Kaggle does not change that.",
        "www.whdeng.cn/raf/model1.html",
        "shuvoalok/raf-db-dataset",
        "rafdb",
    ),
    Provenance(
        "FED 2023",
        "Prajval Patel",
        "Kaggle",
        "No licence is stated: assume that all rights are reserved.",
        "kaggle.com/datasets/prajvalpatel/facial-expression-detection-2023",
        "prajvalpatel/facial-expression-detection-2023",
        "fed2023",
    ),
    Provenance(
        "OAHEGA",
        "Volodymyr Kovenko, Vitalii Shevchuk (2021)",
        "Mendeley Data, V2",
        "CC BY-NC-SA 4.0: name the authors, not commercially, share alike.",
        "doi.org/10.17632/5ck5zz6f2c.2",
        "sujaykapadnis/emotion-recognition-dataset",
        "oahega",
    ),
)
REPORTED = tuple(source.data_set for source in PROVENANCE)


@dataclass(frozen=True)
class Layout:
    """One way in which a data set lies on disk.

    Attributes:
        source: its name; ``""`` for data of one's own, which is named after its folder.
        nouns: pattern of a class folder's name → the report's noun. A set with nouns
            is believed only if a folder of each is there and, but for FED, no other.
        parts: whether the class folders lie in a train and a test folder.
        lists: its label files → the form of the paths that their rows name.
        is_list: whether such a file, and no folder, says what an image shows.
    """

    source: str = ""
    nouns: dict[str, str] = field(default_factory=dict)
    parts: bool = False
    lists: dict[str, str] = field(default_factory=dict)
    is_list: bool = False


FER = {
    "surprise": "Surprise",
    "fear": "Fear",
    "disgust": "Disgust",
    "happy": "Happiness",
    "sad": "Sadness",
    "angry": "Anger",
    "neutral": "Neutral",
}
FER_TABLES = ("fer2013.csv", "icml_face_data.csv")  # see commands/unpack.py
RAFDB = {str(code): noun for code, noun in enumerate(FER.values(), 1)}
RAFDB_LISTS = {f"{p}_labels.csv": f"{p}/{{label}}/{{image}}" for p in ("train", "test")}
RAFDB_LABELS = dict.fromkeys(  # the first name is the real one
    ("EmoLabel/list_patition_label.txt", "EmoLabel/list_partition_label.txt"),
    "Image/aligned/{name}",
)
OAHEGA = {name: noun for name, noun in FER.items() if noun not in ("Fear", "Disgust")}
FED = {  # nobody could check its names; "disagree" is looked for before "agree"
    ".*(avers|disagree).*": "Aversion",
    ".*(agree|amenab).*": "Amenability",
    ".*(think|concentrat).*": "Concentration",
    ".*confus.*": "Confusion",
}
LAYOUTS = (  # the first that fits is taken
    Layout(lists={"labels.csv": "{file}"}, is_list=True),
    Layout("RAF-DB", RAFDB, lists=RAFDB_LABELS, is_list=True),
    Layout("RAF-DB", RAFDB, lists=RAFDB_LISTS, parts=True),
    Layout("OAHEGA", OAHEGA, lists={"data.csv": "{path}"}),
    Layout("FED 2023", FED, parts=True),
    Layout("FER2013", FER, parts=True),
    Layout(parts=True),  # folders of one's own below train, val and test
)
OWN_FOLDERS = Layout()  # taken where none of them fits
UNDERSTOOD = (
    "RAF-DB (DATASET/train/1…7), OAHEGA (dataset/Angry… and data.csv), FED 2023 "
    "(train/Agree…), FER2013 (train/angry…), one folder a class, also below train, val "
    "and test, or a labels.csv of file,label[,split]"
)
PART = re.compile(
    "(?:(train)(?:ing)?|(val)(?:id|idation)?|(test)(?:ing)?)(?:set|data|images|split)*"
)


def part_of(name: str) -> str:
    """Return train, val or test for a name that means it in any spelling, or ``""``."""
    found = PART.fullmatch(re.sub(r"[\W\d_]", "", name.lower()))
    return next(filter(None, found.groups()), "") if found else ""


class ClassFolder(NamedTuple):
    """A folder with the images of one class; ``noun`` is ``""`` if it has none."""

    path: str
    split: str
    name: str
    noun: str


class DataSet(NamedTuple):
    """A data set that was recognised, the folder it begins in, and its classes."""

    layout: Layout
    base: str
    classes: list[ClassFolder]


def detect(tree: Tree) -> tuple[list[DataSet], list[str]]:
    """Return the known data sets in a tree, or else its own class folders.

    The sentences beside them name what only resembles a known data set.
    """
    notes, base = [], ""
    found = list(known(tree, "", notes))
    names = tree.folders[base]
    while len(names) == 1 and tree.folders.get(join(base, names[0])):
        base = join(base, names[0])  # an archive's own folder
        names = tree.folders[base]
    own = DataSet(OWN_FOLDERS, base, class_folders(tree, OWN_FOLDERS, base))
    return found or [own] * is_whole(tree, own, notes), notes


def known(tree: Tree, base: str, notes: list[str]) -> Iterator[DataSet]:
    """Find the data sets that begin in a folder or, if none does, further down."""
    for layout in LAYOUTS:
        data = DataSet(layout, base, class_folders(tree, layout, base))
        if is_whole(tree, data, notes):
            yield data
            return
    for name in tree.folders.get(base, []):
        yield from known(tree, join(base, name), notes)


def class_folders(
    tree: Tree, layout: Layout, base: str, split: str = ""
) -> list[ClassFolder]:
    """Return the class folders in a folder; below a part, known ones may lie deeper."""
    found = []
    for name in tree.folders.get(base, []) if not layout.is_list else ():
        path, part = join(base, name), part_of(name)
        forms = (form for form in layout.nouns if re.fullmatch(form, name, re.I))
        noun = layout.nouns.get(next(forms, ""), "")
        deeper = split and layout.nouns and not noun and tree.folders.get(path)
        if (part and layout.parts) or deeper:
            found += class_folders(tree, layout, path, split or part)
        elif not part and bool(split) == layout.parts:
            found.append(ClassFolder(path, split, name, noun))
    return found


def list_of(tree: Tree, base: str, name: str) -> str:
    """Find a label file in a base, or beside it where that is called ``dataset``."""
    above, _, own = base.rpartition("/")
    beside = tree.find(join(above, name)) if own.lower() == "dataset" else ""
    return beside or tree.find(join(base, name))


def is_whole(tree: Tree, data: DataSet, notes: list[str]) -> bool:
    """Return whether a data set is there, and a known one as a whole and alone.

    Raises:
        SmartClassError: if its own label file beside a folder ``dataset`` shows that it
            must be that set, and it is not whole.
    """
    layout, base, classes = data
    listed = any(list_of(tree, base, name) for name in layout.lists)
    if layout.is_list or not layout.nouns:
        return listed or any(folder.path in tree.holding for folder in classes)
    adult = any(path.rpartition("/")[0] == base for path in tree.passed[ADULT])
    if not classes or not (layout.parts or listed or adult):
        return False
    nouns = {folder.noun for folder in classes} - {""}
    there = nouns | {folder.split for folder in classes}
    wanted = [*layout.nouns.values(), *(("train", "test") if layout.parts else ())]
    lacks = [name for name in wanted if name not in there]
    other = sorted({f.name for f in classes if not f.noun and layout.nouns != FED})
    faults = [f"lacks {some(lacks)}"] * bool(lacks)
    faults += [f"also holds {some(other)}"] * bool(other)
    where, what = tree.root / base, f"{layout.source} but {' and '.join(faults)}"
    if faults and listed and where.name.lower() == "dataset":
        raise SmartClassError(f"{where} is {what}: get it anew, move the rest away.")
    if faults and len(nouns) > 1 and layout.source in REPORTED:
        name = where.resolve().name
        notes.append(f"{name} resembles {what}: taken as one's own.")
    return not faults
