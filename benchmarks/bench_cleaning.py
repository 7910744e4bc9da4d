"""Cleaning speed against the plain scikit-image loop, in one run."""

import shutil
import tempfile
import timeit
from pathlib import Path

from skimage import color, io, transform, util

from benchmarks.made_up import write_images
from smartclass_utils import sources
from smartclass_utils.cleaning import clean

IMAGES = 3_000
SIDE = 100  # pixels, as in RAF-DB
COARSE = (12, 12, 3)  # random values of an image, smoothed to SIDE
SIZE = 48  # pixels, of a clean image
ROUNDS = 3  # the contestants take turns; the best round of each counts
JOBS = 2
IN_MEMORY = Path("/dev/shm")  # where there is one, so that no disk is measured


def plain_loop(paths: list[Path], out: Path) -> None:
    """Do what the report describes, one file after the other."""
    for path in paths:
        grey = color.rgb2gray(io.imread(path))
        small = transform.resize(grey, (SIZE, SIZE), anti_aliasing=True)
        target = out / path.parent.name / f"{path.stem}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        io.imsave(target, util.img_as_ubyte(small), check_contrast=False)


def run() -> dict:
    """Return images per second and their ratios; ours is everything in chapter 1."""
    place = IN_MEMORY if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as temporary:
        data, out = Path(temporary, "faces"), Path(temporary, "out")
        paths = write_images(data, IMAGES, COARSE, SIDE, "jpg", quality=90)
        contestants = {
            "plain": lambda: plain_loop(paths, out),
            "ours": lambda: clean(sources.load(data), out, image_size=SIZE, jobs=JOBS),
        }
        rate = dict.fromkeys(contestants, 0.0)
        for _ in range(ROUNDS):
            for name, work in contestants.items():
                shutil.rmtree(out, ignore_errors=True)
                rate[name] = max(rate[name], IMAGES / timeit.timeit(work, number=1))
    return {
        "images": IMAGES,
        "plain scikit-image loop, images/s": round(rate["plain"]),
        f"ours with {JOBS} processes, images/s": round(rate["ours"]),
        "times the plain loop": round(rate["ours"] / rate["plain"], 2),
    }
