"""Finding the image files of a folder without leaving it."""

import os
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

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
CLOSED = "folder", "they cannot be opened: make them readable"
HIDDEN = "folder", "they are hidden or the system's own"


@dataclass
class Tree:
    """What lies below a folder; paths are relative to it, with forward slashes.

    Attributes:
        root: the folder, which may itself be a link.
        files: possible images, sorted. A folder or a broken link named like an image is
            one, so that the cleaning reports it; so is a file without an ending.
        folders: each folder → the names of those in it, in natural order.
        linked: the folders behind links that were followed.
        passed: what was passed over, by ``FOREIGN`` … ``HIDDEN``.
        spelt: what all spellings of a file's path share → its paths.
        holding: folders with an image in them or below.
    """

    root: Path
    files: list[str] = field(default_factory=list)
    folders: dict[str, list[str]] = field(default_factory=dict)
    linked: set[str] = field(default_factory=set)
    passed: dict = field(default_factory=lambda: defaultdict(list))
    spelt: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    holding: set[str] = field(default_factory=set)

    def find(self, path: str) -> str:
        """Return the path of a file in its own spelling, ``""`` if it is not there."""
        found = self.spelt.get(folded(path), [])
        return path if path in found else next(iter(found), "")

    def leads_out(self, path: str, base: str) -> bool:
        """Return whether a link that was followed lies between a base and a path."""
        way = {path, *parents(path)} - {base, *parents(base)}
        return not way.isdisjoint(self.linked)

    def check_class(self, folder: str, base: str) -> None:
        """Raise if a class folder is closed, empty or behind a link."""
        why = "holds no images"
        beside = [p for p in self.passed[FOREIGN] if p.startswith(f"{folder}/")]
        if self.leads_out(folder, base) or folder in self.passed[LINKS]:
            why = "is a link that leads out of the data: put the images there"
        elif folder in self.passed[CLOSED]:
            why = "cannot be opened: make it readable or move it away"
        elif folder in self.holding:
            return
        elif beside:
            endings = sorted({path.rpartition(".")[2].lower() for path in beside})
            why += f" that are read, only {some(endings)}: save them as JPEG or PNG"
        else:
            why += ": put some in or remove the folder"
        raise SmartClassError(f"{self.root / folder} {why}.")

    def notes(self, *classes: str) -> list[str]:
        """Return sentences on what was passed over; of files, below ``classes``."""
        below, notes = tuple(join(folder, "") for folder in classes), []
        for reason in (FOREIGN, LINKS, NOT_UTF8, CLOSED, HIDDEN):
            names = sorted(self.passed[reason])
            if reason == FOREIGN:
                names = [name for name in names if name.startswith(below)]
            if names:
                what = reason[0] + "s" * (len(names) > 1)
                notes.append(
                    f"{len(names)} {what} passed over, as {reason[1]} ({some(names)})."
                )
        return notes


def walk(root: Path) -> Tree:
    """Find the possible images below a folder.

    Links are not followed, except to folders right in the root, where data sets lie as
    links to a cache.

    Raises:
        SmartClassError: if the root cannot be opened.
    """
    tree, pending = Tree(Path(root)), [("", os.path.realpath(root))]
    while pending:
        path, home = pending.pop()
        tree.folders[path] = []
        try:
            with os.scandir(tree.root / path) as found:
                entries = sorted(found, key=lambda entry: natural(entry.name))
        except OSError as error:
            if not path:
                raise SmartClassError(
                    f"{root} cannot be opened ({error.strerror}): make it readable or "
                    "move it away."
                ) from error
            tree.passed[CLOSED].append(path)
            continue
        for entry in entries:
            place = join(path, entry.name)
            target = os.path.realpath(entry.path) if entry.is_symlink() else ""
            kind = kind_of(entry, target, home)
            if kind != "folder":
                (tree.files if kind == "image" else tree.passed[kind]).append(place)
                continue
            tree.folders[path].append(entry.name)
            if not target:
                pending.append((place, home))
            elif path or f"{home}{os.sep}".startswith(target.rstrip(os.sep) + os.sep):
                tree.passed[LINKS].append(place)
            else:
                tree.linked.add(place)
                pending.append((place, target))
    tree.files.sort()
    places = {parents(file)[0] for file in tree.files}
    tree.holding = places.union(*map(parents, places))
    for path in (*tree.files, *tree.passed[FOREIGN]):
        tree.spelt[folded(path)].append(path)
    return tree


def kind_of(entry: os.DirEntry, target: str, home: str) -> str | tuple:
    """Return what a name in a folder is: folder, image, or why it is passed over."""
    name = entry.name
    is_folder = os.path.isdir(target) if target else entry.is_dir()  # noqa: PTH112
    if re.search("[\ud800-\udfff]", name):
        return NOT_UTF8
    if name.lower() == ADULT:
        return ADULT
    if SYSTEM.fullmatch(name):
        return HIDDEN if is_folder else "silent"
    if is_folder and not IMAGE.fullmatch(name):
        return "folder"
    if target and (is_folder or not target.startswith(home + os.sep)):
        return LINKS
    return "image" if IMAGE.fullmatch(name) or "." not in name else FOREIGN


def join(folder: str, name: str) -> str:
    """Return a path below a folder; the root is ``""``."""
    return f"{folder}/{name}" if folder else name


def parents(path: str) -> list[str]:
    """Return all folders above a path, the nearest first, the root last."""
    parts = path.split("/")
    return ["/".join(parts[:i]) for i in range(len(parts) - 1, -1, -1)]
