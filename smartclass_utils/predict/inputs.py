"""Which files are meant by the names that a user gives."""

import os
from pathlib import Path
from typing import NamedTuple

from smartclass_utils.predict.photos import sentence
from smartclass_utils.sources.scanning import scan


class Input(NamedTuple):
    """A file to look at, or a sentence on why there is nothing to look at."""

    name: str  # as the user gave it; in a folder, the folder's name before it
    note: str = ""  # if given, there is no file


def find_inputs(paths: list[Path | str]) -> list[Input]:
    """List the files behind names of files and folders, each once.

    Folders are walked with everything in them, sorted by name; links out of a folder
    are not followed. Whether a file is an image is left to its content, but in a
    folder one with the suffix of something else, such as .txt, is passed over.
    """
    found = [item for path in paths for item in inputs_of(os.fspath(path))]
    return list(dict.fromkeys(found))


def inputs_of(name: str) -> list[Input]:
    """List the files behind one name."""
    path = Path(name)
    try:
        if name and path.is_dir():
            return files_below(path)
        exists = bool(name) and path.exists()  # Path("") is the current folder
    except (OSError, ValueError) as error:  # too long, a null character, no permission
        reason = getattr(error, "strerror", None) or error
        return [Input(name, sentence(f"cannot be read: {reason}"))]
    return [Input(name) if exists else Input(name, "There is no such file or folder.")]


def files_below(folder: Path) -> list[Input]:
    """List the possible images below a folder, and what was passed over.

    Raises:
        OSError: if the folder cannot be opened.
    """
    os.scandir(folder).close()
    found = scan(folder, folder)
    files = [Input((folder / file).as_posix()) for file in found.files]
    notes = [Input(str(folder), note) for note in found.notes]
    if not files:
        notes.insert(0, Input(str(folder), "There is no image in this folder."))
    return [*files, *notes]


def printable(name: str) -> str:
    """Return a name fit for a line of text: control characters are spelt out."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
