"""Pictures that are nearly the same: a hash proposes pairs, the pixels decide."""

from collections.abc import Iterator

import numpy as np
from scipy.fft import dctn

from smartclass_utils.cleaning.resizing import weights

HASH_SIDE = 8  # bits, height and width of a perceptual hash
SMALL = 32  # pixels, height and width of the image that is hashed
NEAR = 8  # bits of 64 that may differ in a candidate
ALIKE = 0.96  # correlation of the pixels; no two different demo faces reach it
CHUNK = 128  # images, or pairs of them, looked at at a time
BLOCK = (64, 4096)  # hashes compared with hashes at a time; 2 MiB fit a cache


def perceptual_hash(images: np.ndarray) -> np.ndarray:
    """Return 64 bits an image that small changes leave alone, uint64 (N,).

    The image is reduced to 32 × 32 pixels and taken apart into waves (discrete cosine
    transform); each bit says whether one of the 8 × 8 longest waves is stronger than
    their median. Known as pHash: Zauner 2010, *Implementation and Benchmarking of
    Perceptual Image Hash Functions*. Rounding keeps the bits the same on all machines.

    Args:
        images: uint8 (N, H, W), square.
    """
    hashes = np.empty(len(images), np.uint64)
    down, total = weights(images.shape[1], SMALL)  # (32, H)
    for start in range(0, len(images), CHUNK):
        part = np.asarray(images[start : start + CHUNK], np.float64)  # (B, H, W)
        small = down @ part @ down.T / total**2  # (B, 32, 32)
        waves = dctn(small, axes=(1, 2))[:, :HASH_SIDE, :HASH_SIDE]
        waves = waves.reshape(len(part), -1).round(3)  # (B, 64)
        bits = waves > np.median(waves, axis=1, keepdims=True)
        hashes[start : start + CHUNK] = np.packbits(bits, axis=1).view(np.uint64)[:, 0]
    return hashes


def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return in how many of their 64 bits hashes differ, uint8, shapes broadcast."""
    return np.bitwise_count(a ^ b)


class Partition:
    """Images 0…n-1 in clusters, at first each in one of its own.

    Every image points to one of its cluster with a lower or the same number, and the
    way ends at the lowest, the root (a disjoint-set forest).
    """

    def __init__(self, n: int):
        self.parent = np.arange(n)

    def roots(self, of: np.ndarray) -> np.ndarray:
        """Return the root of the cluster of each image in ``of``, in its shape."""
        found = self.parent[of]
        while (self.parent[found] != found).any():
            found = self.parent[found]
        self.parent[of] = found  # a shorter way for the next time
        return found

    def apart(self, pairs: np.ndarray) -> np.ndarray:
        """Return whether the two of each pair (P, 2) are in two clusters, bool (P,)."""
        first, second = self.roots(pairs).T
        return first != second

    def join(self, pairs: np.ndarray) -> None:
        """Make one cluster of those of the two images of each pair, int (P, 2)."""
        while len(pairs):
            pairs = self.roots(pairs[self.apart(pairs)])
            np.minimum.at(self.parent, pairs.max(axis=1), pairs.min(axis=1))

    def numbers(self) -> np.ndarray:
        """Return the number of the cluster of each image, int64 (n,), from 0 on."""
        roots = self.roots(np.arange(len(self.parent)))
        return np.unique(roots, return_inverse=True)[1]


def candidates(
    hashes: np.ndarray, near: int = NEAR, known: Partition | None = None
) -> Iterator[np.ndarray]:
    """Yield all pairs whose hashes differ in at most ``near`` bits, some at a time.

    Every hash is compared with every other, block by block, so that the memory does
    not grow with their number; the time grows with its square.

    Args:
        hashes: uint64 (N,).
        near: bits of 64 that may differ.
        known: leave out pairs that are in one cluster here, when their turn comes.

    Yields:
        int64 (P, 2), first < second.
    """
    rows = np.arange(len(hashes))
    for top in range(0, len(hashes), BLOCK[0]):
        down = rows[top : top + BLOCK[0], None]  # (R, 1)
        for left in range(top, len(hashes), BLOCK[1]):
            across = rows[left : left + BLOCK[1]]  # (C,)
            close = distance(hashes[down], hashes[across]) <= near  # (R, C)
            if known and close.any():
                close &= known.roots(down) != known.roots(across)
            first, second = np.divmod(np.flatnonzero(close), len(across))
            pairs = np.stack([first + top, second + left], axis=1)
            yield pairs[pairs[:, 0] < pairs[:, 1]]


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
    """Return all sorted pairs of nearly the same picture, int64 (P, 2), first < second.

    A hash alone would raise false alarms among aligned faces. So it only proposes
    pairs; the pixels decide. Of N images that are all alike there are N² / 2 pairs;
    :func:`near_clusters` needs no more memory for them than for others.

    Args:
        images: uint8 (N, H, W), square.
        near: bits of 64 that may differ.
        alike: correlation of the pixels, at least.
    """
    found = [np.empty((0, 2), np.int64)]
    for pairs in candidates(perceptual_hash(images), near):
        found.append(pairs[correlation(images, pairs) >= alike])
    pairs = np.concatenate(found)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def clusters(pairs: np.ndarray, n: int) -> np.ndarray:
    """Return the number of the cluster of each of ``n`` images, int64 (n,).

    Images linked by pairs, however indirectly, are one cluster.
    """
    partition = Partition(n)
    partition.join(pairs)
    return partition.numbers()


def near_clusters(
    images: np.ndarray, near: int = NEAR, alike: float = ALIKE
) -> np.ndarray:
    """Return the cluster of nearly equal pictures of each image, int64 (N,).

    They are those of the :func:`near_pairs`, found without holding the pairs and
    without looking at two images that are known to be in one cluster.

    Args:
        images: uint8 (N, H, W), square.
        near: bits of 64 that may differ.
        alike: correlation of the pixels, at least.
    """
    partition = Partition(len(images))
    for pairs in candidates(perceptual_hash(images), near, partition):
        while len(pairs):
            _, chosen = np.unique(pairs[:, 1], return_index=True)  # one a second image
            some = pairs[chosen]
            partition.join(some[correlation(images, some) >= alike])
            rest = np.delete(pairs, chosen, axis=0)
            pairs = rest[partition.apart(rest)]
    return partition.numbers()
