"""Cleaning speed against the plain scikit-image loop and bare decoding, in one run."""

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import color, io, transform, util

from smartclass_utils import sources
from smartclass_utils.cleaning import clean
from smartclass_utils.config import CLASSES

IMAGES = 3_000
SIDE = 100  # pixels, as in RAF-DB
COARSE = 12  # random values along a side, smoothed to SIDE
QUALITY = 90  # of the JPEG files
SIZE = 48  # pixels, of a clean image
ROUNDS = 3  # the contestants take turns; the best round of each counts
JOBS = 2
IN_MEMORY = Path("/dev/shm")  # where there is one, so that no disk is measured


def write_faces(folder: Path) -> list[Path]:
    """Write smooth colour noise as JPEG files, in one folder a class."""
    generator = np.random.default_rng(0)
    paths = []
    for i in range(IMAGES):
        noise = generator.integers(0, 256, (COARSE, COARSE, 3), dtype=np.uint8)
        image = Image.fromarray(noise).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        paths.append(folder / CLASSES[i % len(CLASSES)] / f"{i:05d}.jpg")
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        image.save(paths[-1], quality=QUALITY)
    return paths


def plain_loop(paths: list[Path], out: Path) -> None:
    """Do what the report describes, one file after the other."""
    for path in paths:
        grey = color.rgb2gray(io.imread(path))
        small = transform.resize(grey, (SIZE, SIZE), anti_aliasing=True)
        target = out / path.parent.name / f"{path.stem}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        io.imsave(target, util.img_as_ubyte(small), check_contrast=False)


def bare_decoding(paths: list[Path]) -> None:
    """Decode with Pillow and do nothing with the pixels."""
    for path in paths:
        with Image.open(path) as image:
            image.load()


def seconds(work: Callable[[], object]) -> float:
    """Return how long a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run() -> dict:
    """Measure and return images per second and their ratios.

    Ours is everything that chapter 01 does: reading the manifest, starting the
    processes in the first round, hashing, split, PNG files and the array. All
    files lie in memory where the system has a place for that.
    """
    place = IN_MEMORY if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as temporary:
        data, out = Path(temporary, "faces"), Path(temporary, "out")
        paths = write_faces(data)
        contestants = {
            "plain": lambda: plain_loop(paths, out),
            "decoding": lambda: bare_decoding(paths),
            "ours": lambda: clean(sources.load(data), out, image_size=SIZE, jobs=JOBS),
        }
        best = dict.fromkeys(contestants, float("inf"))
        for _ in range(ROUNDS):
            for name, work in contestants.items():
                shutil.rmtree(out, ignore_errors=True)
                best[name] = min(best[name], seconds(work))
    rate = {name: IMAGES / value for name, value in best.items()}
    return {
        "images": IMAGES,
        "plain scikit-image loop, images/s": round(rate["plain"]),
        "bare Pillow decoding, images/s": round(rate["decoding"]),
        f"ours with {JOBS} processes, images/s": round(rate["ours"]),
        "times the plain loop": round(rate["ours"] / rate["plain"], 2),
        "share of bare decoding": round(rate["ours"] / rate["decoding"], 2),
    }


if __name__ == "__main__":
    for key, value in run().items():
        print(f"{key:<40} {value}")
