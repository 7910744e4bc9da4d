"""From a photograph to the small grey squares that a network takes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smartclass_utils.cleaning.images import (
    FLAT,
    Rejected,
    decode_pixels,
    read,
)
from smartclass_utils.cleaning.resizing import COLOUR_STEPS, resized
from smartclass_utils.predict.faces import (
    MARGIN,
    Box,
    cut,
    find_faces,
    square_around,
)

FACE = "face"
WHOLE = "whole image"
SMALL_SIDE = 128  # pixels; a smaller picture is taken to be the crop of a face


@dataclass(frozen=True)
class Photo:
    """A decoded photograph.

    Attributes:
        pixels: grey (H, W), or RGB (H, W, 3) of 8 bits, upright.
        unit: steps per grey level, as ``cleaning.images.resized`` takes them.
        notes: what was mended, in few words each.
    """

    pixels: np.ndarray
    unit: int
    notes: tuple[str, ...] = ()

    @property
    def shown(self) -> np.ndarray:
        """The photograph in 8 bits, uint8 (H, W) or (H, W, 3)."""
        if self.pixels.dtype == np.uint8:
            return self.pixels
        return np.rint(self.pixels / self.unit).astype(np.uint8)


@dataclass(frozen=True)
class Region:
    """The part of a photograph that a network is asked about.

    Attributes:
        kind: :data:`FACE` or :data:`WHOLE`.
        box: the face as it was found, or the whole photograph.
        square: what the network sees: the box with its margin, or the photograph.
        crop: uint8 (size, size), the network's input.
        note: sentences on what the reader should know, or ``""``.
    """

    kind: str
    box: Box
    square: Box
    crop: np.ndarray
    note: str


def read_photo(path: Path | str) -> Photo:
    """Decode an image file with the cleaning's own decoder.

    Raises:
        Rejected: if the file cannot be used; never anything else, whatever its bytes.
    """
    pixels, unit, notes = decode_pixels(read(path))
    return Photo(pixels, unit, tuple(notes))


def photo_of(pixels: np.ndarray) -> Photo:
    """Return an array as a photograph: uint8, grey (H, W) or RGB (H, W, 3)."""
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
        raise ValueError(f"not a photograph: {pixels.dtype} {pixels.shape}")
    return Photo(pixels, 1 if pixels.ndim == 2 else COLOUR_STEPS)


def regions_of(
    photo: Photo, size: int, margin: float = MARGIN, whole: bool = False
) -> list[Region]:
    """Return what a network is shown of a photograph: its faces, or all of it.

    Every region goes the way of chapter 1: grey, then resized. Where no face is found
    the whole photograph is squeezed to a square, as the cleaning does. So is a small
    picture, which is taken to be the crop of a face already, as the data sets hold it.

    Args:
        photo: from :func:`read_photo` or :func:`photo_of`.
        size: height and width that the network takes, pixels.
        margin: side of the square that is cut out, as a multiple of the face's box.
        whole: whether to take the whole photograph without looking for a face.
    """
    height, width = photo.pixels.shape[:2]
    if whole:
        return [whole_region(photo, size, "")]
    if min(height, width) < SMALL_SIDE:
        text = f"small ({width} × {height} pixels), so taken as a face as it is"
        return [whole_region(photo, size, text)]
    boxes = find_faces(photo.shown)
    if not boxes:
        text = "no face found, so the whole image was taken"
        return [whole_region(photo, size, text)]
    n = len(boxes)
    which = [f"face {i} of {n}" if n > 1 else "" for i in range(1, n + 1)]
    return [
        face_region(photo, box, size, margin, text)
        for box, text in zip(boxes, which, strict=True)
    ]


def face_region(photo: Photo, box: Box, size: int, margin: float, text: str) -> Region:
    """Cut one face out of a photograph."""
    square = square_around(box, margin)
    crop = resized(cut(photo.pixels, square), photo.unit, size)
    small = square.width < size
    coarse = f"only {box.width} pixels wide, enlarged" if small else ""
    return Region(FACE, box, square, crop, sentence(text, coarse, *photo.notes))


def whole_region(photo: Photo, size: int, text: str) -> Region:
    """Take all of a photograph."""
    box = Box(0, 0, *photo.pixels.shape[:2])
    crop = resized(photo.pixels, photo.unit, size)
    squeezed = "" if box.height == box.width else "squeezed to a square"
    flat = FLAT if crop.min() == crop.max() else ""
    note = sentence(text, squeezed, flat, *photo.notes)
    return Region(WHOLE, box, box, crop, note)


def sentence(*parts: str) -> str:
    """Join the parts that say something into one sentence."""
    text = "; ".join(part for part in parts if part)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def percent(probability: float) -> str:
    """Return a probability as whole per cent, never as certainty."""
    if probability > 0.995:
        return "> 99 %"
    return "< 1 %" if probability < 0.005 else f"{100 * probability:.0f} %"


def open_regions(
    path: str, size: int, margin: float, whole: bool
) -> list[Region] | str:
    """Do all of this for one file; a file that cannot be used gives a sentence."""
    try:
        return regions_of(read_photo(path), size, margin, whole)
    except Rejected as verdict:
        return sentence(f"passed over: {verdict}")
    except MemoryError:
        return "Passed over: not enough memory."
