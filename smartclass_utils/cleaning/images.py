"""One image file, whatever is in it, to a small square grey image."""

import io
import os
import re
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from smartclass_utils.cleaning.resizing import COLOUR_STEPS, resized

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")
MAX_BYTES = 50 * 2**20  # of a file
MAX_PIXELS = 25_000_000  # with it no file takes more than 500 MB
MIN_SIDE = 8  # pixels
MAX_ASPECT = 4  # longer side over shorter side
ORIENTATION = 0x0112  # EXIF tag
TURNS = {  # its values, and what turns such an image upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_END = b"IEND\xaeB`\x82"
CSV_ROW = re.compile(r"(?P<file>.+\.csv)#(?P<offset>\d+)", re.DOTALL | re.IGNORECASE)
FER_SIDE = 48  # pixels

# What was mended; every other note only flags the image.
TRANSPARENT = "transparency put on white"
FIRST_FRAME = "first frame of several"
UPRIGHT = "rotated upright"
CMYK = "CMYK converted"
DEEP = "16 bits scaled to 8"
UNFINISHED = "end mark missing"
BAD_EXIF = "unreadable EXIF ignored"
MENDING = (TRANSPARENT, FIRST_FRAME, UPRIGHT, CMYK, DEEP, UNFINISHED, BAD_EXIF)
FLAT = "one flat colour"


class Rejected(Exception):  # noqa: N818, it is a verdict rather than an error
    """An image that cannot be used.

    Attributes:
        kind: the reason in few words, the same for all images of its kind.
        detail: what is particular to this one, or ``""``.
    """

    def __init__(self, kind: str, detail: str = ""):
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.detail = detail


@dataclass(frozen=True)
class Decoded:
    """A usable image.

    Attributes:
        array: uint8 (size, size), grey values 0…255.
        notes: what was mended or is worth a look, in few words each.
    """

    array: np.ndarray
    notes: tuple[str, ...]


def decode(path: Path | str, size: int) -> Decoded:
    """Read an image file as a square grey image.

    The whole picture is resized to the square, as the original report did; a picture
    that is not square is squeezed. The grey is scikit-image's ``rgb2gray``. Smaller
    becomes an area average, larger a linear interpolation (:func:`resized`).

    Args:
        path: an image file, or ``fer2013.csv#<offset>`` for the row that starts there.
        size: height and width wanted, pixels.

    Raises:
        Rejected: if the file cannot be used; never anything else, whatever its bytes.
    """
    return decode_bytes(read(path), size, is_row=csv_row(path) is not None)


def csv_row(path: Path | str) -> re.Match | None:
    """Tell ``fer2013.csv#<offset>`` from the name of a file."""
    row = CSV_ROW.fullmatch(str(path))
    return row if row and not Path(path).exists() else None


def read(path: Path | str) -> bytes:
    """Return the bytes that hold an image: a file's, or the pixels of a CSV row.

    Raises:
        Rejected: if there is no such file, or if it is empty or too large.
    """
    row = csv_row(path)
    try:
        if row:
            with Path(row["file"]).open("rb") as stream:
                stream.seek(int(row["offset"]))
                return max(stream.readline(MAX_BYTES).split(b","), key=len)
        if not os.path.isfile(path):  # noqa: PTH113, five times quicker than pathlib
            missing = not os.path.lexists(path)
            raise Rejected("not a file", "it is gone" if missing else "")
        with open(path, "rb") as stream:  # noqa: PTH123, likewise
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise Rejected("cannot be read", error.strerror or "") from error
    if not content:
        raise Rejected("empty")
    if len(content) > MAX_BYTES:
        raise Rejected("too large", f"over {MAX_BYTES // 2**20} MiB")
    return content


def decode_bytes(content: bytes, size: int, is_row: bool = False) -> Decoded:
    """Do the work of :func:`decode` on the bytes that :func:`read` returned."""
    notes: list[str] = []
    if is_row:
        array = resized(row_pixels(content), 1, size)
    else:

        def small(image: Image.Image, turn: Image.Transpose | None) -> np.ndarray:
            array = resized(*grey_or_colour(image, notes, content), size)
            # Resizing treats all sides alike, so that turning the small image will do.
            return array if turn is None else turned(array, turn)

        array = opened(content, notes, small)
    if array.min() == array.max():
        notes.append(FLAT)
    return Decoded(array, tuple(notes))


def decode_pixels(content: bytes) -> tuple[np.ndarray, int, list[str]]:
    """Return a whole picture upright, its steps per grey level, and the notes."""
    notes: list[str] = []

    def whole(
        image: Image.Image, turn: Image.Transpose | None
    ) -> tuple[np.ndarray, int]:
        upright = image if turn is None else image.transpose(turn)
        pixels, unit = grey_or_colour(upright, notes, content)
        return pixels[: upright.height], unit

    return *opened(content, notes, whole), notes


def turned(array: np.ndarray, turn: Image.Transpose) -> np.ndarray:
    """Turn a small grey image, uint8 (H, W)."""
    return np.array(Image.fromarray(array).transpose(turn))


def row_pixels(content: bytes) -> np.ndarray:
    """Return the 48×48 pixels that FER2013 writes as numbers."""
    try:
        values = np.array(content.strip(b'" \r\n').split(), dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise Rejected("damaged", "the pixels are no numbers") from error
    if len(values) != FER_SIDE**2 or values.min() < 0 or values.max() > 255:
        raise Rejected("damaged", f"not {FER_SIDE**2} numbers from 0 to 255")
    return values.reshape(FER_SIDE, FER_SIDE)


def opened(content: bytes, notes: list[str], use: Callable):
    """Load a file and return what ``use(image, turn)`` makes of it.

    Raises:
        Rejected: if the file cannot be used; never anything else, whatever its bytes.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            check_shape(*image.size)
            if image.format != "JPEG" and getattr(image, "is_animated", False):
                notes.append(FIRST_FRAME)
            image.load()
            return use(image, turn_of(image, notes))
    except Rejected:
        raise
    except MemoryError as error:
        raise Rejected("too large", "not enough memory") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Rejected("too large", f"over {MAX_PIXELS // 10**6} megapixels") from error
    except UnidentifiedImageError as error:
        raise Rejected("not an image") from error
    except Exception as error:  # Pillow's readers raise almost anything on bad bytes
        cut = "truncated" in str(error) or isinstance(error, EOFError)
        raise Rejected("truncated" if cut else "damaged") from error


def check_shape(width: int, height: int) -> None:
    """Refuse a shape before its pixels take any memory."""
    shape = f"{width} × {height} pixels"
    if width * height > MAX_PIXELS:
        raise Rejected("too large", shape)
    if min(width, height) < MIN_SIDE:
        raise Rejected("too small", shape)
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise Rejected("too elongated", shape)


def turn_of(image: Image.Image, notes: list[str]) -> Image.Transpose | None:
    """Return how to turn an image upright, as its EXIF orientation says."""
    try:
        turn = TURNS.get(image.getexif().get(ORIENTATION))
    except Exception:  # broken EXIF says nothing about the pixels
        notes.append(BAD_EXIF)
        return None
    if turn is not None:
        notes.append(UPRIGHT)
    return turn


def grey_or_colour(
    image: Image.Image, notes: list[str], content: bytes
) -> "tuple[np.ndarray | ColourRows, int]":
    """Return a loaded image as :func:`resized` takes it, and its steps a grey level."""
    if content.startswith(PNG_START):
        if has_bad_checksum(content):
            raise Rejected("damaged", "a checksum is wrong")
        if PNG_END not in content:
            notes.append(UNFINISHED)
    if image.mode.startswith("I"):
        return deep_pixels(image, notes), 257
    if image.mode == "F":
        raise Rejected("unsupported", "floating-point pixels")
    if image.mode == "L" and not image.has_transparency_data:
        return np.asarray(image), 1
    if image.mode == "CMYK":
        notes.append(CMYK)
    return ColourRows(image, notes), COLOUR_STEPS


class ColourRows:
    """Any image as rows of RGB, converted when they are asked for.

    A copy of a large image in RGBA, another on white and a third in RGB would take four
    times its memory.
    """

    def __init__(self, image: Image.Image, notes: list[str]):
        self.image, self.notes = image, notes
        self.shape = (image.height, image.width, 3)

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Return some rows, uint8 (n, W, 3); transparent pixels become white."""
        top, bottom, _ = rows.indices(self.image.height)
        part = self.image
        if bottom - top < self.image.height:
            part = part.crop((0, top, self.image.width, bottom))
        if self.image.has_transparency_data:
            part = part.convert("RGBA")
            if part.getextrema()[3][0] < 255 and TRANSPARENT not in self.notes:
                self.notes.append(TRANSPARENT)
            white = Image.new("RGBA", part.size, "white")
            part = Image.alpha_composite(white, part)
        return np.asarray(part.convert("RGB"))


def deep_pixels(image: Image.Image, notes: list[str]) -> np.ndarray:
    """Return grey values of 16 bits, whose white is 65535.

    Nothing in a file says what white is in 32 bits, nor that somebody stored 8 bits in
    16. Such a picture would come out nearly black, so that it is refused.
    """
    if image.mode == "I" and image.format != "PNG":  # PNG has no more than 16 bits
        raise Rejected("unsupported", "32 bits a pixel, or numbers with a sign")
    values = np.asarray(image)
    if values.max() <= 255:
        raise Rejected("unsupported", "16 bits that hold only 8, so white is unknown")
    notes.append(DEEP)
    return values


def has_bad_checksum(content: bytes) -> bool:
    """Return whether pixels of a PNG fail their checksum; Pillow tests the rest."""
    place = len(PNG_START)
    while len(content) >= place + 12:  # length, name, data, checksum
        end = place + 8 + int.from_bytes(content[place : place + 4], "big")
        name, checksum = content[place + 4 : place + 8], content[end : end + 4]
        found = zlib.crc32(content[place + 4 : end]) if name == b"IDAT" else None
        if found is not None and found.to_bytes(4, "big") != checksum:
            return True
        place = end + 4
    return False
