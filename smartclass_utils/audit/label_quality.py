"""Labels worth a second look: a list for people, never an automatic correction."""

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from smartclass_utils.audit.findings import Finding, missing
from smartclass_utils.audit.probes import draw_down, gradients, second_opinion
from smartclass_utils.dataset import CleanData

FOLDS = 5
FLIPPED = 0.03  # share of labels changed on purpose, to test the check itself


def out_of_fold(features: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return class probabilities of images that the classifier did not learn from.

    Args:
        features: float32 (n, P).
        targets: int (n,), every class at least :data:`FOLDS` times.

    Returns:
        float64 (n, K).
    """
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    return cross_val_predict(
        second_opinion(), features, targets, cv=folds, method="predict_proba"
    )


def review_order(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the images whose label is contradicted, the surest contradiction first.

    Sorted by the probability of the best other class minus that of the label, the
    "normalised margin" of Northcutt, Jiang and Chuang 2021 (doi:10.1613/jair.1.12125).

    Returns:
        Positions, int64 (m,), m ≤ n.
    """
    each = np.arange(len(targets))
    own = probabilities[each, targets]
    others = probabilities.copy()
    others[each, targets] = -1
    margin = others.max(axis=1) - own
    order = np.argsort(-margin, kind="stable")
    return order[margin[order] > 0]


def ambiguity_order(probabilities: np.ndarray) -> np.ndarray:
    """Return all images, the one whose two likeliest classes are closest first."""
    two = np.sort(probabilities, axis=1)[:, -2:]
    return np.argsort(two[:, 1] - two[:, 0], kind="stable")


def review_list(
    data: CleanData, rows: np.ndarray, probabilities: np.ndarray, order: np.ndarray
) -> pd.DataFrame:
    """Return a table of images to look at: file, split, label, suggestion, p of both.

    Args:
        data: the cleaned data set.
        rows: rows of labels.csv that the probabilities belong to, (n,).
        probabilities: (n, K).
        order: positions in ``rows``, the first to look at first.
    """
    targets = data.targets[rows]
    others = probabilities.copy()
    others[np.arange(len(rows)), targets] = -1
    best = others.argmax(axis=1)
    chosen = data.labels.iloc[rows[order]]
    names = np.array(data.classes)
    return pd.DataFrame(
        {
            "file": chosen["file"].to_numpy(),
            "split": chosen["split"].to_numpy(),
            "label": chosen["label"].to_numpy(),
            "looks more like": names[best[order]],
            "p of the label": probabilities[order, targets[order]],
            "p of the other": probabilities[order, best[order]],
        }
    )


def found_flips(
    features: np.ndarray, targets: np.ndarray, n_classes: int, seed: int = 0
) -> tuple[int, int]:
    """Change a few labels on purpose; return how many the list finds, of how many.

    As many images are read off the top of the list as labels were changed, so that
    a list in random order would show :data:`FLIPPED` of them.
    """
    generator = np.random.default_rng(seed)
    n = max(round(FLIPPED * len(targets)), 1)
    chosen = generator.choice(len(targets), n, replace=False)
    changed = targets.copy()
    changed[chosen] = (
        changed[chosen] + generator.integers(1, n_classes, n)
    ) % n_classes
    top = review_order(out_of_fold(features, changed), changed)[:n]
    return len(np.intersect1d(top, chosen)), n


def audit_labels(data: CleanData, length: int = 20) -> Finding:
    """List the labels that a second opinion contradicts, out of fold.

    Args:
        data: the cleaned data set.
        length: of the two lists, images.
    """
    rows = draw_down(np.arange(len(data.labels)))
    targets = data.targets[rows]
    if min(np.bincount(targets, minlength=len(data.classes))) < FOLDS:
        return missing(
            f"A class has fewer than {FOLDS} images: too few to learn a second opinion."
        )
    features = gradients(np.asarray(data.images[rows]))
    probabilities = out_of_fold(features, targets)
    doubted = review_order(probabilities, targets)
    unclear = ambiguity_order(probabilities)[:length]
    seen, flipped = found_flips(features, targets, len(data.classes))
    agreement = float((probabilities.argmax(axis=1) == targets).mean())
    sure = int((probabilities[doubted].max(axis=1) >= 0.9).sum())
    sentence = (
        f"A second opinion agrees with {agreement:.0%} of {len(rows):,} labels and "
        f"contradicts {sure} with a probability of 90 % or more. Of {flipped} labels "
        f"changed on purpose, the top {flipped} of the list show {seen}."
    )
    numbers = {
        "images": len(rows),
        "agreement": agreement,
        "contradicted": len(doubted),
        "contradicted_surely": sure,
        "changed_on_purpose": flipped,
        "found_of_these": seen,
    }
    tables = {
        "contradicted": review_list(data, rows, probabilities, doubted[:length]),
        "ambiguous": review_list(data, rows, probabilities, unclear),
    }
    return Finding(True, sentence, numbers, tables)
