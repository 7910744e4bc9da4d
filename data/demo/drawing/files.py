"""File names, file types and planted faults of the demo sources."""

import io

import numpy as np
from PIL import Image

FOLDERS = {  # where a source keeps the files of one class
    "rafdb": "rafdb/DATASET/{split}/{folder}/",
    "oahega": "oahega/dataset/{folder}/",
    "fed2023": "fed2023/{split}/{folder}/",
}
TYPES = {"jpg": 0.80, "png": 0.14, "gif": 0.02, "webp": 0.02, "bmp": 0.02}
PNG_FAULTS = ("rgba", "grey16")
PAGE = (
    "<!DOCTYPE html>\n<html><head><title>429 Too Many Requests</title></head>\n"
    "<body><h1>Too many requests</h1><p>Try again later.</p></body></html>\n"
)


def choose_type(source: str, rng: np.random.Generator) -> str:
    """Return a file type; only OAHEGA mixes them."""
    if source != "oahega":
        return "jpg"
    return str(rng.choice(list(TYPES), p=list(TYPES.values())))


def choose_size(source: str, rng: np.random.Generator) -> int:
    """Return height and width in pixels; only OAHEGA mixes them."""
    sizes = {"rafdb": (100, 100), "oahega": (90, 160), "fed2023": (96, 96)}
    low, high = sizes[source]
    return int(rng.integers(low, high + 1))


def name_file(source: str, split: str, folder: str, number: int, form: str, rng) -> str:
    """Return a file's path relative to the demo root, named as the source names it."""
    parent = FOLDERS[source].format(split=split, folder=folder)
    if source == "rafdb":
        digits = 5 if split == "train" else 4
        return f"{parent}{split}_{number:0{digits}}_aligned.jpg"
    if source == "fed2023":
        return f"{parent}{folder.lower()}_{number:04}.jpg"
    ending = form if form in TYPES else "png" if form in PNG_FAULTS else "jpg"
    return f"{parent}{rng.bytes(14).hex()}.{ending}"


def encode(picture: np.ndarray, form: str, quality: int) -> bytes:
    """Return the bytes of an image file, broken or odd if ``form`` says so.

    Args:
        picture: uint8 (H, W, 3), sRGB.
        form: ``jpg``, ``png``, ``gif``, ``webp``, ``bmp``, or a fault: ``truncated``,
            ``empty``, ``html``, ``cmyk``, ``rgba``, ``grey16``.
        quality: of a JPEG file, 1 to 95.
    """
    image = Image.fromarray(picture)
    if form == "empty":
        return b""
    if form == "html":
        return PAGE.encode("utf-8")
    if form == "truncated":
        whole = save(image, "JPEG", quality=quality)
        return whole[: len(whole) * 3 // 5]
    if form == "cmyk":
        return save(image.convert("CMYK"), "JPEG", quality=quality)
    if form == "rgba":
        image.putalpha(rounded_corners(image.width))
        return save(image, "PNG")
    if form == "grey16":
        grey = np.asarray(image.convert("L"), np.uint16) * 257
        return save(Image.fromarray(grey), "PNG")
    if form == "gif":
        return save(image.quantize(256), "GIF")
    if form == "jpg":
        return save(image, "JPEG", quality=quality)
    if form == "webp":
        return save(image, "WEBP", quality=quality)
    return save(image, form.upper())


def save(image: Image.Image, kind: str, **options) -> bytes:
    """Return an image as the bytes of a file."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def rounded_corners(size: int) -> Image.Image:
    """Return an alpha channel that is opaque but for the corners."""
    axis = np.abs(np.linspace(-1, 1, size))
    over = np.clip(axis - 0.75, 0, 1)
    far = np.hypot(over[:, None], over[None, :]) > 0.25
    return Image.fromarray(np.where(far, 0, 255).astype(np.uint8))
