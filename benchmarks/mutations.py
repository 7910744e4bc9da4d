"""Image files of every format that is read, and what can be done to their bytes."""

import io
import zlib
from functools import cache
from random import Random

import numpy as np
from PIL import Image

from smartclass_utils.images import FORMATS

HUGE = (0, 1, 4_000, 20_000, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)


@cache
def sound_files() -> tuple[bytes, ...]:
    """Return small sound files: every format in several modes and compressions."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 20, 4), dtype=np.uint8)
    rgba = Image.fromarray(pixels)
    rgb, deep = rgba.convert("RGB"), Image.fromarray(pixels[..., 0].astype("u2") * 257)
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation
    modes = {form: [rgb, rgb.convert("L"), rgb.convert("P")] for form in FORMATS}
    modes["JPEG"][2] = rgb.convert("CMYK")
    modes["PPM"].pop()
    for form in {"WEBP", "AVIF"} & modes.keys():
        modes[form][2] = rgba
    modes["PNG"] += [rgba, rgba.convert("LA"), deep, rgb.convert("1")]
    modes["TIFF"] += [rgba, deep, rgb.convert("1"), rgb.convert("CMYK")]
    kinds = [(image, form, {"exif": exif}) for form in modes for image in modes[form]]
    kinds += [(rgb, "JPEG", {"progressive": True}), (rgb, "PNG", {"interlace": 1})]
    ways = ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")
    kinds += [(rgb, "TIFF", {"compression": way}) for way in ways]
    kinds.append((rgb.convert("1"), "TIFF", {"compression": "group4"}))
    kinds.append((rgba, "WEBP", {"lossless": True}))
    frames = {"save_all": True, "append_images": [rgba.rotate(90), rgba.rotate(180)]}
    kinds += [(rgba, form, frames) for form in ("GIF", "PNG", "TIFF", "WEBP")]
    return tuple(encoded(image, form, **options) for image, form, options in kinds)


def encoded(image: Image.Image, form: str, **options) -> bytes:
    """Return an image as the bytes of a file."""
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def flip_bits(content: bytes, rng: Random) -> bytes:
    """Flip 1 to 20 bits."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 20)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(content: bytes, rng: Random) -> bytes:
    """Keep the beginning only."""
    return content[: rng.randrange(len(content))]


def join_halves(content: bytes, rng: Random) -> bytes:
    """Continue one file with the end of another."""
    other = rng.choice(sound_files())
    return cut(content, rng) + other[rng.randrange(len(other)) :]


def swap_header(content: bytes, rng: Random) -> bytes:
    """Give a file the first bytes of another format."""
    n = rng.randint(4, 64)
    return rng.choice(sound_files())[:n] + content[n:]


def repeat_block(content: bytes, rng: Random) -> bytes:
    """Repeat or drop some bytes in the middle."""
    start, end = sorted(rng.choices(range(len(content)), k=2))
    return content[:start] + content[start:end] * rng.randrange(4) + content[end:]


def put_number(content: bytes, rng: Random, place: int | None = None) -> bytes:
    """Put an extreme number of 2 or 4 bytes at a place, or at any of the first 300."""
    if place is None:
        place = rng.randrange(min(300, len(content)))
    n, number = rng.choice([2, 4]), rng.choice(HUGE)
    written = (number % 256**n).to_bytes(n, rng.choice(["big", "little"]))
    return content[:place] + written + content[place + n :]


def huge_size(content: bytes, rng: Random) -> bytes:
    """Put extreme numbers where the format keeps width and height."""
    places = {b"GIF": (6, 8), b"BM": (18, 22), b"RIF": (24, 27, 26, 28)}
    places[b"\x89PNG"] = (16, 20)
    found = next((v for k, v in places.items() if content.startswith(k)), ())
    if content.startswith(b"\xff\xd8"):  # after the mark of a frame's header
        marks = [content.find(bytes([0xFF, kind])) for kind in (0xC0, 0xC2)]
        found = [mark + 5 + 2 * i for mark in marks if mark > 0 for i in (0, 1)]
    if content[:2] in (b"II", b"MM"):  # after a tag: width, height, rows in a strip
        order = "little" if content[:1] == b"I" else "big"
        tags = [content.find(tag.to_bytes(2, order)) for tag in (256, 257, 278, 279)]
        found = [tag + 8 for tag in tags if tag > 0]
    for place in found:
        if rng.random() < 0.7:
            content = put_number(content, rng, place)
    if content.startswith(b"\x89PNG"):  # whose header has a checksum
        checksum = zlib.crc32(content[12:29]).to_bytes(4, "big")
        content = content[:29] + checksum + content[33:]
    return content


MUTATIONS = (flip_bits, cut, join_halves, swap_header, repeat_block)
MUTATIONS += (put_number, huge_size)


def mutated(seed: int) -> bytes:
    """Return a mutated file, the same for the same seed."""
    rng = Random(seed)
    content = MUTATIONS[seed % len(MUTATIONS)](rng.choice(sound_files()), rng)
    if rng.random() < 0.2:
        content = rng.choice(MUTATIONS)(content or b"\0", rng)
    return content
