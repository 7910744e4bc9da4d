"""Finding the image files of a folder without leaving it, and reading its tables."""

import os
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import join

import pandas as pd

from smartclass_utils.config import SmartClassError
from smartclass_utils.names import folded, natural, some

ADULT = "ahegao"  # a class of OAHEGA that is never read
IMAGE = re.compile(r"(?is).+\.(jpe?g|jpe|jfif|png|gif|bmp|tiff?|webp|avif|p[gp]m)")
SYSTEM = re.compile(  # what is hidden, bins, thumbnails, caches
    r"(?is)\..*|__\w+|[@#$].+|recycle[rd]|system volume information|lost\+found"
    r"|thumbs(\.db)?|thumbnails|caches?|desktop\.ini"
)
# Why something is passed over.
FOREIGN = "file", "their names are not those of images"
LINKS = "file", "they are links to folders or out of the data"
NOT_UTF8 = "file", "their names are not UTF-8: rename them"
HIDDEN = "folder", "they are hidden or the system's own"


@dataclass
class Tree:
    """What lies below a folder; paths are relative to it, with forward slashes.

    Attributes:
        root: the folder, which may itself be a link.
        files: possible images, sorted. A folder or a broken link named like an image is
            one, so that the cleaning reports it; so is a file without an ending.
        folders: each folder → the names of those in it, in natural order.
        passed: what was passed over, by ``FOREIGN`` … ``HIDDEN``.
        holding: folders with an image in them or below.
        spelt: any file's path, and what all of its spellings share → the path.
    """

    root: Path
    files: list[str] = field(default_factory=list)
    folders: dict[str, list[str]] = field(default_factory=dict)
    passed: dict = field(default_factory=lambda: defaultdict(list))
    holding: set[str] = field(default_factory=set)
    spelt: dict[str, str] = field(default_factory=dict)

    def find(self, path: str) -> str:
        """Return the path of a file in its own spelling, ``""`` if it is not there."""
        return self.spelt.get(path) or self.spelt.get(folded(path), "")

    def check_class(self, folder: str) -> None:
        """Raise if a class folder is empty or a link that is not followed."""
        beside = [p for p in self.passed[FOREIGN] if p.startswith(f"{folder}/")]
        if folder in self.holding:
            return
        if folder in self.passed[LINKS]:
            why = "is a link that leads out of the data: put the images there"
        elif beside:
            endings = some(sorted({p.rpartition(".")[2].lower() for p in beside}))
            why = f"holds no images that are read, only {endings}: save them as JPEG"
        else:
            why = "holds no images: put some in or remove the folder"
        raise SmartClassError(f"{self.root / folder} {why}.")

    def notes(self, *classes: str) -> list[str]:
        """Return sentences on what was passed over; of files, below ``classes``."""
        below, notes = tuple(join(folder, "") for folder in classes), []
        for reason in (FOREIGN, LINKS, NOT_UTF8, HIDDEN):
            what, why = reason
            names = sorted(self.passed[reason])
            if reason == FOREIGN:
                names = [name for name in names if name.startswith(below)]
            if names:
                number = f"{len(names)} {what}{'s' * (len(names) > 1)}"
                notes.append(f"{number} passed over, as {why} ({some(names)}).")
        return notes


def existing(folder: Path | str, name: str = "DATA") -> Path:
    """Return the path of a folder that a parameter names; refuse one that is none."""
    folder = Path(folder).expanduser()
    if os.path.isdir(folder):  # noqa: PTH112, as it never raises
        return folder
    if os.path.isfile(folder):  # noqa: PTH113, likewise
        raise SmartClassError(
            f"{folder} is a file: name a folder with {name}=… (FER2013's table becomes "
            "one with `python -m smartclass_utils unpack fer2013.csv FOLDER`)."
        )
    raise SmartClassError(
        f"There is no folder {folder}: name an existing one with {name}=…, or leave it "
        "out."
    )


def walk(root: Path) -> Tree:
    """Find the possible images below a folder.

    Links are not followed, except to folders right in the root, where data sets lie as
    links to a cache.

    Raises:
        SmartClassError: if a folder cannot be opened.
    """
    tree, homes, pending = Tree(Path(root)), [os.path.realpath(root)], [""]
    while pending:
        path = pending.pop()
        try:
            entries = list(os.scandir(tree.root / path))
        except OSError as error:
            what = f"{tree.root / path} cannot be opened ({error.strerror})"
            raise SmartClassError(
                f"{what}: make it readable or move it away."
            ) from error
        tree.folders[path] = []
        for entry in sorted(entries, key=lambda entry: natural(entry.name)):
            place, is_folder = join(path, entry.name), os.path.isdir(entry.path)  # noqa: PTH112
            kind = kind_of(entry, is_folder, homes, is_top=not path)
            tree.passed[kind].append(place)
            if kind == "folder":
                pending.append(place)
            if kind == "folder" or (kind == LINKS and is_folder):
                tree.folders[path].append(entry.name)
    tree.files = sorted(tree.passed["image"])
    tree.holding = {above for file in tree.files for above in parents(file)}
    files = [*tree.passed[FOREIGN], *tree.files]
    tree.spelt = {folded(file): file for file in files} | {file: file for file in files}
    return tree


def kind_of(
    entry: os.DirEntry, is_folder: bool, homes: list[str], is_top: bool
) -> str | tuple:
    """Return what a name in a folder is: folder, image, or why it is passed over.

    Links may lead into ``homes``; a folder behind a followed link becomes one.
    """
    name = entry.name
    is_link = entry.is_symlink() or getattr(entry, "is_junction", bool)()  # Windows
    target = os.path.realpath(entry.path) if is_link else ""
    if re.search("[\ud800-\udfff]", name):
        return NOT_UTF8
    if name.lower() == ADULT:
        return "adult"
    if SYSTEM.fullmatch(name):
        return HIDDEN if is_folder else "system"
    if is_folder and not IMAGE.fullmatch(name):
        leads_up = f"{homes[0]}{os.sep}".startswith(target.rstrip(os.sep) + os.sep)
        if target and (leads_up or not is_top):
            return LINKS
        homes += [target] if target else []
        return "folder"
    is_within = any(target.startswith(home + os.sep) for home in homes)
    if target and (is_folder or not is_within):
        return LINKS
    return "image" if IMAGE.fullmatch(name) or "." not in name else FOREIGN


def parents(path: str) -> list[str]:
    """Return all folders above a path, the nearest first, the root last."""
    parts = path.split("/")
    return ["/".join(parts[:i]) for i in range(len(parts) - 1, -1, -1)]


def read_table(path: Path, *needed: str) -> pd.DataFrame:
    """Read a CSV file as text; columns are found without regard to case and blanks.

    Raises:
        SmartClassError: if it is no CSV file or a column is missing.
    """
    options = {"keep_default_na": False, "encoding": "utf-8-sig", "index_col": False}
    if path.suffix == ".txt":
        options |= {"sep": r"\s+", "names": needed}
    try:
        with warnings.catch_warnings(action="ignore"):  # of commas at the rows' ends
            table = pd.read_csv(path, dtype=str, **options)
    except (ValueError, OSError) as error:  # also undecodable and empty files
        what = "cannot be read as a UTF-8 CSV file with a header"
        raise SmartClassError(f"{path} {what}: mend or remove it.") from error
    table = table.rename(columns=str.strip).fillna("")
    known = {*needed, "split", "source", "subject"} - set(table)
    table = table.rename(columns={n: n.lower() for n in table if n.lower() in known})
    table = table.loc[:, ~table.columns.str.match(r"(Unnamed: \d+)?$")]  # an index
    missing = [repr(name) for name in needed if name not in table]
    if missing:
        must = f"its first line must name {','.join(needed)}"
        raise SmartClassError(
            f"{path} has no column {' and no '.join(missing)}: {must}."
        )
    table = table.apply(lambda column: column.str.strip())
    return table[(table != "").any(axis=1)].reset_index(drop=True)


def stop_at_rows(path: Path, what: str, wrong: Iterable[str], remedy: str) -> None:
    """Raise with the first few rows of a label file that cannot be used."""
    names = list(wrong)
    if names:
        rows = f"{len(names)} {'row' if len(names) == 1 else 'rows'}"
        raise SmartClassError(f"{path}: {rows} {what} ({some(names)}): {remedy}.")
