"""From pixels of any size to a small square grey image, exactly."""

from functools import lru_cache
from typing import Protocol

import numpy as np
from skimage.color import rgb2gray

STRIPE_PIXELS = 1_000_000  # turned to float at a time, which bounds the memory
COLOUR_STEPS = 10_000  # per grey level: the weights of rgb2gray have four decimals


class Pixels(Protocol):
    """An array, or what can give any of its rows."""

    shape: tuple[int, ...]

    def __getitem__(self, rows: slice) -> np.ndarray: ...


def resized(pixels: Pixels, unit: int, size: int) -> np.ndarray:
    """Make an image grey and square, with the same result on every machine.

    Weights and values are whole numbers below 2**53, so that every product and sum in
    float64 is exact and their order does not matter; the one division at the end is
    rounded once. Down-sizing equals ``skimage.transform.resize_local_mean`` and
    enlarging ``skimage.transform.resize(order=1, mode="edge")``, but for their rounding
    errors.

    Args:
        pixels: grey (H, W), or RGB (H, W, 3) of 8 bits; an array or a part of one at a
            time.
        unit: steps per grey level: 1 for 8 bits, 257 for 16, ``COLOUR_STEPS`` for RGB.
        size: height and width wanted, pixels.

    Returns:
        uint8 (size, size).
    """
    height, width = pixels.shape[:2]
    if (height, width) == (size, size):
        return np.rint(whole_grey(pixels[:height]) / unit).astype(np.uint8)
    down, down_sum = weights(height, size)
    across, across_sum = weights(width, size)
    step = max(1, STRIPE_PIXELS // width)
    total = np.zeros((size, size))
    for top in range(0, height, step):
        stripe = whole_grey(pixels[top : top + step])  # (step, W)
        total += down[:, top : top + step] @ (stripe @ across.T)  # (size, size)
    return np.rint(total / (down_sum * across_sum * unit)).astype(np.uint8)


def whole_grey(pixels: np.ndarray) -> np.ndarray:
    """Return grey levels as whole numbers in float64 (H, W)."""
    if pixels.ndim == 2:
        return pixels.astype(np.float64)
    return np.rint(rgb2gray(pixels) * 255 * COLOUR_STEPS)


@lru_cache(maxsize=128)
def weights(n: int, size: int) -> tuple[np.ndarray, int]:
    """Return how much each of ``n`` pixels counts for each of ``size`` new ones.

    Returns:
        Whole numbers as float64 (size, n), and the sum of every row.
    """
    old, new = np.arange(n), np.arange(size)[:, None]
    if n >= size:  # overlaps of the intervals, in 1/size of an old pixel
        low = np.maximum(old * size, new * n)
        high = np.minimum((old + 1) * size, (new + 1) * n)
        return np.maximum(high - low, 0).astype(np.float64), n
    matrix = np.zeros((size, n))  # linear between pixel centres, in 1/(2·size)
    left, rest = np.divmod((2 * new + 1) * n - size, 2 * size)
    np.add.at(matrix, (new, np.maximum(left, 0)), 2 * size - rest)
    np.add.at(matrix, (new, np.minimum(left + 1, n - 1)), rest)
    return matrix, 2 * size
