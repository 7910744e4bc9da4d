"""Pictures that are nearly the same: a hash proposes pairs, the pixels decide."""

import numpy as np
from scipy.fft import dctn
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from smartclass_utils.cleaning.resizing import weights

HASH_SIDE = 8  # bits, height and width of a perceptual hash
SMALL = 32  # pixels, height and width of the image that is hashed
NEAR = 8  # bits of 64 that may differ in a candidate
ALIKE = 0.96  # correlation of the pixels; no two different demo faces reach it
CHUNK = 1024  # images, or pairs, looked at at a time


def perceptual_hash(images: np.ndarray) -> np.ndarray:
    """Return 64 bits an image that small changes leave alone, bool (N, 64).

    The image is reduced to 32 × 32 pixels and taken apart into waves (discrete cosine
    transform); each bit says whether one of the 8 × 8 longest waves is stronger than
    their median. Known as pHash: Zauner 2010, *Implementation and Benchmarking of
    Perceptual Image Hash Functions*. Rounding keeps the bits the same on all machines.

    Args:
        images: uint8 (N, H, W), square.
    """
    bits = np.empty((len(images), HASH_SIDE**2), bool)
    down, total = weights(images.shape[1], SMALL)  # (32, H)
    for start in range(0, len(images), CHUNK):
        part = np.asarray(images[start : start + CHUNK], np.float64)  # (B, H, W)
        small = down @ part @ down.T / total**2  # (B, 32, 32)
        waves = dctn(small, axes=(1, 2))[:, :HASH_SIDE, :HASH_SIDE]
        waves = waves.reshape(len(part), -1).round(3)  # (B, 64)
        bits[start : start + CHUNK] = waves > np.median(waves, axis=1, keepdims=True)
    return bits


def candidates(bits: np.ndarray, near: int = NEAR) -> np.ndarray:
    """Return all pairs whose hashes differ in at most ``near`` bits, int64 (P, 2)."""
    signs = np.where(bits, 1, -1).astype(np.float32)  # (N, 64)
    found = [np.empty((0, 2), np.int64)]
    for start in range(0, len(signs), CHUNK):
        agreement = signs[start : start + CHUNK] @ signs[start:].T
        first, second = np.nonzero(agreement >= bits.shape[1] - 2 * near)
        keep = first < second
        found.append(np.stack([first[keep], second[keep]], axis=1) + start)
    return np.concatenate(found)


def correlation(images: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return the correlation of the pixels of each pair, float64 (P,), −1…1.

    Two flat images count as alike, a flat one and another as unlike.
    """
    values = np.zeros(len(pairs))
    for start in range(0, len(pairs), CHUNK):
        some = pairs[start : start + CHUNK]
        both = images[some.ravel()].reshape(len(some), 2, -1).astype(np.float64)
        both -= both.mean(axis=2, keepdims=True)  # (B, 2, H × W)
        product = (both[:, 0] * both[:, 1]).sum(axis=1)
        size = np.sqrt((both**2).sum(axis=2).prod(axis=1))
        flat = (both == 0).all(axis=(1, 2))
        share = np.divide(product, size, out=np.zeros_like(size), where=size > 0)
        values[start : start + CHUNK] = np.where(flat, 1.0, share)
    return values


def near_pairs(
    images: np.ndarray, near: int = NEAR, alike: float = ALIKE
) -> np.ndarray:
    """Return all pairs of nearly the same picture, int64 (P, 2), first < second.

    A hash alone would raise false alarms among aligned faces. So it only proposes
    pairs; the pixels decide.

    Args:
        images: uint8 (N, H, W), square.
        near: bits of 64 that may differ.
        alike: correlation of the pixels, at least.
    """
    pairs = candidates(perceptual_hash(images), near)
    return pairs[correlation(images, pairs) >= alike]


def clusters(pairs: np.ndarray, n: int) -> np.ndarray:
    """Return the number of the cluster of each of ``n`` images, int32 (n,).

    Images linked by pairs, however indirectly, are one cluster.
    """
    links = (np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1]))
    return connected_components(coo_array(links, shape=(n, n)), directed=False)[1]
