"""Data made up for the benchmarks: the size is what matters, not the content."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from smartclass_utils.config import CLASSES
from smartclass_utils.dataset import CleanData


def write_sources(folder: Path, n_images: int, size: int) -> None:
    """Write noise images of four classes, a different one each, as PNG files."""
    generator = np.random.default_rng(0)
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
    for i in range(n_images):
        pixels = generator.integers(0, 256, (size, size), dtype=np.uint8)
        file = folder / CLASSES[i % len(CLASSES)] / f"{i:06d}.png"
        Image.fromarray(pixels).save(file, compress_level=0)


def write_photos(folder: Path, per_class: int = 240) -> None:
    """Write two classes of noise in colour, and a few broken files."""
    generator = np.random.default_rng(0)
    for label in ("angry", "happy"):
        (folder / label).mkdir(parents=True)
        for i in range(per_class):
            pixels = generator.integers(0, 256, (90, 90, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{i}.jpg")
        for i in range(5):
            (folder / label / f"broken {i}.jpg").write_bytes(b"\xff\xd8\xff" * i)


def clean_data_of(n_images: int, size: int) -> CleanData:
    """Return ``n_images`` random images, all of them in the train split."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (n_images, size, size), dtype=np.uint8)
    labels = [CLASSES[i % len(CLASSES)] for i in range(n_images)]
    table = pd.DataFrame({"label": labels, "split": "train"})
    return CleanData("made up", table, images, CLASSES, "made up", Path())
