"""Cleaning, killed at random moments and run again: is the result what it would be."""

import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.killing import finish, hashes, kill_after

KILLS = 50
IMAGES = 240  # of each of two classes
OLDER_SIZE, SIZE = 20, 24  # pixels; the older clean folder is to be replaced
CHILD = """
import sys
from smartclass_utils import cleaning
from smartclass_utils.sources import load
cleaning.BATCH = 20
print("ready", flush=True)
size = int(sys.argv[3])
cleaning.clean(load(sys.argv[1]), sys.argv[2], image_size=size, progress=False)
"""


def write_photos(folder: Path) -> None:
    """Write two classes of noise and a few broken files."""
    generator = np.random.default_rng(0)
    for label in ("angry", "happy"):
        (folder / label).mkdir(parents=True)
        for i in range(IMAGES):
            pixels = generator.integers(0, 256, (90, 90, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{i}.jpg")
        for i in range(5):
            (folder / label / f"broken {i}.jpg").write_bytes(b"\xff\xd8\xff" * i)


def state_of(out: Path, old: dict, new: dict) -> str:
    """Return which of the two sets lies under the final name, or that it is neither."""
    aside = out.with_name(f".{out.name}.old")
    if not out.exists():
        return "aside" if hashes(aside) == old else "half"
    found = hashes(out)
    return "old" if found == old else "new" if found == new else "half"


def run(n_kills: int = KILLS) -> dict:
    """Kill cleanings at random moments; return what lay there, then and at the end."""
    moments = random.Random(0)
    states: Counter = Counter()
    different = 0
    with tempfile.TemporaryDirectory() as folder:
        data, made = Path(folder, "photos"), Path(folder, "made")
        write_photos(data)
        seconds, _ = finish(CHILD, data, made / "new", SIZE)
        finish(CHILD, data, made / "old", OLDER_SIZE)
        old, new = hashes(made / "old"), hashes(made / "new")
        for number in range(n_kills):
            out = Path(folder, str(number), "clean")
            shutil.copytree(made / "old", out)
            moment = moments.uniform(0, 1.1 * seconds)
            states[kill_after(moment, CHILD, data, out, SIZE)] += 1
            states[state_of(out, old, new)] += 1
            finish(CHILD, data, out, SIZE)
            left = {path.name for path in out.parent.iterdir()}
            different += hashes(out) != new or left != {"clean", ".clean.lock"}
            shutil.rmtree(out.parent)
    return {
        "kills": n_kills,
        "before the end": states["killed"],
        "older set whole": states["old"] + states["aside"],
        "new set whole": states["new"],
        "half a set under its name": states["half"],
        "other result after a rerun": different,
        "undisturbed run, s": round(seconds, 1),
    }
