"""Data made up for the benchmarks: the size is what matters, not the content."""

from pathlib import Path

import numpy as np
from PIL import Image

from smartclass_utils.config import CLASSES


def write_images(
    folder: Path, n_images: int, shape: tuple, side: int, ending: str, **options
) -> list[Path]:
    """Write noise of a shape, enlarged to a side, as files in one folder a class."""
    generator = np.random.default_rng(0)
    names = [f"{CLASSES[i % len(CLASSES)]}/{i:06d}.{ending}" for i in range(n_images)]
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(generator.integers(0, 256, shape, dtype=np.uint8))
        image.resize((side, side)).save(path, **options)
    return paths


def write_photos(folder: Path) -> None:
    """Write noise in colour, and a few broken files."""
    write_images(folder, 480, (90, 90, 3), 90, "jpg")
    for name in CLASSES:
        for i in range(5):
            (folder / name / f"broken {i}.jpg").write_bytes(b"\xff\xd8\xff" * i)
