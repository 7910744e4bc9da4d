"""Copies: of the very file; and mirrored, shifted, brighter, compressed again.

The strengths of an image's waves hardly change when it is shifted or mirrored. They
propose pairs; the pixels, laid over each other in every way, decide.
"""

import hashlib
from functools import partial

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import rfft2
from scipy.ndimage import gaussian_filter, zoom
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from skimage.transform import resize_local_mean
from sklearn.neighbors import NearestNeighbors

SIDE, SHIFT = 48, 3  # pixels: of what is compared, per side; largest shift
WAVES = 8  # per side, the longest ones
NEIGHBOURS = 4  # looked at of each image
NEAR = 0.22  # distance of the waves at most; 99 of 100 copies are nearer
BLUR = 2  # pixels; what is larger (light, the shape of a head) does not count
CLOSE = 0.65  # cosine of the rest from which on half pixels are tried
ALIKE = 0.86  # cosine of copies; the nearest different demo faces have 0.858
CHUNK = 256  # images, or pairs of them, at a time


def judge_doubles(table: pd.DataFrame, given_split: bool) -> None:
    """Reject rows that hold one and the same file; only note them if a split is given.

    This changes kind, reason and notes in ``table``, by its file, label and sha256.
    """
    sound = table[table["_kind"] == ""]
    for _, same in sound[sound.duplicated("sha256", keep=False)].groupby("sha256"):
        conflict = same["label"].nunique() > 1
        kind = "same image under different labels" if conflict else "duplicate"
        if given_split:
            note = f"{kind}, kept as the split is given"
            notes = [f"{old}; {note}".removeprefix("; ") for old in same["_notes"]]
            table.loc[same.index, "_notes"] = notes
        elif conflict:
            reason = f"{kind}: {', '.join(same['file'] + ' (' + same['label'] + ')')}"
            table.loc[same.index, ["_kind", "_reason", "_notes"]] = kind, reason, ""
        else:  # the first one stays
            reason = f"{kind} of {same['file'].iloc[0]}"
            table.loc[same.index[1:], ["_kind", "_reason", "_notes"]] = kind, reason, ""


def near_copies(images: np.ndarray) -> np.ndarray:
    """Return the cluster of each image, int (N,): one number for all its near-copies.

    Copies of copies are in one cluster. The memory grows with N.

    Args:
        images: uint8 (N, H, W[, 3]), square; may be mapped from a file.
    """
    digests = [hashlib.sha256(image).hexdigest() for image in images]
    found = pd.factorize(np.array(digests, object))[0]
    parts = np.split(images, range(CHUNK, len(images), CHUNK))
    vectors = np.concatenate([waves(part) for part in parts])
    asking = np.arange(found.max() + 1)
    while len(asking):
        _, first, found = np.unique(found, return_index=True, return_inverse=True)
        pairs = neighbours(vectors[first], asking)  # of clusters, by their first image
        once, where = np.unique(np.sort(pairs), axis=0, return_inverse=True)
        parts = np.split(once, range(CHUNK, len(once), CHUNK))
        alike = [likeness(*images[first[part.T]]) for part in parts]
        pairs = pairs[np.concatenate(alike)[where] >= ALIKE]
        links = np.ones(len(pairs)), tuple(pairs.T)
        graph = coo_array(links, (len(first), len(first)))
        cluster = connected_components(graph, directed=False)[1]
        crowded = np.bincount(pairs[:, 0], minlength=1) >= NEIGHBOURS
        asking = np.unique(cluster[np.flatnonzero(crowded)])  # they may have more
        found = cluster[found]
    return found


def waves(images: np.ndarray) -> np.ndarray:
    """Return how strong the longest waves of images are, float32 (N, 144), length 1.

    These are magnitudes of the Fourier transform, which a shift leaves alone; the two
    that a mirror exchanges are replaced by their sum and difference. A window fades the
    borders of the images, uint8 (N, H, W), out.
    """
    window = np.outer(*[np.hanning(SIDE + 2)[1:-1].astype(np.float32)] * 2)
    small = at_side(images)
    mean = (small * window).sum(axis=(1, 2), keepdims=True) / window.sum()
    strength = np.abs(rfft2((small - mean) * window))  # (N, 48, 25)
    some = slice(1, WAVES + 1)
    one, other = strength[:, some, some], strength[:, : -WAVES - 1 : -1, some]
    straight = [2 * strength[:, 0, some], 2 * strength[:, some, 0]]
    parts = [one + other, np.abs(one - other), *straight]
    parts = [part.reshape(len(small), -1) for part in parts]
    vectors = np.sqrt(np.concatenate(parts, axis=1))
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)


def at_side(images: np.ndarray) -> np.ndarray:
    """Return images at the side at which they are compared, float32 (N, 48, 48)."""
    images = images if images.ndim == 3 else images.mean(axis=3)  # of the colours
    shape = (len(images), SIDE, SIDE)
    return resize_local_mean(images.astype(np.float32), shape, preserve_range=True)


def neighbours(vectors: np.ndarray, asking: np.ndarray) -> np.ndarray:
    """Return pairs of one of ``asking`` and a near one of all, int (P, 2)."""
    n = min(NEIGHBOURS + 1, len(vectors))  # each is its own neighbour
    search = NearestNeighbors(n_neighbors=n, algorithm="brute").fit(vectors)
    distance, index = search.kneighbors(vectors[asking])
    row, which = np.nonzero((distance <= NEAR) & (index != asking[:, None]))
    return np.stack([asking[row], index[row, which]], axis=1)


def likeness(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return how alike the images of pairs are at best, float32 (P,), 0…1.

    That is the cosine between the middle of one image, or of its mirror image, and the
    other one under it, over all shifts, by half pixels if close. Both: uint8 (P, H, W).
    """
    some, others = (at_side(images) for images in (some, others))
    some, others = (x - gaussian_filter(x, (0, BLUR, BLUR)) for x in (some, others))
    middle = some[:, SHIFT:-SHIFT, SHIFT:-SHIFT]  # (P, 42, 42)
    over = np.stack([middle, middle[:, :, ::-1]])[:, :, None, None]
    under = sliding_window_view(others, middle.shape[1:], axis=(1, 2))  # (P, 7, 7, …)
    alike = cosine(over, under).max(axis=(0, 2, 3))
    close = alike >= CLOSE
    fine = zoom(others[close], (1, 2 - 1 / SIDE, 2 - 1 / SIDE), order=2)  # (P, 95, 95)
    under = sliding_window_view(fine, (83, 83), axis=(1, 2))[..., ::2, ::2]
    alike[close] = cosine(over[:, close], under).max(axis=(0, 2, 3))
    return alike


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cosine of images (…, H, W) as vectors; next to 0 where one is flat."""
    dot = partial(np.einsum, "...ij,...ij->...")
    size = np.sqrt(dot(a, a) * dot(b, b))
    return dot(a, b) / np.maximum(size, a.shape[-2] * a.shape[-1])
