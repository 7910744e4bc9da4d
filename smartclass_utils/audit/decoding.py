"""From printed percentages back to the whole numbers behind them.

A percentage with two decimals is a fraction of two small whole numbers in disguise:
82.46 % of fewer than 114 images fits 47 of 57 and nothing else. Everything here is
exact integer arithmetic.
"""

from collections import defaultdict
from dataclasses import dataclass

LARGEST_SPLIT = 999  # images; up to this size every number is tried


@dataclass(frozen=True)
class Margins:
    """Whole numbers behind the precision and recall of one class."""

    true: int  # test images of the class
    right: int  # of these, how many were found
    predicted: int | None  # images called so; None where no precision survived


def hits(percentage: float, total: int) -> range:
    """Return all k for which k of ``total`` is printed as ``percentage``.

    Args:
        percentage: 0…100 with two decimals.
        total: number of images, 1 or more.
    """
    printed = round(100 * percentage)  # hundredths of a per cent
    low = -(-total * (2 * printed - 1) // 20_000)
    high = total * (2 * printed + 1) // 20_000
    return range(max(low, 0), min(high, total) + 1)


def sizes_that_fit(percentages: list[float], largest: int) -> list[int]:
    """Return all split sizes up to ``largest`` that allow every percentage."""
    return [
        size
        for size in range(1, largest + 1)
        if all(hits(percentage, size) for percentage in percentages)
    ]


def class_margins(
    precision: float | None, recall: float, largest: int
) -> list[Margins]:
    """Return all whole numbers that are printed as this precision and recall.

    Args:
        precision: per cent, or ``None`` where it did not survive.
        recall: per cent.
        largest: the most images that the class may have, or be predicted for.
    """
    found = []
    for true in range(1, largest + 1):
        for right in hits(recall, true):
            if precision is None:
                found.append(Margins(true, right, None))
                continue
            middle = round(100 * right / precision)
            near = range(max(middle - 2, right, 1), min(middle + 2, largest) + 1)
            found += [
                Margins(true, right, predicted)
                for predicted in near
                if right in hits(precision, predicted)
            ]
    return found


def decode(
    classes: list[tuple[float | None, float]], accuracy: float, size: int
) -> list[tuple[Margins, ...]]:
    """Return all integer solutions for one model tested on ``size`` images.

    The classes' true counts must add up to the test split, their right answers to the
    accuracy, and, where every precision is known, their predictions to the test split.

    Args:
        classes: (precision or ``None``, recall) of four classes, per cent.
        accuracy: per cent.
        size: test images.
    """
    each = [class_margins(*printed, size) for printed in classes]
    known = all(precision is not None for precision, _ in classes)

    def pairs(first: list[Margins], second: list[Margins]) -> dict:
        sums = defaultdict(list)
        for a in first:
            for b in second:
                predicted = a.predicted + b.predicted if known else 0
                sums[a.true + b.true, a.right + b.right, predicted].append((a, b))
        return sums

    first, second = pairs(*each[:2]), pairs(*each[2:])
    solutions = []
    for (true, right, predicted), found in first.items():
        for all_right in hits(accuracy, size):
            rest = (size - true, all_right - right, size - predicted if known else 0)
            solutions += [a + b for a in found for b in second.get(rest, [])]
    return solutions
