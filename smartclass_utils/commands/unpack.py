"""Writes FER2013's one table of numbers as a folder of images."""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from smartclass_utils.config import SmartClassError, at_home
from smartclass_utils.files import in_place_of
from smartclass_utils.walking import read_table

SIDE = 48  # pixels, height and width
CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")  # 0 to 6
USAGES = "Training, PublicTest and PrivateTest"
PARTS = {"training": "train", "publictest": "val", "privatetest": "test"}


def unpack(table: Path | str, folder: Path | str) -> Path:
    """Write the faces of ``fer2013.csv`` to ``train|val|test/<class>/*.png``.

    All of them or none: the folder, which is returned, takes its name once it is
    complete. The columns of the table are emotion (0 to 6), pixels (48 · 48 numbers
    from 0 to 255, row by row) and Usage (Training, PublicTest or PrivateTest).

    Raises:
        SmartClassError: if the table is no FER2013 or has a row that cannot be used,
            or the folder holds something.
    """
    table, folder = at_home(table), at_home(folder).resolve()
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise SmartClassError(f"{folder} is no empty folder: name a new one.")
    if not table.is_file():
        raise SmartClassError(f"There is no file {table}: name FER2013's, unpacked.")
    rows = read_table(table, "emotion", "pixels", "usage")
    if not len(rows):
        raise SmartClassError(f"{table} has no rows: get the file again.")
    with in_place_of(folder) as new:
        for row in tqdm(rows.itertuples(), "Writing faces", len(rows), unit="face"):
            part, label, face = face_of(row, f"{table}, row {row.Index + 1}")
            path = new / part / label / f"{row.usage}_{row.Index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(face).save(path)
        if folder.exists():  # still empty, or this raises
            folder.rmdir()
    return folder


def face_of(row: NamedTuple, where: str) -> tuple[str, str, np.ndarray]:
    """Return part, class and face, uint8 (48, 48), of a row; stop at a fault."""
    code, usage, face = row.emotion, row.usage, None
    with suppress(ValueError):  # no numbers, too few, or not from 0 to 255
        numbers = bytes(map(int, row.pixels.split()))
        face = np.frombuffer(numbers, np.uint8).reshape(SIDE, SIDE)
    faults = {
        f"emotion '{code}' is none of 0 to 6": code not in tuple("0123456"),
        f"Usage '{usage}' is none of {USAGES}": usage.lower() not in PARTS,
        f"pixels are not {SIDE * SIDE} numbers from 0 to 255": face is None,
    }
    for fault, is_there in faults.items():
        if is_there:
            raise SmartClassError(f"{where}: {fault}; get the file again.")
    return PARTS[usage.lower()], CLASSES[int(code)], face
