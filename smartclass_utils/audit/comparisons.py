"""Intervals, and whether one network is better than another on the same images."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from smartclass_utils.audit.findings import Finding, missing
from smartclass_utils.audit.outputs import Output, by_model, vote
from smartclass_utils.evaluation import wilson_interval

LEVEL = 0.05  # chance of a false alarm over all comparisons together
DRAWS = 2000  # of a bootstrap


def bootstrap_interval(
    right: np.ndarray, draws: int = DRAWS, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile interval of an accuracy, two numbers in 0…1.

    Test images are drawn with replacement (Efron and Tibshirani 1993, chapter 13).

    Args:
        right: whether, or in which share of trainings, each image was right, (n,).
        draws: resampled test splits.
        seed: of the draws.
    """
    generator = np.random.default_rng(seed)
    which = generator.integers(0, len(right), (draws, len(right)))
    low, high = np.quantile(
        np.asarray(right, float)[which].mean(axis=1), (0.025, 0.975)
    )
    return float(low), float(high)


def mcnemar(first: np.ndarray, second: np.ndarray) -> tuple[int, int, float]:
    """Compare two classifiers on the same images by McNemar's exact test.

    Images that both got right, or both wrong, say nothing about the difference. If the
    two were equally good, the others would fall to either side like a fair coin
    (McNemar 1947, doi:10.1007/BF02295996; exact: Dietterich 1998).

    Args:
        first: whether each image was right, bool (n,).
        second: the same of the other classifier.

    Returns:
        Images that only the first got right, that only the second got right, and the
        two-sided p-value, 1 if there is no such image.
    """
    only_first = int((first & ~second).sum())
    only_second = int((~first & second).sum())
    differing = only_first + only_second
    p = binomtest(only_first, differing).pvalue if differing else 1.0
    return only_first, only_second, float(p)


def holm(p_values: list[float]) -> list[float]:
    """Return p-values corrected for their number, in the same order (Holm 1979).

    The smallest is multiplied by m, the next by m − 1, and so on; a corrected value is
    never below that of a smaller one, and never above 1.
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    stepped = p[order] * np.arange(len(p), 0, -1)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return corrected.tolist()


def intervals(outputs: list[Output]) -> pd.DataFrame:
    """Return each network's mean accuracy, its intervals and its single trainings.

    Columns, all in 0…1: ``accuracy``; ``low`` and ``high`` (Wilson, of the mean
    accuracy on one test split); ``bootstrap low`` and ``bootstrap high`` (over test
    images); ``sd`` and ``seeds`` (of the trainings; the spread from seed).
    """
    rows = {}
    for title, own in by_model(outputs).items():
        share = np.mean([o.right for o in own], axis=0)  # (n,)
        each = [float(o.right.mean()) for o in own]
        low, high = wilson_interval(round(share.sum()), len(share))
        bootstrap = bootstrap_interval(share)
        rows[title] = {
            "accuracy": float(share.mean()),
            "low": low,
            "high": high,
            "bootstrap low": bootstrap[0],
            "bootstrap high": bootstrap[1],
            "sd": float(np.std(each, ddof=1)) if len(each) > 1 else float("nan"),
            "seeds": each,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("network")


def compare_all(outputs: list[Output]) -> pd.DataFrame:
    """Test every pair of networks on the frozen test split.

    Each network answers with the vote of its trainings, so that one test a pair is
    enough and no single lucky training decides it.

    Returns:
        One row a pair: ``first``, ``second``, ``only first``, ``only second`` (images
        that only this one got right), ``p``, ``p (Holm)``, and ``seeds agree``: whether
        all trainings of one lie above all of the other.
    """
    models = by_model(outputs)
    truth = outputs[0].test_targets
    rows = []
    for a, b in combinations(models, 2):
        result = mcnemar(vote(models[a]) == truth, vote(models[b]) == truth)
        first = [o.right.mean() for o in models[a]]
        second = [o.right.mean() for o in models[b]]
        apart = min(first) > max(second) or min(second) > max(first)
        rows.append((a, b, *result, bool(apart)))
    columns = ["first", "second", "only first", "only second", "p", "seeds agree"]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(5, "p (Holm)", holm(table["p"].tolist()))
    return table


def claim_verdict(pair: pd.Series, claim: str) -> str:
    """Return whether a claim that the *first* network is better holds.

    It takes a significant test after Holm's correction and trainings that do not
    overlap. Anything less is "can't tell", which does not mean that they are equal.

    Args:
        pair: a row of :func:`compare_all`.
        claim: what the original report says, in words.
    """
    first_leads = pair["only first"] > pair["only second"]
    sure = pair["p (Holm)"] < LEVEL and pair["seeds agree"]
    word = ("supported" if first_leads else "refuted") if sure else "can’t tell"
    return (
        f"“{claim}”: **{word}**. {pair['first']} alone is right on "
        f"{pair['only first']} test images, {pair['second']} alone on "
        f"{pair['only second']}; p = {pair['p (Holm)']:.2g} after Holm’s correction."
    )


def audit_comparisons(outputs: list[Output]) -> Finding:
    """Compare all stored networks in pairs on the frozen test split."""
    if len(by_model(outputs)) < 2:
        return missing("There is only one network, so that nothing can be compared.")
    table, spread = compare_all(outputs), intervals(outputs)
    sure = table[(table["p (Holm)"] < LEVEL) & table["seeds agree"]]
    better = [f"{row.first} and {row.second}" for row in sure.itertuples(index=False)]
    sentence = f"Of {len(table)} pairs of networks, {len(sure)} can be told apart" + (
        f": {'; '.join(better)}." if better else "."
    )
    numbers = {
        "pairs": table.to_dict("records"),
        "accuracy": spread.reset_index().to_dict("records"),
    }
    return Finding(True, sentence, numbers, {"pairs": table, "intervals": spread})
