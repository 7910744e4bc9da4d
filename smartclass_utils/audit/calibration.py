"""Whether a probability of 80 % is right 80 % of the time."""

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from smartclass_utils.audit.findings import Finding
from smartclass_utils.audit.outputs import Output, by_model
from smartclass_utils.batches import softmax

BINS = 10  # of confidence, equally wide


def reliability(
    probabilities: np.ndarray, targets: np.ndarray, bins: int = BINS
) -> pd.DataFrame:
    """Return accuracy and confidence of the images in each bin of confidence.

    Args:
        probabilities: (n, K), rows add up to 1.
        targets: true class indices, int (n,).
        bins: equally wide between 0 and 1; the upper edge belongs to a bin.

    Returns:
        One row a bin that is not empty: ``low``, ``high`` (edges), ``images``,
        ``confidence`` (mean of the largest probability), ``accuracy``; all but the
        number of images in 0…1.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    which = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    rows = [
        (
            k / bins,
            (k + 1) / bins,
            int((which == k).sum()),
            float(confidence[which == k].mean()),
            float(right[which == k].mean()),
        )
        for k in range(bins)
        if (which == k).any()
    ]
    columns = ["low", "high", "images", "confidence", "accuracy"]
    return pd.DataFrame(rows, columns=columns)


def calibration_error(table: pd.DataFrame) -> float:
    """Return the expected calibration error (ECE) of a reliability table, 0…1.

    The mean distance of accuracy and confidence, weighted by the images in a bin
    (Naeini et al. 2015; Guo et al. 2017, arXiv:1706.04599).
    """
    gap = (table["accuracy"] - table["confidence"]).abs()
    return float((gap * table["images"]).sum() / table["images"].sum())


def log_loss(logits: np.ndarray, targets: np.ndarray, temperature: float) -> float:
    """Return the mean cross entropy of logits divided by a temperature."""
    scaled = logits / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    total = np.log(np.exp(scaled).sum(axis=1))
    return float((total - scaled[np.arange(len(targets)), targets]).mean())


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """Return the temperature with the lowest cross entropy, within 0.05…20.

    Above 1 the network was too sure, below 1 not sure enough. Dividing all logits by
    one number changes no answer (Guo et al. 2017, arXiv:1706.04599).

    Args:
        logits: of validation images, (n, K).
        targets: true class indices, int (n,).
    """
    logits = np.asarray(logits, np.float64)
    found = minimize_scalar(
        lambda log: log_loss(logits, targets, float(np.exp(log))),
        bounds=(np.log(0.05), np.log(20)),
        method="bounded",
    )
    return float(np.exp(found.x))


def calibrate(output: Output) -> dict:
    """Return temperature and test calibration error before and after, of one training.

    The temperature is fitted on validation; the test split only judges it.
    """
    temperature = fit_temperature(output.val, output.val_targets)
    before = reliability(softmax(output.test), output.test_targets)
    after = reliability(softmax(output.test / temperature), output.test_targets)
    return {
        "temperature": temperature,
        "before": calibration_error(before),
        "after": calibration_error(after),
        "confidence": float(softmax(output.test).max(axis=1).mean()),
        "accuracy": float(output.right.mean()),
    }


def audit_calibration(outputs: list[Output]) -> Finding:
    """Return each network's calibration, means over its trainings, all in 0…1."""
    rows = {
        title: pd.DataFrame([calibrate(o) for o in own]).mean()
        for title, own in by_model(outputs).items()
    }
    table = pd.DataFrame(rows).T.rename_axis("network")
    worst = table["before"].idxmax()
    better = int((table["after"] < table["before"]).sum())
    sure = table["confidence"].mean() > table["accuracy"].mean()
    sentence = (
        f"On average the networks are too {'sure' if sure else 'modest'}. The "
        f"calibration error is largest for {worst}, {100 * table['before'].max():.1f} "
        f"points; a temperature fitted on validation lowers it for {better} of "
        f"{len(table)} networks (mean {100 * table['before'].mean():.1f} before, "
        f"{100 * table['after'].mean():.1f} after)."
    )
    numbers = {"networks": table.reset_index().to_dict("records")}
    return Finding(True, sentence, numbers, {"calibration": table})
