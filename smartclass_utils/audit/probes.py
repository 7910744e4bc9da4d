"""Simple classifiers that see only part of an image, to find out what a part tells.

A *view* turns images into features; a *probe* is a scikit-learn pipeline that learns
the class, or the source, from one view. What a probe can learn from the border of an
image, a network can learn too, and it need not look at the face for it.
"""

from collections.abc import Callable

import numpy as np
from skimage.feature import hog
from skimage.transform import downscale_local_mean
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

LARGEST = 3000  # images a probe learns from; more are drawn down to as many
COMPONENTS = 40  # principal components that a probe sees
HISTOGRAM_BINS = 32
THUMBNAIL = 8  # pixels, height and width


def border(images: np.ndarray) -> np.ndarray:
    """Return the pixels of the outer ninth on each side, float32 (N, P).

    Args:
        images: uint8 (N, H, W).
    """
    edge = max(images.shape[1] // 9, 1)
    outside = np.ones(images.shape[1:], bool)
    outside[edge:-edge, edge:-edge] = False
    return images[:, outside].astype(np.float32)


def thumbnail(images: np.ndarray) -> np.ndarray:
    """Return images averaged down to about 8 × 8 pixels, float32 (N, P)."""
    step = max(images.shape[1] // THUMBNAIL, 1)
    kept = images[:, : images.shape[1] // step * step, : images.shape[2] // step * step]
    small = downscale_local_mean(kept, (1, step, step))  # (N, H / step, W / step)
    return small.reshape(len(images), -1).astype(np.float32)


def histogram(images: np.ndarray) -> np.ndarray:
    """Return the share of pixels in each of 32 bins of intensity, float32 (N, 32)."""
    bins = (images.reshape(len(images), -1) // (256 // HISTOGRAM_BINS)).astype(np.intp)
    offsets = HISTOGRAM_BINS * np.arange(len(images))[:, None]
    counts = np.bincount((bins + offsets).ravel(), minlength=offsets.size * 32)
    return (counts.reshape(len(images), -1) / bins.shape[1]).astype(np.float32)


def gradients(images: np.ndarray) -> np.ndarray:
    """Return histograms of oriented gradients, float32 (N, P): the shapes in an image.

    Dalal and Triggs 2005, doi:10.1109/CVPR.2005.177.
    """
    cell = max(images.shape[1] // 6, 2)
    settings = {"pixels_per_cell": (cell, cell), "cells_per_block": (2, 2)}
    return np.stack([hog(image, **settings) for image in images]).astype(np.float32)


VIEWS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "border only": border,
    "histogram only": histogram,
    "8 × 8 thumbnail": thumbnail,
}


def shown(image: np.ndarray) -> dict[str, np.ndarray]:
    """Return what the first and the last view leave of an image, for a figure.

    Args:
        image: uint8 (H, W).
    """
    edge = max(image.shape[0] // 9, 1)
    outside = image.copy()
    outside[edge:-edge, edge:-edge] = 255
    side = image.shape[0] // max(image.shape[0] // THUMBNAIL, 1)
    small = thumbnail(image[None]).reshape(side, -1)
    return {"border only": outside, "8 × 8 thumbnail": small}


def probe(n_features: int, n_images: int) -> Pipeline:
    """Return a fresh probe: scaling, principal components, a kernel classifier.

    Every class weighs the same, however few images it has.
    """
    components = min(COMPONENTS, n_features, n_images - 1)
    return make_pipeline(
        StandardScaler(),
        PCA(components, random_state=0),
        SVC(C=2.0, class_weight="balanced"),
    )


def second_opinion() -> Pipeline:
    """Return a fresh classifier of gradients that gives probabilities."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))


def draw_down(rows: np.ndarray, largest: int = LARGEST, seed: int = 0) -> np.ndarray:
    """Return at most ``largest`` of the rows, drawn at random, in rising order."""
    if len(rows) <= largest:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, largest, replace=False))
