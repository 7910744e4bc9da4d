"""From photographs to a table: which faces are in them, and what they look like."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import nn

from smartclass_utils import evaluation
from smartclass_utils.checkpoints import load_model, read_card
from smartclass_utils.config import IMAGE_SIZE, SHIPPED_MODEL, SmartClassError
from smartclass_utils.faces import Box, cut, find_faces, square_around
from smartclass_utils.images import FLAT, Rejected, clean_square, open_image, read
from smartclass_utils.walking import Tree

FACE, WHOLE = "face", "whole image"
SMALL_SIDE = 128  # pixels; a smaller picture is taken to be the crop of a face
FIRST = ("file", "face", "region", *Box._fields, "looks")  # before the probabilities
ANOTHER = "name another with --model, such as one in data/models after `make report`"
PREPARED = "The network knows images changed by PREPARE; these are not: expect errors."
PARALLEL_FROM = 16  # files; fewer are done before other processes have started


@dataclass(frozen=True)
class Predictor:
    """A stored network, ready to be asked about faces."""

    model: nn.Module  # maps values 0…255 (N, C, H, W) to logits (N, K)
    classes: tuple[str, ...]  # K names
    image_size: int = IMAGE_SIZE  # pixels, height and width
    colour: bool = False  # whether it takes red, green and blue
    mirror: bool = False  # whether it answers for an image and its mirror image
    note: str = ""  # a sentence on what its user should know

    @classmethod
    def load(cls, file: Path | str | None = None) -> "Predictor":
        """Load a network; by default the one that ships with the project.

        Raises:
            SmartClassError: if it is missing, damaged, or not one of this project.
        """
        file = SHIPPED_MODEL if file is None else Path(file)
        if not os.path.isfile(file):  # noqa: PTH113, whatever the text
            raise SmartClassError(f"There is no model {file}: {ANOTHER}.")
        card = read_card(file)
        model, classes, arguments = load_model(card), card["classes"], card["arguments"]
        if not arguments.get("n_classes") == len(classes) == len({*classes}):
            raise SmartClassError(f"{file} names other classes than it has: {ANOTHER}.")
        return cls(
            model=model,
            classes=tuple(classes),
            image_size=arguments.get("image_size", IMAGE_SIZE),
            colour=arguments.get("in_channels", 1) == 3,
            mirror=bool(card["recipe"].get("mirror")),
            note=PREPARED if card["data"].get("prepare") else "",
        )

    def probabilities(self, crops: np.ndarray) -> np.ndarray:
        """Return float32 (N, K), rows add up to 1, for crops uint8 (N, H, W[, 3])."""
        crops = np.moveaxis(crops, 3, 1) if self.colour else crops[:, None]
        images = torch.from_numpy(np.ascontiguousarray(crops))
        return evaluation.predict(self.model, images, self.mirror)


def regions_of(
    photo: np.ndarray, size: int, notes=(), whole=False, colour=False
) -> tuple[list[np.ndarray], list[dict]]:
    """Return what a network is shown of a photograph: its faces, or all of it.

    Every region becomes a square of ``size`` pixels as in chapter 1. Without a face it
    is the whole photograph, uint8 (H, W[, 3]), upright; so it is for a small picture,
    which is taken to be the crop of a face. ``notes`` say what was mended in it. Beside
    the squares stand their rows of the table, see :func:`predict_files`.
    """
    (height, width), text, boxes = photo.shape[:2], "", []
    if min(height, width) < SMALL_SIDE and not whole:
        text = f"small ({width} × {height} pixels), so taken as a face as it is"
    elif not whole:
        boxes = find_faces(photo)
        text = "" if boxes else "no face found, so the whole image was taken"
    crops, rows = [], []
    for number, box in enumerate(boxes or [Box(0, 0, height, width)], 1):
        square = square_around(box) if boxes else box
        small, ends = square.width < size, np.add(box[:2], box[2:])
        at_edge = boxes and (min(box[:2]) == 0 or any(ends == photo.shape[:2]))
        crop = clean_square(Image.fromarray(cut(photo, square)), size, colour)
        remarks = [
            text or (f"face {number} of {len(boxes)}" if len(boxes) > 1 else ""),
            "squeezed to a square" if square.height != square.width else "",
            f"only {box.width} pixels wide, enlarged" if boxes and small else "",
            "at the picture's edge, so it may be cut" if at_edge else "",
            FLAT if np.ptp(crop, axis=(0, 1)).max() == 0 else "",
        ]
        kind, note = FACE if boxes else WHOLE, sentence(*remarks, *notes)
        rows.append({"face": number, "region": kind, **box._asdict(), "note": note})
        crops.append(crop)
    return crops, rows


def open_regions(path: str, size: int, whole: bool, colour: bool) -> tuple | str:
    """Do all of this for one file; a file that cannot be used gives a sentence."""
    try:
        image, notes = open_image(read(path))
        return regions_of(np.array(image), size, notes, whole, colour)
    except Rejected as verdict:
        return sentence(f"passed over: {verdict}")


def sentence(*parts: str) -> str:
    """Join the parts that say something into one sentence."""
    text = "; ".join(part for part in parts if part)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def percent(probability: float) -> str:
    """Return a probability as whole per cent, never as certainty."""
    if probability > 0.995:
        return "> 99 %"
    return "< 1 %" if probability < 0.005 else f"{100 * probability:.0f} %"


def find_inputs(names: Iterable[Path | str]) -> list[tuple[str, str]]:
    """List the files behind names of files and of folders, each once.

    Beside each stands ``""``, or a sentence on why there is nothing to look at. Folders
    are walked with everything in them. Whether a file is an image is left to its
    content, but in a folder one with the ending of something else is passed over.
    """
    found = []
    for name in map(os.fspath, names):
        if os.path.isdir(name):  # noqa: PTH112, whatever the text
            found += files_below(Path(name))
        else:
            missing = "There is no such file or folder."
            found.append((name, missing * (not os.path.exists(name))))  # noqa: PTH110
    return list(dict.fromkeys(found))


def files_below(folder: Path) -> list[tuple[str, str]]:
    """List the possible images in a folder, then what was passed over."""
    try:
        tree = Tree(folder)
    except SmartClassError as error:  # it cannot be opened
        return [(str(folder), str(error))]
    empty = ["There is no image in this folder."] * (not tree.files)
    files = [((folder / file).as_posix(), "") for file in tree.files]
    return files + [(str(folder), note) for note in [*empty, *tree.notes("")]]


def predict_files(names: Iterable[Path | str], predictor: Predictor) -> pd.DataFrame:
    """Say of every face in files and folders what it looks like.

    Returns:
        One row a face, the largest of a photograph first: ``file``; ``face``, its
        number from 1; ``region``, "face" or "whole image"; ``top``, ``left``,
        ``height``, ``width``, its box in pixels; ``looks``, the most probable class;
        ``p_<class>``, the probabilities (0…1); ``note``. A file that cannot be used has
        a row with nothing but ``file`` and ``note``.
    """
    rows = rows_by_file(find_inputs(names), predictor)
    return as_table([row for found in rows for row in found], predictor)


def rows_by_file(
    inputs: list[tuple[str, str]], predictor: Predictor, whole: bool = False
) -> Iterator[list[dict]]:
    """Yield the rows of each input in turn; faces are looked for on all cores."""
    names = [name for name, note in inputs if not note]
    classes, asked = predictor.classes, (predictor.image_size, whole, predictor.colour)
    jobs = -1 if len(names) >= PARALLEL_FROM else 1
    opened = joblib.Parallel(jobs, return_as="generator")(
        joblib.delayed(open_regions)(name, *asked) for name in names
    )
    for name, note in inputs:
        regions = note or next(opened)
        if isinstance(regions, str):
            yield [{"file": name, "region": "", "looks": "", "note": regions}]
            continue
        crops, rows = regions
        answers = predictor.probabilities(np.stack(crops))
        for row, answer in zip(rows, answers, strict=True):
            shares = {f"p_{k}": float(p) for k, p in zip(classes, answer, strict=True)}
            row |= {"file": name, "looks": classes[answer.argmax()], **shares}
        yield rows


def as_table(rows: list[dict], predictor: Predictor) -> pd.DataFrame:
    """Return rows as a table whose columns do not depend on what was found."""
    shares = [f"p_{name}" for name in predictor.classes]
    table = pd.DataFrame(rows, columns=[*FIRST, *shares, "note"])
    whole = dict.fromkeys(["face", *Box._fields], "Int64")
    return table.astype({**whole, **dict.fromkeys(shares, "float64")})
