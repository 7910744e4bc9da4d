"""Data made up for the benchmarks: the size is what matters, not the content."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from smartclass_utils.config import CLASSES
from smartclass_utils.dataset import CleanData


def write_images(
    folder: Path, n_images: int, shape: tuple, side: int, ending: str, **options
) -> list[Path]:
    """Write noise of a shape, enlarged to a side, as files in one folder a class."""
    generator = np.random.default_rng(0)
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
    names = [f"{CLASSES[i % len(CLASSES)]}/{i:06d}.{ending}" for i in range(n_images)]
    for name in names:
        image = Image.fromarray(generator.integers(0, 256, shape, dtype=np.uint8))
        image.resize((side, side)).save(folder / name, **options)
    return [folder / name for name in names]


def write_photos(folder: Path) -> None:
    """Write noise in colour, and a few broken files."""
    write_images(folder, 480, (90, 90, 3), 90, "jpg")
    for name in CLASSES:
        for i in range(5):
            (folder / name / f"broken {i}.jpg").write_bytes(b"\xff\xd8\xff" * i)


def clean_data_of(n_images: int, size: int) -> CleanData:
    """Return ``n_images`` random images, all of them in the train split."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (n_images, size, size), dtype=np.uint8)
    labels = [CLASSES[i % len(CLASSES)] for i in range(n_images)]
    table = pd.DataFrame({"label": labels, "split": "train"})
    return CleanData("made up", table, images, CLASSES, "made up", Path())
