"""Every dealing of images: the frozen split, a split drawn again, folds."""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from smartclass_utils.config import SPLIT_SEED, SPLIT_SHARES, SPLITS, SmartClassError
from smartclass_utils.copies import near_copies

TRIES = 300  # dealings of large groups, of which the most even one is taken


def joint_groups(images: np.ndarray, subjects: np.ndarray) -> np.ndarray:
    """Return the group of each image, int (N,): copies and images of one subject.

    Two images are in one group if any number of such steps leads from one to the other.

    Args:
        images: uint8 (N, H, W).
        subjects: who is on it, ``""`` where unknown, N of them.
    """
    copies, subjects = near_copies(images), np.asarray(subjects, object)
    named = np.flatnonzero(subjects != "")
    people = len(copies) + pd.factorize(subjects[named])[0]  # numbers after the copies'
    links = np.ones(len(named)), (copies[named], people)
    graph = coo_array(links, (2 * len(copies), 2 * len(copies)))
    return pd.factorize(connected_components(graph, directed=False)[1][copies])[0]


def deal(labels, groups, shares=SPLIT_SHARES, seed=SPLIT_SEED, subjects=None):
    """Deal images to parts, the same shares of every class, each group to one part.

    Args:
        labels: class of every image, N of them, in a fixed order.
        groups: group of every image, int (N,), from :func:`joint_groups`.
        shares: part → share of the images; the first part takes what is left.
        seed: of the drawing.
        subjects: who is on each image, only to say why there is no split.

    Returns:
        The name of a part for every image, object (N,).

    Raises:
        SmartClassError: if there is no split with every class in every part.
    """
    labels, groups = np.asarray(labels, object), np.asarray(groups)
    split = deal_by_class(labels, groups, shares, seed)
    if unevenness(labels, split, shares) > 1:
        split = deal_large_groups(labels, groups, shares, seed)
    if np.isinf(unevenness(labels, split, shares)):
        raise SmartClassError(why_no_split(labels, groups, shares, subjects))
    return split


def deal_by_class(labels, groups, shares, seed) -> np.ndarray:
    """Draw from every class in turn; a group goes where its first image goes."""
    images = pd.DataFrame({"label": labels, "group": groups})
    first = images.drop_duplicates("group")
    main, *others = shares
    part_of = dict.fromkeys(first["group"], main)
    for _, own in first.groupby("label"):
        rest = own["group"].to_numpy()
        for part in reversed(others):
            n = max(1, round(shares[part] * len(own)))
            if n < len(rest):
                rest, drawn = train_test_split(rest, test_size=n, random_state=seed)
                part_of.update(dict.fromkeys(drawn, part))
    return images["group"].map(part_of).to_numpy(object)


def deal_large_groups(labels, groups, shares, seed) -> np.ndarray:
    """Shuffle the groups, cut where the shares are reached; take the best of many."""
    _, place = np.unique(groups, return_inverse=True)
    sizes, generator = np.bincount(place), np.random.default_rng(seed)
    main, *others = shares
    best, least = np.full(len(labels), main, object), np.inf
    for _ in range(TRIES):
        order = generator.permutation(len(sizes))
        parts = np.full(len(sizes), main, object)
        for part in others:
            missing = sizes[order].cumsum() - shares[part] * len(labels)
            n = 1 + np.abs(missing).argmin() if len(order) else 0
            parts[order[:n]], order = part, order[n:]
        off = unevenness(labels, parts[place], shares)
        if off < least:
            best, least = parts[place], off
    return best


def unevenness(labels, split, shares) -> float:
    """Return how far a class is off its share in a part, at most; 1 is tolerable.

    That is one image and a fifth of the share; infinite if a class is missing.
    """
    counts = pd.crosstab(labels, split).reindex(columns=list(shares), fill_value=0)
    wanted = np.outer(counts.sum(axis=1), list(shares.values()))
    off = np.abs(counts - wanted) / (1 + wanted / 5)
    return np.inf if (counts == 0).any(axis=None) else float(off.max(axis=None))


def complete_split(labels, groups, split, subjects=None) -> np.ndarray:
    """Return a given split; a part it does not have is dealt out of train.

    Raises:
        SmartClassError: if a class is missing from one of the parts.
    """
    labels, split = np.asarray(labels, object), np.array(split, object)
    missing = [part for part in SPLITS if part not in split]
    train = split == "train"
    if missing and train.any():
        shares = pd.Series({p: SPLIT_SHARES[p] for p in ("train", *missing)})
        named = None if subjects is None else np.asarray(subjects, object)[train]
        shares = dict(shares / shares.sum())
        split[train] = deal(labels[train], groups[train], shares, subjects=named)
    counts = pd.crosstab(labels, split).reindex(columns=SPLITS, fill_value=0).stack()
    if (counts == 0).any():
        label, part = counts.idxmin()
        raise SmartClassError(
            f"The given split has no usable image of class '{label}' in {part}: add "
            "some, remove the class, or leave the split out."
        )
    return split


def deal_folds(labels, groups, k: int, seed: int = SPLIT_SEED) -> np.ndarray:
    """Return the fold of every image, int (N,) in 0…k-1; a group is in one fold.

    Raises:
        SmartClassError: if a class has too few groups for so many folds.
    """
    n_groups = pd.Series(np.asarray(groups)).groupby(np.asarray(labels)).nunique()
    if not 2 <= k <= n_groups.min():
        raise SmartClassError(
            f"{k} folds do not work here: choose 2 to {n_groups.min()}, the number of "
            f"groups of images (near-copies, subjects) in class '{n_groups.idxmin()}'."
        )
    dealer = StratifiedGroupKFold(k, shuffle=True, random_state=seed)
    folds = np.empty(len(labels), int)
    for fold, (_, rows) in enumerate(dealer.split(labels, labels, groups)):
        folds[rows] = fold
    return folds


def why_no_split(labels, groups, parts, subjects=None) -> str:
    """Return the sentence that says why images cannot be dealt to so many parts."""
    names = np.full(len(labels), "", object) if subjects is None else subjects
    table = pd.DataFrame({"label": labels, "group": groups, "subject": names})
    n_groups = table.groupby("label")["group"].nunique()
    label = n_groups.idxmin()
    own = table[table["label"] == label]
    n, n_people, enough = len(own), own["subject"].nunique(), len(parts)
    images = "image" if n == 1 else "images"
    few = f"too few for each of {', '.join(parts)}"
    if n < enough:
        return (
            f"Class '{label}' has only {n} usable {images}, {few}: add some or remove "
            "the class."
        )
    if (own["subject"] != "").all() and n_people < enough:
        return (
            f"The {n} images of class '{label}' are of only {n_people} subjects, "
            f"{few}: add images of others, or leave the subject column out."
        )
    if n_groups[label] < enough:
        return (
            f"The {n} images of class '{label}' are near-copies of only "
            f"{n_groups[label]}, {few}: add other pictures or remove the class."
        )
    return (
        "Near-copies and images of one subject stay together, and no dealing of these "
        f"gives every class to each of {', '.join(parts)}: add images."
    )
