"""How much a result moves with the seed, and how much with the split."""

from collections.abc import Callable
from dataclasses import replace

import joblib
import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import StratifiedGroupKFold

from smartclass_utils.audit.findings import Finding, missing
from smartclass_utils.audit.groups import gap_test, large_enough, reweighted
from smartclass_utils.batches import Batches, predict_logits
from smartclass_utils.dataset import CleanData
from smartclass_utils.hardware import seed_everything
from smartclass_utils.models import TITLES, build
from smartclass_utils.recipes import Recipe
from smartclass_utils.training import fit, quiet

FOLDS = 20  # clusters are dealt into as many; 3 of them are 15 %


def redraw_split(data: CleanData, clusters: np.ndarray, seed: int) -> CleanData:
    """Return the data with a new split, 70/15/15, stratified by class.

    Args:
        data: the cleaned data set; it stays as it is.
        clusters: number of the cluster of each image, int (N,), from
            :func:`smartclass_utils.audit.leaks.find_duplicates`; images of a cluster
            stay on one side.
        seed: of the draw.
    """
    folds = min(FOLDS, int(np.bincount(data.targets).min()))
    dealer = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    parts = [rows for _, rows in dealer.split(data.targets, data.targets, clusters)]
    each = max(1, round(0.15 * folds))
    split = np.full(len(data.labels), "train", object)
    split[np.concatenate(parts[:each])] = "test"
    split[np.concatenate(parts[each : 2 * each])] = "val"
    return replace(data, labels=data.labels.assign(split=split))


def right_answers(data: CleanData, name: str, seed: int, recipe: Recipe) -> np.ndarray:
    """Train a network and return whether each test image was right, bool (n,)."""
    seed_everything(seed)
    model = build(name, len(data.classes), data.image_size)
    fitted = fit(model, data, recipe, seed, torch.device("cpu"), quiet)
    logits = predict_logits(fitted.model, Batches(data, "test", torch.device("cpu")))
    return logits.numpy().argmax(axis=1) == data.targets[data.rows("test")]


def one_accuracy(
    data: CleanData,
    clusters: np.ndarray,
    name: str,
    seed: int,
    split: int,
    recipe: Recipe,
) -> dict:
    """Train one network with one seed on one redrawn split; return its accuracy."""
    again = redraw_split(data, clusters, split)
    right = right_answers(again, name, seed, recipe)
    return {
        "network": TITLES.get(name, name),
        "split": split,
        "seed": seed,
        "accuracy": float(right.mean()),
    }


def train_grid(
    data: CleanData,
    clusters: np.ndarray,
    names: tuple[str, ...],
    splits: range,
    seeds: range,
    recipe: Recipe,
    jobs: int = 1,
    log: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Train every network with every seed on every redrawn split.

    Args:
        data: the cleaned data set.
        clusters: images that stay together, see :func:`redraw_split`.
        names: of the networks.
        splits: seeds of the redrawn splits.
        seeds: of the trainings.
        recipe: of every training.
        jobs: processes (joblib).
        log: called once with what is to be done.

    Returns:
        Columns ``network``, ``split``, ``seed``, ``accuracy`` (0…1).
    """
    work = [
        joblib.delayed(one_accuracy)(data, clusters, name, seed, split, recipe)
        for name in names
        for split in splits
        for seed in seeds
    ]
    log(f"{len(work)} trainings: networks × splits × seeds")
    return pd.DataFrame(joblib.Parallel(jobs)(work))


def tell_apart(table: pd.DataFrame) -> pd.DataFrame:
    """Tell the spread from seed and the spread from split apart.

    One-way analysis of variance with random effects (Searle, Casella and McCulloch
    1992, chapter 3): the variance within a split is the seeds'; what the means of
    the splits vary beyond a share of it is the splits'. The second contains which
    images are learned from and which are tested on.

    Args:
        table: from :func:`train_grid`, at least two splits and two seeds.

    Returns:
        One row a network: ``accuracy`` (mean), ``sd from seed``, ``sd from split``,
        all in 0…1, and ``trainings``.
    """
    rows = {}
    for name, own in table.groupby("network", sort=False):
        square = own.pivot(index="split", columns="seed", values="accuracy")
        within = square.var(axis=1, ddof=1).mean()
        between = square.mean(axis=1).var(ddof=1) - within / square.shape[1]
        rows[name] = {
            "accuracy": own["accuracy"].mean(),
            "sd from seed": within**0.5,
            "sd from split": max(between, 0) ** 0.5,
            "trainings": len(own),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("network")


def audit_spread(table: pd.DataFrame) -> Finding:
    """Say which of the two spreads is larger, over all networks."""
    if table["split"].nunique() < 2 or table["seed"].nunique() < 2:
        return missing("It takes two splits and two seeds to tell their spreads apart.")
    apart = tell_apart(table)
    seed, split = (
        float((apart[f"sd from {what}"] ** 2).mean() ** 0.5)
        for what in ("seed", "split")
    )
    sentence = (
        f"With the seed the accuracy spreads by {100 * seed:.1f} points, with the "
        f"split by {100 * split:.1f} (standard deviations, {len(table)} trainings)."
    )
    numbers = {
        "sd_seed": seed,
        "sd_split": split,
        "networks": apart.reset_index().to_dict("records"),
        "trainings": table.to_dict("records"),
    }
    return Finding(True, sentence, numbers, {"spread": apart})


def mitigation(
    data: CleanData, attribute: str, seeds: range, recipe: Recipe
) -> pd.DataFrame:
    """Train the main network as it is and re-weighted; compare accuracy and gap.

    Args:
        data: the cleaned data set.
        attribute: column of labels.csv whose groups are to weigh the same.
        seeds: of the trainings.
        recipe: of every training.

    Returns:
        Rows "as it is" and "re-weighted"; columns ``accuracy`` and ``gap`` (means over
        seeds, 0…1) and ``p`` (of the gap in the mean over seeds).
    """
    test = data.rows("test")
    groups = data.labels[attribute].to_numpy()[test]
    targets, kept = data.targets[test], large_enough(groups)
    rows = {}
    for name in ("as it is", "re-weighted"):
        each = []
        for seed in seeds:
            used = data if name == "as it is" else reweighted(data, attribute, seed)
            each.append(right_answers(used, "main", seed, recipe))
        share = np.mean(each, axis=0)
        gap, p = gap_test(share[kept], groups[kept], targets[kept])
        rows[name] = {"accuracy": float(share.mean()), "gap": gap, "p": p}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("training images")


def audit_mitigation(
    data: CleanData, attribute: str, seeds: range, recipe: Recipe
) -> Finding:
    """Say what re-weighting the groups of one attribute does to their gap."""
    table = mitigation(data, attribute, seeds, recipe)
    before, after = table.loc["as it is"], table.loc["re-weighted"]
    sentence = (
        f"Re-weighting the groups of *{attribute}* changes their gap from "
        f"{100 * before['gap']:.1f} to {100 * after['gap']:.1f} points and the "
        f"accuracy from {before['accuracy']:.1%} to {after['accuracy']:.1%} (means of "
        f"{len(seeds)} trainings)."
    )
    numbers = {"attribute": attribute, "rows": table.reset_index().to_dict("records")}
    return Finding(True, sentence, numbers, {"mitigation": table})
