"""Intervals and comparisons that know of both kinds of chance: images and trainings."""

from typing import NamedTuple

import numpy as np
from scipy import stats


def wilson_interval(right: int, total: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a proportion, two numbers in 0…1.

    It covers the choice of test images and nothing else. Unlike the textbook interval
    it stays within 0…1 and holds its level for proportions near 1 (Wilson 1927,
    doi:10.2307/2276774).
    """
    interval = stats.binomtest(right, total).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


class Difference(NamedTuple):
    """How much better one network is than another, in shares of the test images."""

    estimate: float
    low: float  # ends of the 95 % interval, nan if there is a single training
    high: float
    p: float  # of a difference at least as large between equal networks


def difference(a: np.ndarray, b: np.ndarray) -> Difference:
    """Compare two networks on the same test images by their mean accuracy.

    Other test images and other trainings would both have given another difference; the
    interval allows for both. It adds the variances and takes Student's t with Welch's
    and Satterthwaite's degrees of freedom (Satterthwaite 1946, doi:10.2307/3002019).

    Args:
        a: 1 where a training of the first network is right, 0 where it is wrong,
            (trainings, images).
        b: the same of the second network, (trainings, images); the same images.
    """
    per_image = a.mean(axis=0) - b.mean(axis=0)  # (images,)
    estimate = float(per_image.mean())
    if min(len(a), len(b)) < 2:
        return Difference(estimate, np.nan, np.nan, np.nan)
    parts = np.array(
        [
            per_image.var(ddof=1) / len(per_image),  # chance of the images
            a.mean(axis=1).var(ddof=1) / len(a),  # chance of the trainings
            b.mean(axis=1).var(ddof=1) / len(b),
        ]
    )
    freedom = np.array([len(per_image), len(a), len(b)]) - 1
    error = np.sqrt(parts.sum())
    if error == 0:  # every training answers every image alike
        return Difference(estimate, estimate, estimate, float(estimate == 0))
    t = stats.t(parts.sum() ** 2 / (parts**2 / freedom).sum())
    reach = t.ppf(0.975) * error
    p = float(2 * t.sf(abs(estimate) / error))
    return Difference(estimate, estimate - reach, estimate + reach, p)


def holm(p: np.ndarray) -> np.ndarray:
    """Return p-values corrected for their number (Holm 1979), in their order.

    With many comparisons one of them looks significant by chance. The smallest p is
    multiplied by their number, the next by one less, and so on.
    """
    order = np.argsort(p)
    factors = np.arange(len(p), 0, -1)
    corrected = np.empty(len(p))
    corrected[order] = np.maximum.accumulate(np.asarray(p)[order] * factors).clip(0, 1)
    return corrected
