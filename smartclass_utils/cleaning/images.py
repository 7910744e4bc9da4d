"""One image file, whatever is in it, to a small square grey image."""

import io
import os
import re
import warnings
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from skimage.color import rgb2gray

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")
MAX_BYTES = 100 * 2**20  # of a file
MAX_PIXELS = 50_000_000
MIN_SIDE = 8  # pixels
MAX_ASPECT = 4  # longer side over shorter side
STRIPE_PIXELS = 1_000_000  # turned to float at a time, which bounds the memory
ORIENTATION = 0x0112  # EXIF tag
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        pixels, unit = row_pixels(content) if is_row else open_pixels(content, notes)
    array = resized(pixels, unit, size)
    if array.min() == array.max():
        notes.append(FLAT)
    return Decoded(array, tuple(notes))


def row_pixels(content: bytes) -> tuple[np.ndarray, int]:
    """Return the 48×48 pixels that FER2013 writes as numbers."""
    try:
        values = np.array(content.strip(b'" \r\n').split(), dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise Rejected("damaged", "the pixels are no numbers") from error
    if len(values) != FER_SIDE**2 or values.min() < 0 or values.max() > 255:
        raise Rejected("damaged", f"not {FER_SIDE**2} numbers from 0 to 255")
    return values.reshape(FER_SIDE, FER_SIDE), 1


def open_pixels(content: bytes, notes: list[str]) -> tuple[np.ndarray, int]:
    """Decode a file; return its pixels and their steps per grey level of 8 bits."""
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        check_shape(*image.size)
        if image.format != "JPEG" and getattr(image, "is_animated", False):
            notes.append(FIRST_FRAME)
        image.load()
        return unpacked(upright(image, notes), notes, content)
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


def upright(image: Image.Image, notes: list[str]) -> Image.Image:
    """Turn an image as its EXIF orientation says."""
    try:
        turned = image.getexif().get(ORIENTATION, 1) in range(2, 9)
        if turned:
            image = ImageOps.exif_transpose(image)
    except Exception:  # broken EXIF says nothing about the pixels
        notes.append(BAD_EXIF)
        return image
    if turned:
        notes.append(UPRIGHT)
    return image


def unpacked(
    image: Image.Image, notes: list[str], content: bytes
) -> tuple[np.ndarray, int]:
    """Return a loaded image as an array and its steps per grey level of 8 bits."""
    if content.startswith(PNG_START):
        if has_bad_checksum(content):
            raise Rejected("damaged", "a checksum is wrong")
        if PNG_END not in content:
            notes.append(UNFINISHED)
    if image.mode.startswith("I"):
        return deep_pixels(image, notes), 257
    if image.mode == "F":
        raise Rejected("unsupported", "floating-point pixels")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getextrema()[3][0] < 255:
            notes.append(TRANSPARENT)
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    if image.mode == "CMYK":
        notes.append(CMYK)
    if image.mode == "L":
        return np.asarray(image), 1
    return np.asarray(image.convert("RGB")), 10_000


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


def resized(pixels: np.ndarray, unit: int, size: int) -> np.ndarray:
    """Make an image grey and square, with the same result on every machine.

    Weights and values are whole numbers below 2**53, so that every product and sum in
    float64 is exact and their order does not matter; the one division at the end is
    rounded once. Down-sizing equals ``skimage.transform.resize_local_mean`` and
    enlarging ``skimage.transform.resize(order=1, mode="edge")``, but for their rounding
    errors.

    Args:
        pixels: grey (H, W), or RGB (H, W, 3) of 8 bits.
        unit: steps per grey level: 1 for 8 bits, 257 for 16; 10,000 for RGB, as the
            weights of ``rgb2gray`` have four decimals.
        size: height and width wanted, pixels.

    Returns:
        uint8 (size, size).
    """
    height, width = pixels.shape[:2]
    if (height, width) == (size, size):
        return np.rint(whole_grey(pixels) / unit).astype(np.uint8)
    down, down_sum = weights(height, size)
    across, across_sum = weights(width, size)
    step = max(1, STRIPE_PIXELS // width)
    total = np.zeros((size, size))
    for top in range(0, height, step):
        stripe = whole_grey(pixels[top : top + step])  # (step, W)
        total += down[:, top : top + step] @ (stripe @ across.T)  # (size, size)
    return np.rint(total / (down_sum * across_sum * unit)).astype(np.uint8)


def whole_grey(pixels: np.ndarray) -> np.ndarray:
    """Return grey levels as whole numbers in float64 (H, W)."""
    if pixels.ndim == 2:
        return pixels.astype(np.float64)
    return np.rint(rgb2gray(pixels) * 2_550_000)  # 255 levels of 10,000 steps


@lru_cache(maxsize=128)
def weights(n: int, size: int) -> tuple[np.ndarray, int]:
    """Return how much each of ``n`` pixels counts for each of ``size`` new ones.

    Returns:
        Whole numbers as float64 (size, n), and the sum of every row.
    """
    old, new = np.arange(n), np.arange(size)[:, None]
    if n >= size:  # overlaps of the intervals, in 1/size of an old pixel
        low = np.maximum(old * size, new * n)
        high = np.minimum((old + 1) * size, (new + 1) * n)
        return np.maximum(high - low, 0).astype(np.float64), n
    matrix = np.zeros((size, n))  # linear between pixel centres, in 1/(2·size)
    left, rest = np.divmod((2 * new + 1) * n - size, 2 * size)
    np.add.at(matrix, (new, np.maximum(left, 0)), 2 * size - rest)
    np.add.at(matrix, (new, np.minimum(left + 1, n - 1)), rest)
    return matrix, 2 * size
