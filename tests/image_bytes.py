"""Image files of several tests, as bytes."""

import io
import zlib

import numpy as np
from PIL import Image

from smartclass_utils.cleaning.images import PNG_START

RGB = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)


def encoded(pixels, form="PNG", mode=None, **options):
    image = Image.fromarray(pixels)
    stream = io.BytesIO()
    (image.convert(mode) if mode else image).save(stream, form, **options)
    return stream.getvalue()


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def chunk(name, data):
    checksum = zlib.crc32(name + data).to_bytes(4, "big")
    return len(data).to_bytes(4, "big") + name + data + checksum


def white_png(side):
    """Return a sound one-bit PNG of side × side pixels, in a few kilobytes."""
    head = side.to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
    row = bytes([0]) + bytes([255]) * -(-side // 8)
    packer = zlib.compressobj(1)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", data), chunk(b"IEND", b""))
    return PNG_START + b"".join(parts)


JPEG = encoded(RGB, "JPEG")
PNG = encoded(RGB)
GREY = RGB[..., 0]
IDAT = PNG.index(b"IDAT")
IDAT_END = IDAT + 4 + int.from_bytes(PNG[IDAT - 4 : IDAT], "big")
