"""Images that occur twice: the same file, or nearly the same picture."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from smartclass_utils.audit.findings import Finding, count
from smartclass_utils.audit.outputs import Output, by_model
from smartclass_utils.dataset import CleanData
from smartclass_utils.near_duplicates import (
    ALIKE,
    NEAR,
    clusters,
    correlation,
    distance,
    near_pairs,
    perceptual_hash,
)


def exact_pairs(hashes: list[str]) -> np.ndarray:
    """Return all pairs with the same SHA-256, int64 (P, 2); empty hashes never pair."""
    rows = pd.Series(range(len(hashes))).groupby(list(hashes)).apply(list)
    pairs = [
        (a, b)
        for digest, same in rows.items()
        if digest
        for i, a in enumerate(same)
        for b in same[i + 1 :]
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def found_copies(
    data: CleanData, n: int = 100, near: int = NEAR, alike: float = ALIKE, seed: int = 0
) -> dict[str, float]:
    """Alter images on purpose; return the share of them that the check finds, 0…1.

    Args:
        data: the cleaned data set.
        n: images to alter.
        near: bits of 64 that may differ.
        alike: correlation of the pixels, at least.
        seed: of the choice and of the noise.
    """
    generator = np.random.default_rng(seed)
    rows = generator.choice(len(data.images), min(n, len(data.images)), replace=False)
    images = np.asarray(data.images[rows], np.float32)  # (n, H, W)
    noise = generator.normal(0, 4, images.shape)
    altered = {
        "brighter, less contrast": images * 0.8 + 30,
        "noise of 4 grey values": images + noise,
        "shifted by one pixel": np.roll(images, 1, axis=2),
        "mirrored": images[:, :, ::-1],
    }
    shares = {}
    for name, changed in altered.items():
        both = np.concatenate([images, changed.clip(0, 255)]).astype(np.uint8)
        hashes = perceptual_hash(both).reshape(2, len(rows))
        pairs = np.stack([np.arange(len(rows)), np.arange(len(rows)) + len(rows)], 1)
        close = distance(hashes[0], hashes[1]) <= near
        shares[name] = float((close & (correlation(both, pairs) >= alike)).mean())
    return shares


@dataclass(frozen=True)
class Duplicates:
    """Pairs of images that are alike.

    Attributes:
        pairs: ``first``, ``second`` (rows of labels.csv), ``kind`` (same file, near),
            ``correlation``, ``same label``, ``same split``.
        clusters: number of the cluster of every image, int (N,); an image without a
            double is a cluster of its own.
    """

    pairs: pd.DataFrame
    clusters: np.ndarray


def find_duplicates(
    data: CleanData, near: int = NEAR, alike: float = ALIKE
) -> Duplicates:
    """Find images that occur twice, over all splits and labels.

    Args:
        data: the cleaned data set.
        near: bits of 64 that may differ.
        alike: correlation of the pixels, at least.
    """
    exact = exact_pairs(data.labels["sha256"].tolist())
    known = {tuple(pair) for pair in exact.tolist()}
    pairs = near_pairs(data.images, near, alike).tolist()
    rows = [(*pair, "same file") for pair in exact.tolist()]
    rows += [(*pair, "near") for pair in pairs if tuple(pair) not in known]
    table = pd.DataFrame(rows, columns=["first", "second", "kind"])
    both = table[["first", "second"]].to_numpy(np.int64).reshape(-1, 2)
    table["correlation"] = correlation(data.images, both)
    for name in ("label", "split"):
        values = data.labels[name].to_numpy()
        table[f"same {name}"] = values[both[:, 0]] == values[both[:, 1]]
    return Duplicates(table, clusters(both, len(data.labels)))


def leaked(data: CleanData, found: Duplicates) -> np.ndarray:
    """Return whether each test image has a double in train or val, bool (n,)."""
    seen = np.unique(found.clusters[np.r_[data.rows("train"), data.rows("val")]])
    return np.isin(found.clusters[data.rows("test")], seen)


def accuracy_without(outputs: list[Output], leak: np.ndarray) -> pd.DataFrame:
    """Return accuracies on all test images and on those without a double, 0…1."""
    rows = {}
    for title, own in by_model(outputs).items():
        share = np.mean([o.right for o in own], axis=0)
        rows[title] = {
            "all images": share.mean(),
            "without doubles": share[~leak].mean(),
            "doubles only": share[leak].mean() if leak.any() else float("nan"),
        }
    return pd.DataFrame(rows).T.rename_axis("network")


def conflicts(data: CleanData, found: Duplicates) -> pd.DataFrame:
    """Return pairs that are alike but labelled differently, by file name."""
    pairs = found.pairs[~found.pairs["same label"].astype(bool)]
    files, labels = data.labels["file"].to_numpy(), data.labels["label"].to_numpy()
    return pd.DataFrame(
        {
            "first file": files[pairs["first"]],
            "its label": labels[pairs["first"]],
            "second file": files[pairs["second"]],
            "label there": labels[pairs["second"]],
            "correlation": pairs["correlation"].round(3).to_numpy(),
        }
    )


def audit_leaks(data: CleanData, outputs: list[Output], found: Duplicates) -> Finding:
    """Count doubles within and across splits and labels, and what they change."""
    pairs, leak = found.pairs, leaked(data, found)
    across = int((~pairs["same split"].astype(bool)).sum())
    differing = conflicts(data, found)
    exact = int((pairs["kind"] == "same file").sum())
    accuracy = accuracy_without(outputs, leak)
    change = float((accuracy["without doubles"] - accuracy["all images"]).abs().max())
    sentence = (
        f"{count(exact, 'pair')} of identical files and "
        f"{count(len(pairs) - exact, 'pair')} of near-duplicates are left, {across} of "
        f"them across splits and {len(differing)} with different labels; "
        f"{count(int(leak.sum()), 'test image')} of {len(leak)} "
        f"{'has' if leak.sum() == 1 else 'have'} a double among the images learned "
        f"from. Without them the accuracies change by at most {100 * change:.1f} "
        "points."
    )
    numbers = {
        "identical_pairs": exact,
        "near_pairs": len(pairs) - exact,
        "pairs_across_splits": across,
        "pairs_with_different_labels": len(differing),
        "test_images_with_a_double": int(leak.sum()),
        "test_images": len(leak),
        "accuracy": accuracy.reset_index()
        .astype(object)
        .where(accuracy.reset_index().notna(), None)
        .to_dict("records"),
    }
    tables = {"pairs": pairs, "conflicts": differing, "accuracy": accuracy}
    return Finding(True, sentence, numbers, tables)
