"""Whether a network serves all groups of people equally, with the gap tested."""

from dataclasses import replace

import numpy as np
import pandas as pd

from smartclass_utils.audit.comparisons import LEVEL, holm
from smartclass_utils.audit.findings import Finding, missing
from smartclass_utils.audit.outputs import Output, vote
from smartclass_utils.config import MANIFEST_COLUMNS
from smartclass_utils.dataset import CleanData
from smartclass_utils.evaluation import wilson_interval

FEWEST = 10  # test images that a group needs
MOST_GROUPS = 8  # values from which a column is no attribute
SHUFFLES = 2000  # of the permutation test


def attributes(labels: pd.DataFrame) -> list[str]:
    """Return the columns that sort people into a few groups."""
    others = [name for name in labels if name not in MANIFEST_COLUMNS]
    return [
        name
        for name in others
        if 2 <= labels.loc[labels[name] != "", name].nunique() <= MOST_GROUPS
    ]


def recall_by_group(right: np.ndarray, groups: np.ndarray) -> pd.DataFrame:
    """Return the share of right answers in each group with its Wilson interval.

    Args:
        right: whether each test image was right, bool (n,).
        groups: group of each image, ``""`` where unknown, (n,).

    Returns:
        One row a group of at least :data:`FEWEST` images: ``images``, ``recall``,
        ``low``, ``high``, the last three in 0…1.
    """
    rows = {}
    for group in sorted(set(groups) - {""}):
        own = right[groups == group]
        if len(own) >= FEWEST:
            low, high = wilson_interval(int(own.sum()), len(own))
            rows[group] = {
                "images": len(own),
                "recall": float(own.mean()),
                "low": low,
                "high": high,
            }
    columns = ["images", "recall", "low", "high"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis("group")


def standardised(right: np.ndarray, groups: np.ndarray, targets: np.ndarray) -> dict:
    """Return each group's mean over classes of its recall, 0…1.

    Groups may hold the classes in different shares; here every class counts the same.
    Classes that a group lacks are left out of its mean.
    """
    table = pd.DataFrame({"right": right, "group": groups, "target": targets})
    each = table.groupby(["group", "target"])["right"].mean()
    return each.groupby("group").mean().to_dict()


def gap_test(
    right: np.ndarray,
    groups: np.ndarray,
    targets: np.ndarray,
    shuffles: int = SHUFFLES,
    seed: int = 0,
) -> tuple[float, float]:
    """Test the gap between the best and the worst served group.

    A permutation test (Good 2005): groups are shuffled among the images of the same
    class, so that neither the number of groups nor their share of hard classes makes
    a gap look real.

    Args:
        right: whether each image was right, bool (n,).
        groups: group of each image, (n,).
        targets: true class of each image, (n,).
        shuffles: number of permutations.
        seed: of the permutations.

    Returns:
        The gap, 0…1, and the p-value: how often chance makes one as large.
    """
    names, codes = np.unique(groups, return_inverse=True)
    classes = [np.flatnonzero(targets == k) for k in np.unique(targets)]
    hits = np.asarray(right, float)

    def gap(codes: np.ndarray) -> float:
        shares = []
        for rows in classes:
            size = np.bincount(codes[rows], minlength=len(names))
            total = np.bincount(codes[rows], hits[rows], len(names))
            shares.append(
                np.divide(total, size, np.full(len(names), np.nan), where=size > 0)
            )
        means = np.nanmean(shares, axis=0)
        return float(means.max() - means.min())

    found, generator, as_large = gap(codes), np.random.default_rng(seed), 0
    for _ in range(shuffles):
        mixed = codes.copy()
        for rows in classes:
            mixed[rows] = generator.permutation(codes[rows])
        as_large += gap(mixed) >= found - 1e-12
    return found, (as_large + 1) / (shuffles + 1)


def large_enough(groups: np.ndarray) -> np.ndarray:
    """Return which images belong to a known group of enough images, bool (n,)."""
    sizes = pd.Series(groups).value_counts()
    kept = [name for name, n in sizes.items() if name != "" and n >= FEWEST]
    return np.isin(groups, kept)


def gaps(right: np.ndarray, people: pd.DataFrame, targets: np.ndarray) -> pd.DataFrame:
    """Test the gap of every attribute, with Holm's correction over the attributes.

    Args:
        right: whether each test image was right, bool (n,).
        people: one column an attribute, n rows.
        targets: true class of each image, (n,).

    Returns:
        One row an attribute: ``groups``, ``gap`` (0…1), ``p``, ``p (Holm)``.
    """
    rows = {}
    for name in people:
        groups = people[name].to_numpy()
        kept = large_enough(groups)
        n_groups = len(set(groups[kept]))
        if n_groups > 1:
            found = gap_test(right[kept], groups[kept], targets[kept])
            rows[name] = {"groups": n_groups, "gap": found[0], "p": found[1]}
    columns = ["groups", "gap", "p"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    table["p (Holm)"] = holm(table["p"].tolist())
    return table.rename_axis("attribute")


def clearest_gap(tested: pd.DataFrame) -> str:
    """Return the attribute of :func:`gaps` with the lowest p-value."""
    return str(tested["p"].idxmin())


def reweighted(data: CleanData, attribute: str, seed: int = 0) -> CleanData:
    """Return the data with training images drawn so that groups weigh the same.

    Within each class every group gets as many training images as any other, drawn with
    replacement (Kamiran and Calders 2012, doi:10.1007/s10115-011-0463-8). The number
    of training images of a class stays, and val and test stay as they are.
    """
    generator = np.random.default_rng(seed)
    train = data.labels.iloc[data.rows("train")]
    drawn = []
    for _, own in train.groupby("label"):
        groups = [part.index for _, part in own.groupby(attribute)]
        sizes = np.full(len(groups), len(own) // len(groups))
        sizes[: len(own) % len(groups)] += 1
        drawn += [
            generator.choice(group, size, replace=size > len(group))
            for group, size in zip(groups, sizes, strict=True)
        ]
    others = np.flatnonzero(data.labels["split"] != "train")
    rows = np.sort(np.concatenate([*drawn, others]))
    labels = data.labels.iloc[rows].reset_index(drop=True)
    return replace(data, labels=labels, images=np.asarray(data.images[rows]))


def audit_groups(data: CleanData, trainings: list[Output]) -> Finding:
    """Compare the recall of groups for one network, answering by vote.

    Args:
        data: the cleaned data set.
        trainings: all of one network.
    """
    names = attributes(data.labels)
    if not names:
        return missing(
            "The data says nothing about the people on the images (no attributes), so "
            "that nobody can say whether the networks serve all of them equally."
        )
    test, targets = data.rows("test"), trainings[0].test_targets
    right = vote(trainings) == targets
    people = data.labels.iloc[test][names].reset_index(drop=True)
    tables = {name: recall_by_group(right, people[name].to_numpy()) for name in names}
    tested = gaps(right, people, targets)
    if tested.empty:
        return missing(f"No two groups have {FEWEST} test images: nothing to compare.")
    clearest = clearest_gap(tested)
    real = tested.index[tested["p (Holm)"] < LEVEL]
    sentence = (
        f"The clearest gap of {trainings[0].card['title']} is that of *{clearest}*: "
        f"{100 * tested.loc[clearest, 'gap']:.1f} points between its best and worst "
        f"served group, p = {tested.loc[clearest, 'p (Holm)']:.2g} after Holm’s "
        "correction. "
    )
    if len(real):
        sentence += f"Chance hardly explains the gaps of {', '.join(real)}."
    else:
        sentence += (
            f"With {len(test)} test images, chance alone can explain each of the "
            f"{len(tested)} gaps."
        )
    numbers = {
        "gaps": tested.reset_index().to_dict("records"),
        "recall": {n: t.reset_index().to_dict("records") for n, t in tables.items()},
    }
    return Finding(True, sentence, numbers, {"gaps": tested, **tables})
