"""The test images as the network sees them: a map of its last hidden layer."""

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

PERPLEXITY = 30  # neighbours that a point minds, about
KEPT = 50  # principal components that t-SNE reads
MOST = 2000  # points; t-SNE takes much longer with more, and the eye sees no more


def choose_rows(n: int, seed: int, most: int = MOST) -> np.ndarray:
    """Return which of ``n`` images to draw, int64, in rising order; all if few."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def project(features: np.ndarray, seed: int) -> np.ndarray:
    """Lay points out on a plane so that neighbours stay neighbours.

    Principal components first, then t-SNE (van der Maaten and Hinton 2008). What is
    close together was close together; distances between groups and their sizes mean
    nothing.

    Args:
        features: float (n, D), n of 3 or more.
        seed: of t-SNE.

    Returns:
        float32 (n, 2).
    """
    n, width = features.shape
    reduced = PCA(min(KEPT, n, width), random_state=seed).fit_transform(features)
    perplexity = min(PERPLEXITY, (n - 1) / 3)
    plane = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    with threadpool_limits(1):  # so few points keep threads waiting for each other
        return plane.fit_transform(reduced)


def neighbours_alike(features: np.ndarray, labels: np.ndarray, k: int = 10) -> float:
    """Return the share of the ``k`` nearest neighbours that carry the same label.

    It is measured among all ``D`` numbers, not on the plane. Compare it with
    :func:`alike_by_chance`.

    Args:
        features: float (n, D), n of 2 or more.
        labels: n labels.
        k: neighbours of each image, the image itself not counted.

    Returns:
        The mean over the images, 0…1.
    """
    labels = np.asarray(labels)
    k = min(k, len(labels) - 1)
    finder = NearestNeighbors(n_neighbors=k).fit(features)
    nearest = finder.kneighbors(return_distance=False)  # (n, k)
    return float((labels[nearest] == labels[:, None]).mean())


def alike_by_chance(labels: np.ndarray) -> float:
    """Return the chance that another image, drawn blindly, has the same label, 0…1."""
    _, counts = np.unique(np.asarray(labels), return_counts=True)
    n = counts.sum()
    return float((counts * (counts - 1)).sum() / (n * (n - 1)))


def neighbours_table(
    features: np.ndarray, labels: np.ndarray, sources: np.ndarray
) -> pd.DataFrame:
    """Return how far neighbours agree in class and in source, and by chance.

    Args:
        features: float (n, D).
        labels: n class names.
        sources: n names of sources.

    Returns:
        Columns ``neighbours`` and ``by chance`` (0…1). The first two rows take all
        images; then one row for each class that comes from several sources says how
        far its images sit beside images of the same source, among their class.
    """
    rows = {
        "same class": (neighbours_alike(features, labels), alike_by_chance(labels)),
        "same source": (neighbours_alike(features, sources), alike_by_chance(sources)),
    }
    for name in dict.fromkeys(labels):
        own = labels == name
        if len(set(sources[own])) > 1:
            found = neighbours_alike(features[own], sources[own])
            chance = alike_by_chance(sources[own])
            rows[f"same source, within {name}"] = (found, chance)
    return pd.DataFrame(rows, index=["neighbours", "by chance"]).T
