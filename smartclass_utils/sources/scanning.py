"""Finding the image files of a folder, quickly and without leaving it."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from smartclass_utils.config import SmartClassError
from smartclass_utils.names import as_text

SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp"]
) | {""}  # a download may come without a suffix; its content decides
JUNK = frozenset(("__macosx", "thumbs.db", "desktop.ini"))
EXAMPLES = 3  # names quoted in a message


@dataclass
class Found:
    """What lies below a folder.

    Attributes:
        files: paths of possible images, relative to the data root, sorted.
        notes: sentences on what was passed over.
    """

    files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def is_hidden(name: str) -> bool:
    """Return whether a name is the system's own rather than data."""
    return name.startswith(".") or name.lower() in JUNK


def is_utf8(name: str) -> bool:
    """Return whether a name can be written down in a CSV file."""
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)


def open_folder(folder: Path | str) -> list[os.DirEntry]:
    """Return what lies in a folder.

    Raises:
        SmartClassError: if it cannot be opened.
    """
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise SmartClassError(
            f"{folder} cannot be opened ({error.strerror}): make it readable or move "
            "it away."
        ) from error


def entries_of(folder: Path) -> list[os.DirEntry]:
    """Return what lies in a folder, nothing if it cannot be opened: scan names it."""
    try:
        return open_folder(folder)
    except SmartClassError:
        return []


def is_folder(place: os.DirEntry | Path) -> bool:
    """Return whether this is a folder that can be reached, without ever raising."""
    try:
        return place.is_dir()
    except OSError:  # a link to itself, a closed folder above it, a name too long
        return False


def subfolders(folder: Path) -> list[str]:
    """Return the sorted names of the visible folders in a folder."""
    names = [entry.name for entry in entries_of(folder) if is_folder(entry)]
    return sorted(name for name in names if is_utf8(name) and not is_hidden(name))


def child(folder: Path, *names: str) -> Path | None:
    """Follow names downwards without regard to case; ``None`` if one is missing."""
    for name in names:
        names_there = (entry.name for entry in entries_of(folder))
        found = sorted(other for other in names_there if other.lower() == name.lower())
        if not found:
            return None
        folder = folder / found[0]
    return folder


def own_file(base: Path, root: Path, name: str) -> Path | None:
    """Find a file of a data set in ``base``, or above it where base is ``dataset``.

    A file outside of the data root belongs to something else.
    """
    above = base.parent if base.name.lower() == "dataset" and base != root else base
    return child(above, name) or child(base, name)


def relative(path: Path, root: Path) -> str:
    """Return a path from the data root with forward slashes, ``""`` for the root."""
    text = path.relative_to(root).as_posix()
    return "" if text == "." else text


def some(names: list[str]) -> str:
    """Return a few names and how many more there are."""
    shown = ", ".join(map(as_text, names[:EXAMPLES]))
    more = len(names) - EXAMPLES
    return f"{shown} and {more} more" if more > 0 else shown


def scan(
    folder: Path,
    root: Path,
    skip: frozenset[str] = frozenset(),
    within: Path | None = None,
) -> Found:
    """Find the possible images below a folder.

    Folders and broken links that are named like images are among the files, so that
    the cleaning reports them. Links that lead out of the folder are not followed, nor
    are links to folders. A folder further down that cannot be opened is a note.

    Args:
        folder: where to look; may itself be a link.
        root: the data root, which the paths become relative to.
        skip: lower-case names of folders that are not entered.
        within: the data set's own folder, which ``folder`` must not be a link out of.

    Raises:
        SmartClassError: if it is one; a download could bring in any folder so. Or if
            ``folder`` itself cannot be opened.
    """
    home = os.path.realpath(folder) + os.sep
    if within and not home.startswith(os.path.realpath(within) + os.sep):
        raise SmartClassError(
            f"{folder} is a link that leads out of {within}: put the images themselves "
            "there."
        )
    files, foreign, links, unreadable, closed = [], [], [], [], []
    pending = [(str(folder), relative(folder, root))]
    while pending:
        place, prefix = pending.pop()
        try:
            entries = open_folder(place)
        except SmartClassError:
            if place == str(folder):
                raise
            closed.append(prefix)
            continue
        for entry in entries:
            name = entry.name
            if is_hidden(name):
                continue
            path = f"{prefix}/{name}" if prefix else name
            looks_right = os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122
            is_image_name = looks_right and "." in name
            if not is_utf8(name):
                unreadable.append(ascii(path))
            elif entry.is_symlink():
                inside = os.path.realpath(entry.path).startswith(home)
                if is_folder(entry) or not inside:
                    links.append(path)
                elif looks_right:
                    files.append(path)
            elif is_folder(entry) and not is_image_name:
                if name.lower() not in skip:
                    pending.append((entry.path, path))
            else:
                (files if looks_right else foreign).append(path)
    notes = [
        counted("file", foreign, ", as their names are not those of images"),
        counted("file", links, ", as they are links to folders or out of the data"),
        counted("file", unreadable, ", as their names are not UTF-8: rename them"),
        counted("folder", closed, ", as they cannot be opened: make them readable"),
    ]
    return Found(sorted(files), [note for note in notes if note])


def counted(kind: str, names: list[str], why: str) -> str:
    """Return a sentence on what was passed over, ``""`` if nothing was."""
    if not names:
        return ""
    kind = kind if len(names) == 1 else f"{kind}s"
    return f"{len(names)} {kind} passed over{why} ({some(sorted(names))})."
