"""The split into train, val and test, drawn once and then frozen in labels.csv."""

import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from smartclass_utils.config import SPLIT_SEED, SPLIT_SHARES, SPLITS, SmartClassError

FOLDS = 20  # of subjects, at most; 3 of them are 15 %


def draw_split(
    labels: pd.Series, subjects: pd.Series, alike: np.ndarray | None = None
) -> np.ndarray:
    """Draw a split with the same shares of every class in each part.

    Images of one subject stay together. So do nearly equal images without a subject:
    the first of a cluster is drawn, the others follow it.

    Args:
        labels: class of every image, N of them, in a fixed order.
        subjects: who is on it, ``""`` where unknown, N of them.
        alike: cluster of every image, int (N,); by default none are alike.

    Returns:
        ``"train"``, ``"val"`` or ``"test"`` for every image, object (N,).

    Raises:
        SmartClassError: if a class has too few images to be in all three parts.
    """
    labels, named = np.asarray(labels, object), np.asarray(subjects != "")
    alike = np.arange(len(labels)) if alike is None else alike
    split = np.full(len(labels), "train", object)
    single, grouped = np.flatnonzero(~named), np.flatnonzero(named)
    if len(single):
        try:
            split[single] = draw_clusters(labels[single], alike[single])
        except SmartClassError:  # a few without a subject stay in train
            if not len(grouped):
                raise
    if len(grouped):
        groups = np.asarray(subjects, object)[grouped]
        split[grouped] = draw_by_subject(labels[grouped], groups)
    check_parts(labels, split)
    return split


def draw_clusters(labels: np.ndarray, alike: np.ndarray) -> np.ndarray:
    """Draw 70/15/15 of every class by the first image of each cluster."""
    _, first, follows = np.unique(alike, return_index=True, return_inverse=True)
    split = np.empty(len(labels), object)
    order = np.sort(first)  # the drawing goes by the order of the images
    split[order] = draw_singly(labels[order])
    return split[first][follows]


def draw_singly(labels: np.ndarray) -> np.ndarray:
    """Draw 70/15/15 of every class, image by image."""
    rows = np.arange(len(labels))
    rest, test = draw_part(rows, labels, SPLIT_SHARES["test"])
    val_share = SPLIT_SHARES["val"] / (1 - SPLIT_SHARES["test"])
    _, val = draw_part(rest, labels, val_share)
    split = np.full(len(labels), "train", object)
    split[test], split[val] = "test", "val"
    return split


def draw_part(
    rows: np.ndarray, labels: np.ndarray, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that stay and those drawn, ``share`` of every class."""
    try:
        return train_test_split(
            rows, test_size=share, stratify=labels[rows], random_state=SPLIT_SEED
        )
    except ValueError as error:  # a class of one, or fewer images than classes
        raise too_few(labels) from error


def draw_by_subject(labels: np.ndarray, subjects: np.ndarray) -> np.ndarray:
    """Draw about 70/15/15 of every class, all images of a subject together."""
    split = np.full(len(labels), "train", object)
    folds = min(FOLDS, len(set(subjects)))
    if folds < len(SPLITS):
        raise SmartClassError(
            f"{folds} subjects are too few for train, val and test: give at least "
            f"{len(SPLITS)}, or leave the subject column out."
        )
    fold = StratifiedGroupKFold(folds, shuffle=True, random_state=SPLIT_SEED)
    each = max(1, round(SPLIT_SHARES["test"] * folds))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # check_parts says it better
        try:
            parts = [rows for _, rows in fold.split(labels, labels, subjects)]
        except ValueError as error:
            raise too_few(labels) from error
    split[np.concatenate(parts[:each])] = "test"
    split[np.concatenate(parts[each : 2 * each])] = "val"
    return split


def complete_split(labels: pd.Series, split: pd.Series) -> np.ndarray:
    """Return a given split, with val taken out of train where it has none.

    Raises:
        SmartClassError: if a class is missing from one of the parts.
    """
    labels, split = np.asarray(labels, object), np.array(split, object)
    if "val" not in split:
        train = np.flatnonzero(split == "train")
        share = SPLIT_SHARES["val"] / (1 - SPLIT_SHARES["test"])
        _, val = draw_part(train, labels, share)
        split[val] = "val"
    check_parts(labels, split)
    return split


def check_parts(labels: np.ndarray, split: np.ndarray) -> None:
    """Raise unless every class is in every part."""
    counts = pd.crosstab(labels, split).reindex(columns=SPLITS, fill_value=0)
    if (counts == 0).any(axis=None):
        raise too_few(labels, counts)


def too_few(labels: np.ndarray, counts: pd.DataFrame | None = None) -> SmartClassError:
    """Return the error that names the class with the fewest images."""
    sizes = pd.Series(labels).value_counts()
    short = sizes.index[-1] if counts is None else counts.min(axis=1).idxmin()
    n = int(sizes[short])
    return SmartClassError(
        f"Class '{short}' has only {n} usable {'image' if n == 1 else 'images'}, too "
        f"few for each of {', '.join(SPLITS)}: add some or remove the class."
    )
