"""Image files of every format that is read, and what can be done to their bytes."""

import io
import zlib
from contextlib import suppress
from functools import lru_cache
from itertools import product

import numpy as np
from PIL import Image

from smartclass_utils.images import FORMATS

Rng = np.random.Generator
HUGE = (0, 1, 4_000, 20_000, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK")
SHAPE = (29, 23)  # pixels, of the sound files
SIDES = (29, 23, 28, 22)  # as files state them; WebP less one


@lru_cache(maxsize=1)
def sound_files() -> tuple[bytes, ...]:
    """Return small sound files: every format in all its modes, and compressions."""
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (*SHAPE, 4), dtype=np.uint8)
    rgba = Image.fromarray(pixels)
    rgb, deep = rgba.convert("RGB"), Image.fromarray(pixels[..., 0].astype("u2") * 257)
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation
    files = [encoded(deep, form, exif=exif) for form in ("PNG", "TIFF")]
    for form, mode in product(FORMATS, MODES):
        with suppress(OSError, ValueError):  # the format does not have this mode
            files.append(encoded(rgba.convert(mode), form, exif=exif))
    ways = ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")
    files += [encoded(rgb, "TIFF", compression=way) for way in ways]
    files.append(encoded(rgb.convert("1"), "TIFF", compression="group4"))
    files.append(encoded(rgb, "JPEG", progressive=True))
    files.append(encoded(rgba, "WEBP", lossless=True))
    frames = {"save_all": True, "append_images": [rgba.rotate(90), rgba.rotate(180)]}
    files += [encoded(rgba, form, **frames) for form in ("GIF", "PNG", "TIFF", "WEBP")]
    return tuple(files)


def encoded(image: Image.Image, form: str, **options) -> bytes:
    """Return an image as the bytes of a file."""
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def flip_bits(content: bytes, rng: Rng) -> bytes:
    """Flip 1 to 20 bits."""
    changed = bytearray(content)
    for place in rng.integers(0, len(changed), rng.integers(1, 21)):
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def cut(content: bytes, rng: Rng) -> bytes:
    """Keep the beginning only."""
    return content[: int(rng.integers(len(content)))]


def join_halves(content: bytes, rng: Rng) -> bytes:
    """Continue one file with the end of another."""
    other = pick(rng)
    start = int(rng.integers(len(other)))
    return cut(content, rng) + other[start:]


def swap_header(content: bytes, rng: Rng) -> bytes:
    """Give a file the first bytes of another format."""
    n = int(rng.integers(4, 65))
    return pick(rng)[:n] + content[n:]


def repeat_block(content: bytes, rng: Rng) -> bytes:
    """Repeat or drop some bytes in the middle."""
    start, end = sorted(rng.integers(0, len(content), 2))
    return content[:start] + content[start:end] * int(rng.integers(4)) + content[end:]


def overwrite_number(content: bytes, rng: Rng) -> bytes:
    """Put an extreme number of 2 or 4 bytes at any place of the first 300 bytes."""
    place, n = int(rng.integers(min(300, len(content)))), int(rng.choice([2, 4]))
    number = extreme(n, str(rng.choice(["big", "little"])), rng)
    return content[:place] + number + content[place + n :]


def extreme(n: int, order: str, rng: Rng) -> bytes:
    """Return an extreme number as so many bytes."""
    return (int(rng.choice(HUGE)) % 256**n).to_bytes(n, order)


def huge_size(content: bytes, rng: Rng) -> bytes:
    """Put extreme numbers where height and width of a sound file stand."""
    order = "big" if content[:1] in (b"\x89", b"\xff", b"\0") else "little"
    for n, side in product((4, 2), SIDES):
        if rng.random() < 0.7:
            content = content.replace(side.to_bytes(n, order), extreme(n, order, rng))
    if content.startswith(b"\x89PNG"):  # its checksum must not give this away
        checksum = zlib.crc32(content[12:29]).to_bytes(4, "big")
        content = content[:29] + checksum + content[33:]
    return content


MUTATIONS = (flip_bits, cut, join_halves, swap_header, repeat_block)
MUTATIONS += (overwrite_number, huge_size)


def pick(rng: Rng) -> bytes:
    """Return one of the sound files."""
    files = sound_files()
    return files[int(rng.integers(len(files)))]


def mutated(seed: int) -> bytes:
    """Return a mutated file, the same for the same seed."""
    rng = np.random.default_rng(seed)
    content = MUTATIONS[seed % len(MUTATIONS)](pick(rng), rng)
    if rng.random() < 0.2:
        content = MUTATIONS[int(rng.integers(len(MUTATIONS)))](content or b"\0", rng)
    return content
