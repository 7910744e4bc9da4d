"""Every dealing of images: the frozen split, and one drawn again."""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import train_test_split

from smartclass_utils.config import SPLIT_SEED, SPLIT_SHARES, SPLITS, SmartClassError
from smartclass_utils.copies import near_copies

TRIES = 300  # dealings of large groups, of which the most even one is taken


def joint_groups(images: np.ndarray, subjects: np.ndarray) -> np.ndarray:
    """Return the group of each image, int (N,): copies and images of one subject.

    Two images are in one group if any number of such steps leads from one to the other.
    Images are uint8 (N, H, W); a subject is ``""`` where it is unknown.
    """
    copies, subjects = near_copies(images), np.asarray(subjects, object)
    named = np.flatnonzero(subjects != "")
    people = len(copies) + pd.factorize(subjects[named])[0]  # numbers after the copies'
    links = np.ones(len(named)), (copies[named], people)
    graph = coo_array(links, (2 * len(copies), 2 * len(copies)))
    return pd.factorize(connected_components(graph, directed=False)[1][copies])[0]


def deal(labels, groups, shares=SPLIT_SHARES, seed=SPLIT_SEED, subjects=""):
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
        other = deal_large_groups(labels, groups, shares, seed)
        split = min(split, other, key=lambda each: unevenness(labels, each, shares))
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
        for left, part in zip(range(len(others), 0, -1), others, strict=True):
            most = max(1, len(order) - left)  # so that each later part gets a group
            missing = sizes[order[:most]].cumsum() - shares[part] * len(labels)
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
    row, column = pd.factorize(labels)[0], pd.Index(list(shares)).get_indexer(split)
    counts = np.zeros((1 + row.max(), len(shares)))  # not crosstab, as it is slow
    np.add.at(counts, (row, column), 1)
    wanted = np.outer(counts.sum(axis=1), list(shares.values()))
    off = np.abs(counts - wanted) / (1 + wanted / 5)
    return np.inf if (counts == 0).any() else float(off.max())


def freeze(images, labels, subjects, given=None) -> np.ndarray:
    """Return the split that goes into labels.csv, object (N,).

    A ``given`` split is kept; a part that it does not have is dealt out of train. All
    else is as in :func:`joint_groups` and :func:`deal`.
    """
    labels, subjects = np.asarray(labels, object), np.asarray(subjects, object)
    split = np.array(["train"] * len(labels) if given is None else given, object)
    missing, train = [part for part in SPLITS if part not in split], split == "train"
    if missing and train.any():
        groups = joint_groups(images, subjects)[train]
        shares = {part: SPLIT_SHARES[part] for part in ("train", *missing)}
        shares = {part: share / sum(shares.values()) for part, share in shares.items()}
        split[train] = deal(labels[train], groups, shares, subjects=subjects[train])
    counts = pd.crosstab(labels, split).reindex(columns=SPLITS, fill_value=0).stack()
    if counts.min() == 0:
        label, part = counts.idxmin()
        what = f"The given split has no usable image of class '{label}' in {part}"
        raise SmartClassError(f"{what}: add some, or leave the split out.")
    return split


def why_no_split(labels, groups, parts, subjects) -> str:
    """Return the sentence that says why images cannot be dealt to so many parts."""
    table = pd.DataFrame({"label": labels, "group": groups, "subject": subjects})
    n_groups = table.groupby("label")["group"].nunique()
    label, few = n_groups.idxmin(), n_groups.min()
    own = table[table["label"] == label]
    n, people = len(own), own["subject"].nunique()
    if few >= len(parts):
        return (
            "Near-copies and images of one subject stay together, and no dealing of "
            f"these gives every class to each of {', '.join(parts)}: add images."
        )
    if n < len(parts):
        what = f"has only {n} usable {'image' if n == 1 else 'images'}"
        remedy = "add some or remove the class"
    elif people < len(parts) and (own["subject"] != "").all():
        what = f"shows only {people} {'subject' if people == 1 else 'subjects'}"
        remedy = "add others, or leave the subject column out"
    else:
        near = "near-copies count as one"
        what = f"has {n} usable images, but {near}, which leaves {few}"
        remedy = "add other pictures or remove the class"
    return f"Class '{label}' {what}, too few for each of {', '.join(parts)}: {remedy}."
