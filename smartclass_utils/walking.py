"""Finding the image files of a folder without leaving it, and reading its tables."""

import os
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from posixpath import join

import pandas as pd

from smartclass_utils.config import SmartClassError, at_home
from smartclass_utils.names import as_text, folded, natural, part_of, some

ADULT = "ahegao"  # a class of OAHEGA that is never read
IMAGE = re.compile(r"(?is).+\.(jpe?g|jpe|jfif|png|gif|bmp|tiff?|webp|avif|p[gp]m)")
SYSTEM = re.compile(  # what is hidden, bins, thumbnails, caches
    r"(?is)\..*|__\w+|[@#$].+|recycle[rd]|system volume information|lost\+found"
    r"|thumbs(\.db)?|thumbnails|caches?|desktop\.ini"
)
DOCUMENT = re.compile(  # the ending of a text, a table or a program
    "txt|md|rst|rtf|pdf|docx?|odt|html?|css|js|csv|tsv|xlsx?|pptx?|json|ya?ml|xml|toml"
    "|ini|log|py|ipynb|r|m|sh"
)
# Why something is passed over.
FOREIGN = "file", "their names are not those of images"
LINKS = "file", "they are links to folders or out of the data"
NOT_UTF8 = "file", "their names are not UTF-8: rename them"
HIDDEN = "folder", "they are hidden or the system's own"
REASONS = (FOREIGN, LINKS, NOT_UTF8, HIDDEN)


class Tree:
    """The possible images below a folder, and what else lies there.

    Paths are relative to it, with forward slashes. Links are not followed, except to
    folders right in the root, where data sets lie as links to a cache.
    """

    def __init__(self, root: Path):
        self.root = root  # which may itself be a link
        self.folders: dict[str, list[str]] = {}  # each → those in it, in natural order
        self.passed = defaultdict(list)  # by why it was passed over, FOREIGN … HIDDEN
        self.remarks: list[str] = []  # sentences on what was understood in it
        homes = [os.path.realpath(root)]
        for here, inside, files in os.walk(root, onerror=refuse, followlinks=True):
            path = Path(here).relative_to(root).as_posix().removeprefix(".")
            self.folders[path], folders = [], {*inside}
            names = sorted([*inside, *files], key=natural)
            inside.clear()  # os.walk goes on into what is put in here
            for name in names:
                is_folder, place = name in folders, f"{here}{os.sep}{name}"
                kind = kind_of(place, name, is_folder, homes, is_top=not path)
                self.passed[kind].append(join(path, name))
                if kind == "folder":
                    inside.append(name)
                if is_folder and kind in ("folder", LINKS):
                    self.folders[path].append(name)
        self.files = sorted(self.passed["image"])
        self.holding = {above for file in self.files for above in parents(file)}
        files = [*self.passed[FOREIGN], *self.files]
        self.spelt = {folded(f): f for f in files} | {f: f for f in files}

    def find(self, path: str) -> str:
        """Return the path of a file in its own spelling, ``""`` if it is not there."""
        return self.spelt.get(path) or self.spelt.get(folded(path), "")

    def passed_below(self, reason: tuple[str, str], *folders: str) -> list[str]:
        """Return what was passed over for a reason below one of the folders."""
        starts = tuple(join(folder, "") for folder in folders)
        return sorted(path for path in self.passed[reason] if path.startswith(starts))

    def endings(self, folder: str) -> list[str]:
        """Return the endings of the files below a folder that are no images."""
        files = self.passed_below(FOREIGN, folder)
        return sorted({path.rpartition(".")[2].lower() for path in files})

    def check_class(self, folder: str, is_known: bool) -> None:
        """Raise if a class folder is empty or a link that is not followed.

        One of a data set that is not known may hold texts, tables or programs only.
        """
        endings = self.endings(folder)
        is_other = not is_known and endings and all(map(DOCUMENT.fullmatch, endings))
        if folder in self.holding or is_other:
            return
        hidden = [r for r in REASONS[1:] if self.passed_below(r, folder)]
        if folder in self.passed[LINKS]:
            why = "is a link that leads out of the data: put the images there"
        elif named := some(endings):
            why = f"holds no images that are read, only {named}: save them as JPEG"
        elif hidden:
            why = f"holds only what is passed over, as {hidden[0][1]}"
        else:
            why = "holds no images: put some in or remove the folder"
        raise SmartClassError(f"{self.root / folder} {why}.")

    def doubt(self, base: str, *classes: str) -> None:
        """Stop if class folders look like parts of a split; ask if one holds two."""
        parts = {}
        for path in classes:
            words = re.findall("[A-Z]?[a-z]+|[A-Z]+", path.rpartition("/")[2])
            parts[path] = {*map(part_of, words)} - {""}
        named = [path for path in classes if parts[path]]
        if len(set().union(*parts.values())) > 1 and 2 * len(named) > len(parts):
            what = f"{self.root / base}: {some(named)} seem to be parts of a split"
            remedy = "lay the images out as train/<class>, val/<class> and test/<class>"
            raise SmartClassError(f"{what}: {remedy}.")
        direct = {path.rpartition("/")[0] for path in self.files}
        for path in classes:
            inside = [n for n in self.folders[path] if join(path, n) in self.holding]
            if path not in direct and len(inside) > 1 and not all(map(part_of, inside)):
                what = f"{path} holds images only in folders ({some(inside)})"
                remedy = "if those are the classes, move them up or write a labels.csv"
                self.remarks.append(f"{what}: {remedy}.")

    def notes(self, *classes: str) -> list[str]:
        """Return sentences on what was passed over; of files, below ``classes``."""
        notes = []
        for what, why in REASONS:
            where = classes if (what, why) == FOREIGN else ("",)
            if names := self.passed_below((what, why), *where):
                number = f"{len(names)} {what}{'s' * (len(names) > 1)}"
                notes.append(f"{number} passed over, as {why} ({some(names)}).")
        return notes


def existing(folder: Path | str, name: str = "DATA") -> Path:
    """Return the path of a folder that a parameter names; refuse one that is none."""
    folder = at_home(folder)
    if os.path.isdir(folder):  # noqa: PTH112, as it never raises
        return folder
    if os.path.isfile(folder):  # noqa: PTH113, likewise
        raise SmartClassError(
            f"{folder} is a file: name a folder with {name}=… (FER2013's table becomes "
            "one with `python -m smartclass_utils unpack fer2013.csv FOLDER`)."
        )
    what = f"There is no folder {folder}"
    raise SmartClassError(f"{what}: name an existing one with {name}=….")


def refuse(error: OSError) -> None:
    """Stop at a folder that cannot be opened."""
    what = f"{error.filename} cannot be opened ({error.strerror})"
    raise SmartClassError(f"{what}: make it readable or move it away.") from error


def kind_of(
    place: str, name: str, is_folder: bool, homes: list[str], is_top: bool
) -> str | tuple:
    """Return what a place is: folder, image, or why it is passed over.

    What is named like an image is one, also a folder or a broken link, so that the
    cleaning reports it; so is a file without an ending. Links may lead into ``homes``;
    a folder behind a followed link becomes one.
    """
    if re.search("[\ud800-\udfff]", name):
        return NOT_UTF8
    if name.lower() == ADULT:
        return "adult"
    if SYSTEM.fullmatch(name):
        return HIDDEN if is_folder else "system"
    opens = is_folder and not IMAGE.fullmatch(name)
    is_junction = getattr(os.path, "isjunction", os.path.islink)  # Windows; Python 3.12
    if os.path.islink(place) or is_junction(place):  # noqa: PTH114, as there are many
        target = Path(os.path.realpath(place))
        leads_in = not is_folder and any(map(target.is_relative_to, homes))
        if opens and is_top and not Path(homes[0]).is_relative_to(target):
            homes.append(str(target))
        elif not (leads_in and (target.exists() or IMAGE.fullmatch(name))):
            return LINKS
    if opens:
        return "folder"
    return "image" if IMAGE.fullmatch(name) or "." not in name else FOREIGN


def parents(path: str) -> Iterator[str]:
    """Yield all folders above a path, the nearest first, the root last."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def read_table(path: Path, *needed: str) -> pd.DataFrame:
    """Read a CSV file as text; columns are found without regard to case and blanks."""
    options = {"keep_default_na": False, "encoding": "utf-8-sig", "index_col": False}
    if path.suffix == ".txt":
        options |= {"sep": r"\s+", "names": needed}
    try:
        if not path.is_file():
            raise OSError(22, "it is no file")  # EINVAL
        with path.open(encoding="utf-8-sig") as stream:
            head = stream.readline()
        if ";" in head and "," not in head:  # of a spreadsheet
            options["sep"] = ";"
        with warnings.catch_warnings(action="ignore"):  # of commas at the rows' ends
            table = pd.read_csv(path, dtype=str, **options)
    except (ValueError, OSError) as error:  # also undecodable and empty files
        usual = "is it a UTF-8 CSV file with a header?"
        why = getattr(error, "strerror", None) or usual
        raise SmartClassError(f"{path} cannot be read ({why}): mend that.") from error
    table = table.rename(columns=as_text).fillna("")
    known = {*needed, "split", "source", "subject"}
    ours = {n: n.lower() for n in table if n.lower() in known - set(table)}
    table = table.rename(columns=ours | {f"{n}.1": n for n in known})  # label.1: pandas
    table = table.loc[:, ~table.columns.str.match(r"(Unnamed: \d+)?$")]  # an index
    if double := [*table.columns[table.columns.duplicated()]]:
        raise SmartClassError(f"{path} has two columns {double[0]}: keep one.")
    missing = [repr(name) for name in needed if name not in table]
    if missing:
        what = f"{path} has no column {' and no '.join(missing)}"
        raise SmartClassError(f"{what}: its first line must name {','.join(needed)}.")
    table = table.apply(lambda column: column.str.strip())
    return table[(table != "").any(axis=1)].reset_index(drop=True)


def stop_at_rows(path: Path, what: str, wrong: Iterable[str], remedy: str) -> None:
    """Raise with the first few rows of a label file that cannot be used."""
    names = list(wrong)
    if names:
        rows = f"{len(names)} row{'s' * (len(names) > 1)}"
        raise SmartClassError(f"{path}: {rows} {what} ({some(names)}): {remedy}.")
