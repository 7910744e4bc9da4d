"""FER2013 as one CSV file; its folder form is read by :mod:`folders`."""

from pathlib import Path

from smartclass_utils.config import SmartClassError
from smartclass_utils.sources.layouts import Loaded, make_table, stop_at_rows
from smartclass_utils.sources.scanning import child, relative, subfolders

FER = "FER2013"
FER_FILES = (
    "fer2013.csv",
    "icml_face_data.csv",
)
FER_CODES = {
    "0": "Anger",
    "1": "Disgust",
    "2": "Fear",
    "3": "Happiness",
    "4": "Sadness",
    "5": "Surprise",
    "6": "Neutral",
}
FER_USAGES = {"training": "train", "publictest": "val", "privatetest": "test"}
FER_FOLDERS = {
    "angry": "Anger",
    "disgust": "Disgust",
    "fear": "Fear",
    "happy": "Happiness",
    "sad": "Sadness",
    "surprise": "Surprise",
    "neutral": "Neutral",
}


def find_fer_csv(folder: Path) -> Path | None:
    """Return FER2013's one file; it may lie in a folder with no other beside it."""
    names, places = subfolders(folder), [folder]
    if [name.lower() for name in names] == ["fer2013"]:
        places.append(folder / names[0])
    found = (child(place, name) for place in places for name in FER_FILES)
    return next(filter(None, found), None)


def load_fer_csv(path: Path, root: Path) -> Loaded:
    """Read FER2013's CSV; a row's ``file`` is ``fer2013.csv#<byte offset>``."""
    name = relative(path, root)
    files, originals, splits, wrong = [], [], [], []
    with path.open("rb") as stream:
        header = stream.readline()
        columns = [part.strip().lower() for part in header.decode("latin-1").split(",")]
        if sorted(columns) != ["emotion", "pixels", "usage"]:
            raise SmartClassError(
                f"{path} is not FER2013: its first line must be emotion,pixels,Usage."
            )
        emotion, usage = columns.index("emotion"), columns.index("usage")
        offset = len(header)
        for number, line in enumerate(stream, start=2):
            cells = [cell.strip(b' "\r\n') for cell in line.split(b",")]
            if any(cells):
                whole = len(cells) == len(columns)
                code = cells[emotion].decode("latin-1") if whole else ""
                part = cells[usage].decode("latin-1") if whole else ""
                if code not in FER_CODES or part.lower() not in FER_USAGES:
                    wrong.append(f"line {number}")
                files.append(f"{name}#{offset}")
                originals.append(FER_CODES.get(code, ""))
                splits.append(FER_USAGES.get(part.lower(), ""))
            offset += len(line)
    stop_at_rows(path, "with an unknown emotion or usage", wrong, "get it again")
    return Loaded(make_table(FER, files, originals, splits))
