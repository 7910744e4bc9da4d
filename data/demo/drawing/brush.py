"""Tools to paint with: soft edges, hills, noise and layers on a grid of pixels.

Distances are in head units (the eyes lie about 0.7 apart). Arrays are float32 of shape
(H, W); pictures are float32 (3, H, W) in linear light, where 1 is white.
"""

import numpy as np
from PIL import Image

GRID = 200  # pixels, height and width of the supersampled picture


def coverage(distance: np.ndarray, width: float = 0.02) -> np.ndarray:
    """Return 1 inside, 0 outside and a soft step ``width`` head units wide."""
    step = np.clip(0.5 - distance / width, 0, 1)
    return step * step * (3 - 2 * step)


def bump(x: np.ndarray, y: np.ndarray, wide: float, high: float) -> np.ndarray:
    """Return a Gaussian hill of height 1 at the origin."""
    return np.exp(-((x * (1 / wide)) ** 2) - (y * (1 / high)) ** 2)


def ramp(value: np.ndarray, start: float, end: float) -> np.ndarray:
    """Return 0 before ``start``, 1 after ``end`` and a smooth step between them."""
    step = np.clip((value - start) / (end - start), 0, 1)
    return step * step * (3 - 2 * step)


def rows_between(y: np.ndarray, low: float, high: float) -> slice:
    """Return the rows of pixels that hold heights between two, to save work."""
    rows = np.flatnonzero(((y > low) & (y < high)).any(axis=1))
    return slice(rows[0], rows[-1] + 1) if len(rows) else slice(0, 0)


def noise(
    rng: np.random.Generator, cells: int | tuple[int, int], rows: int = GRID
) -> np.ndarray:
    """Return smooth noise (rows, GRID), mean 0 and deviation near 1."""
    shape = (cells, cells) if isinstance(cells, int) else cells
    small = Image.fromarray(rng.standard_normal(shape, dtype=np.float32))
    return np.asarray(small.resize((GRID, GRID), Image.Resampling.BICUBIC))[:rows]


def linear(colour) -> np.ndarray:
    """Return an sRGB colour (0 to 255) in linear light, float32 (3, 1, 1)."""
    return (np.array(colour, np.float32) / 255)[:, None, None] ** 2.2


def tint(factors) -> np.ndarray:
    """Return three factors for red, green and blue, float32 (3, 1, 1)."""
    return np.array(factors, np.float32)[:, None, None]


def over(picture: np.ndarray, colour, alpha: np.ndarray) -> None:
    """Lay a colour over a picture, in place, where ``alpha`` (H, W) says so."""
    if not isinstance(colour, np.ndarray):
        colour = tint(colour)
    picture += alpha * (colour - picture)
