"""One image file, whatever is in it, to a clean square, or the reason why not."""

import io
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError, features
from PIL import PngImagePlugin as Png
from skimage.color import rgb2gray
from skimage.transform import resize, resize_local_mean

from smartclass_utils.config import SmartClassError

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
if features.check("avif"):  # not built into every Pillow
    FORMATS = (*FORMATS, "AVIF")
HEIC = tuple(b"ftyp" + brand for brand in (b"heic", b"heix", b"hevc", b"mif1"))
MAX_BYTES = 50 * 2**20  # of a file
Png.MAX_TEXT_CHUNK = Png.MAX_TEXT_MEMORY = MAX_BYTES
MAX_PIXELS = 25_000_000  # with it no file takes more than 500 MB
MIN_SIDE = 8  # pixels
MAX_ASPECT = 4  # longer side over shorter side

FLAT = "one flat colour"  # every other note says what was mended


class Rejected(Exception):  # noqa: N818, it is a verdict rather than an error
    """An image that cannot be used: the reason in few words, and a detail or ``""``."""

    def __init__(self, kind: str, detail: str = ""):
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind


class CleanImage(NamedTuple):
    """A usable image."""

    pixels: np.ndarray  # uint8 (size, size) or, in colour, (size, size, 3)
    notes: tuple[str, ...]  # what was mended or is worth a look, in few words each


def clean_image(content: bytes, size: int, prepare=None, colour=False) -> CleanImage:
    """Make the bytes of an image file a small square image, grey or in colour.

    The whole picture is resized to the square, as the original report did; a picture
    that is not square is squeezed.

    Args:
        content: the file's bytes.
        size: height and width wanted, pixels.
        prepare: takes the finished square, uint8, and returns another.
        colour: whether to keep red, green and blue.

    Raises:
        Rejected: if the file cannot be used; never anything else, whatever its bytes.
        SmartClassError: if ``prepare`` fails or returns something else.
    """
    with errors_as_verdicts():
        image, notes = open_image(content)
        clean = clean_square(image, size, colour)
    if np.ptp(clean, axis=(0, 1)).max() == 0:
        notes.append(FLAT)
    if prepare is not None:
        clean = prepared(prepare, clean)
    return CleanImage(clean, tuple(notes))


def clean_square(image: Image.Image, size: int, colour: bool = False) -> np.ndarray:
    """Make an image of mode ``L`` or ``RGB`` square, uint8 (size, size) or with 3."""
    if min(image.size) > 8 * size:  # a photograph: averages first save time and memory
        image = image.resize((4 * size, 4 * size), Image.Resampling.BOX)
    pixels = np.asarray(image.convert("RGB") if colour else image)
    grey = pixels.ndim == 3 and not colour  # that is, to become so
    values = rgb2gray(pixels) if grey else pixels / 255  # 0…1, (H, W) or (H, W, 3)
    is_small = min(values.shape[:2]) < size  # else a new pixel is the mean of its area
    shape = (size, size, *values.shape[2:])
    square = (resize if is_small else resize_local_mean)(values, shape)
    # Values at .5 come out the same on every machine, once their last digits are cut.
    return np.rint((255 * square).round(6)).astype(np.uint8)


def open_image(content: bytes) -> tuple[Image.Image, list[str]]:
    """Open an image file: upright, 8 bits, mode ``L`` or ``RGB``; and what was mended.

    Raises:
        Rejected: if the file cannot be used; never anything else, whatever its bytes.
    """
    notes: list[str] = []
    with errors_as_verdicts():
        if content[4:12] in HEIC:  # whatever its name says
            raise Rejected("a HEIC photograph", "save it as JPEG")
        if content[4:12] == b"ftypavif" and "AVIF" not in FORMATS:
            raise Rejected("AVIF", "this Pillow can't read it, save it as JPEG")
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        check_shape(*image.size)  # before the pixels take any memory
        if image.format != "JPEG" and getattr(image, "is_animated", False):
            notes.append("first frame of several")
        image.load()
        if image.format == "PNG":
            check_png(content, notes)
        turn_upright(image, notes)
        if image.mode == "F":
            raise Rejected("unsupported", "floating-point pixels")
        if image.mode.startswith("I"):
            image = eight_bits(image, notes)
        if image.mode == "CMYK":
            notes.append("CMYK converted")
        if image.has_transparency_data:
            image = on_white(image, notes)
        return image if image.mode == "L" else image.convert("RGB"), notes


def read(path: Path | str) -> bytes:
    """Return the bytes of an image file.

    Raises:
        Rejected: if there is no such file, or if it is empty or too large.
    """
    try:
        if not os.path.isfile(path):  # noqa: PTH113, five times quicker than pathlib
            raise Rejected("not a file", "" if os.path.lexists(path) else "it is gone")
        with open(path, "rb") as stream:  # noqa: PTH123, likewise
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise Rejected("cannot be read", error.strerror or "") from error
    if not content:
        raise Rejected("empty")
    if len(content) > MAX_BYTES:
        raise Rejected("too large", f"over {MAX_BYTES // 2**20} MiB")
    return content


@contextmanager
def errors_as_verdicts() -> Iterator[None]:
    """Turn whatever Pillow raises on bad bytes into a verdict."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except Rejected:
        raise
    except (MemoryError, Image.DecompressionBombError) as error:
        raise Rejected("too large") from error
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


def check_png(content: bytes, notes: list[str]) -> None:
    """Refuse a PNG whose pixels fail their checksum, which ``load`` does not test."""
    if b"IEND\xaeB`\x82" not in content:
        notes.append("end mark missing")
    try:
        Image.open(io.BytesIO(content)).verify()
    except (SyntaxError, OSError) as error:
        if "bad header checksum in b'IDAT'" in str(error):  # its other parts may fail
            raise Rejected("damaged", "a checksum is wrong") from error


def turn_upright(image: Image.Image, notes: list[str]) -> None:
    """Turn a loaded image as its EXIF orientation says."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        if orientation in range(2, 9):
            ImageOps.exif_transpose(image, in_place=True)
            notes.append("rotated upright")
    except Exception:  # broken EXIF says nothing about the pixels
        notes.append("unreadable EXIF ignored")


def eight_bits(image: Image.Image, notes: list[str]) -> Image.Image:
    """Return an image of 16 bits in 8; refuse one that does not say what white is."""
    if image.mode == "I" and image.format not in ("PNG", "PPM"):  # 16 bits at most
        raise Rejected("unsupported", "32 bits a pixel, or numbers with a sign")
    values = np.asarray(image)
    if values.max() <= 255:
        raise Rejected("unsupported", "16 bits that hold only 8, so white is unknown")
    notes.append("16 bits scaled to 8")
    scaled = (values.astype(np.uint32) + 128) // 257  # 65535 / 255, rounded
    return Image.fromarray(scaled.astype(np.uint8))


def on_white(image: Image.Image, notes: list[str]) -> Image.Image:
    """Return an image with transparency in RGB, on white."""
    image = image if image.mode == "RGBA" else image.convert("RGBA")
    alpha = image.getchannel("A")
    if alpha.getextrema()[0] < 255:
        notes.append("transparency put on white")
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=alpha)
    return white


def prepared(prepare: Callable, pixels: np.ndarray) -> np.ndarray:
    """Return what the reader's own function makes of a clean image."""
    try:
        result = np.asarray(prepare(pixels.copy()))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise SmartClassError(f"PREPARE fails on a clean image ({reason}).") from error
    if (result.dtype, result.shape) != (pixels.dtype, pixels.shape):
        what = f"PREPARE returns {result.dtype} {result.shape}"
        remedy = f"let it return uint8 {pixels.shape}, as skimage's img_as_ubyte does"
        raise SmartClassError(f"{what}: {remedy}.")
    return result
