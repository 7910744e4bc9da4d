"""k-fold cross-validation: every image is tested once, by a network that never saw it.

The folds have the same shares of every class, and nearly equal pictures lie in one.
"""

from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import torch
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedGroupKFold

from smartclass_utils.batches import Batches, predict_logits
from smartclass_utils.beyond.runs import train_step
from smartclass_utils.beyond.steps import Step
from smartclass_utils.config import SmartClassError
from smartclass_utils.dataset import CleanData, load_clean
from smartclass_utils.files import read_json, write_json
from smartclass_utils.hardware import pick_device
from smartclass_utils.near_duplicates import near_clusters


def groups_of(data: CleanData) -> np.ndarray:
    """Return a number for each image, int (N,); those that belong together share it.

    That is the subject where it is known, else the cluster of nearly equal pictures.
    """
    subjects = data.labels["subject"].to_numpy()
    unnamed = [f"cluster {number}" for number in near_clusters(data.images)]
    return pd.factorize(np.where(subjects == "", unnamed, subjects))[0]


def fold_splits(data: CleanData, folds: int, seed: int = 0) -> list[CleanData]:
    """Return the data once for each fold, with a split of its own.

    Args:
        data: the cleaned data set; its frozen split plays no part.
        folds: k; each fold is the test split once, the next one then validates.
        seed: of the dealing.

    Raises:
        SmartClassError: if there are too few images or groups for so many folds.
    """
    fewest = int(np.bincount(data.targets).min())
    groups = groups_of(data)
    if not 3 <= folds <= min(fewest, len(set(groups))):
        raise SmartClassError(
            f"{folds} folds do not work here: choose 3 to {fewest}, the number of "
            "images in the smallest class."
        )
    dealer = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    parts = [rows for _, rows in dealer.split(data.targets, data.targets, groups)]
    splits = []
    for which in range(folds):
        split = np.full(len(data.labels), "train", object)
        split[parts[which]] = "test"
        split[parts[(which + 1) % folds]] = "val"
        splits.append(replace(data, labels=data.labels.assign(split=split)))
    return splits


def one_fold(
    clean: Path,
    step: Step,
    folds: int,
    which: int,
    seed: int,
    threads: int | None,
    folder: Path | None,
) -> dict:
    """Return one row of the table, from ``folder`` if that fold was done before."""
    data = load_clean(clean)
    if not folder:
        return train_fold(data, step, folds, which, seed, threads)
    file = folder / f"{step.name}_fold{which + 1}of{folds}_seed{seed}.json"
    if file.exists():
        kept = read_json(file, "delete it")
        if kept["fingerprint"] == data.fingerprint:
            return kept["row"]
    row = train_fold(data, step, folds, which, seed, threads)
    write_json(file, {"fingerprint": data.fingerprint, "row": row})
    return row


def train_fold(
    data: CleanData, step: Step, folds: int, which: int, seed: int, threads: int | None
) -> dict:
    """Train on all folds but one and test on that; return one row of the table."""
    if threads:
        torch.set_num_threads(threads)
    data = fold_splits(data, folds, seed)[which]
    fitted, about = train_step(data, step, seed)
    device = pick_device()
    batches = Batches(data, "test", device)
    model = fitted.model.to(device)
    logits = predict_logits(model, batches, step.recipe.flip_test)
    targets, predicted = batches.targets.cpu().numpy(), logits.argmax(1).numpy()
    return {
        "step": step.name,
        "title": step.title,
        "fold": which + 1,
        "train": len(data.rows("train")),
        "test": len(targets),
        "accuracy": float((predicted == targets).mean()),
        "macro_f1": float(f1_score(targets, predicted, average="macro")),
        "seconds": about["seconds"],
    }


def cross_validate(
    clean: Path,
    steps: list[Step],
    folds: int = 5,
    seed: int = 0,
    jobs: int = 1,
    folder: Path | None = None,
) -> pd.DataFrame:
    """Cross-validate steps; the folds go through joblib, see :func:`sweep`.

    Args:
        clean: folder of the clean images.
        steps: what to train.
        folds: k.
        seed: of the folds and of every training.
        jobs: processes.
        folder: where each fold is kept as soon as it is done; by default nowhere.

    Returns:
        One row a step and fold: ``step``, ``title``, ``fold`` (1…k), ``train`` and
        ``test`` (images), ``accuracy`` and ``macro_f1`` (0…1), ``seconds``.
    """
    fold_splits(load_clean(clean), folds, seed)  # says at once what can't work
    threads = max(1, (joblib.cpu_count() or 1) // jobs) if jobs > 1 else None
    calls = [
        joblib.delayed(one_fold)(clean, step, folds, which, seed, threads, folder)
        for step in steps
        for which in range(folds)
    ]
    return pd.DataFrame(joblib.Parallel(n_jobs=jobs)(calls))
