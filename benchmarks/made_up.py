"""Data made up for the benchmarks: the size is what matters, not the content."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import TensorDataset

from smartclass_utils.config import CLASSES


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


def noise_of(n_images: int, size: int) -> TensorDataset:
    """Return random grey images to learn from, and a label for each."""
    images = torch.randint(0, 256, (n_images, 1, size, size), dtype=torch.uint8)
    return TensorDataset(images, torch.arange(n_images) % len(CLASSES))
