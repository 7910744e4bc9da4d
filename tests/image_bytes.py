"""Image files of several tests as bytes, and the cleaning of folders of them."""

import subprocess
import sys

import numpy as np
from PIL import ExifTags, Image

from benchmarks import mutations, processes
from smartclass_utils.config import ROOT

RGB = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)


def encoded(pixels, form="PNG", mode=None, **options):
    image = Image.fromarray(pixels)
    return mutations.encoded(image.convert(mode) if mode else image, form, **options)


def animation(first, *others):
    """Return the images as a moving GIF."""
    others = map(Image.fromarray, others)
    return encoded(first, "GIF", save_all=True, append_images=list(others))


def held(orientation):
    """Return what a camera that was held so writes beside the pixels."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


JPEG = encoded(RGB, "JPEG")
PNG = encoded(RGB)
GREY = RGB[..., 0]


def write_noise(path, seed, size=20, form="PNG"):
    """Write an image of noise, another one for each seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)
    path.write_bytes(encoded(pixels, form))


CLEAN = """
import locale, sys
from contextlib import suppress
with suppress(locale.Error):  # a system without this language
    locale.setlocale(locale.LC_ALL, "")
from smartclass_utils import cleaning, sources
jobs, cleaning.BATCH = map(int, sys.argv[3:])
cleaning.clean(sources.load(sys.argv[1]), sys.argv[2], image_size=16, jobs=jobs)
"""


def start_cleaning(root, out, jobs=2, batch=256, **options):
    """Clean in a process of its own; the options are those of ``Popen``."""
    command = [sys.executable, "-c", CLEAN, root, out, str(jobs), str(batch)]
    return subprocess.Popen(command, cwd=ROOT, **options)


def hashes(folder):
    """Return path → hash of all files but clean.json, which holds the input's key."""
    found = processes.hashes(folder)
    found.pop("clean.json", None)
    return found
