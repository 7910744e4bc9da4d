"""From answers to metrics and ``results.json``."""

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
from torch import Tensor, nn

from smartclass_utils.dataset import CleanData
from smartclass_utils.hardware import environment
from smartclass_utils.statistics import wilson_interval

BATCH = 32  # images; more would not stay in the caches of a processor


@torch.inference_mode()
def predict(model: nn.Module, images: Tensor, mirror: bool = False) -> np.ndarray:
    """Return a network's probabilities, float32 (n, K), rows add up to 1.

    Args:
        model: a trained network; it is put into evaluation mode.
        images: grey values 0…255, (n, 1, H, W), on the CPU.
        mirror: answer with the mean over each image and its mirror image.
    """
    model.eval()
    device = next(model.parameters()).device
    parts = []
    for batch in images.split(BATCH):
        batch = batch.to(device)
        logits = model(batch)
        if mirror:
            logits = (logits + model(batch.flip(3))) / 2
        parts.append(logits.float().softmax(dim=1).cpu())
    return torch.cat(parts).numpy()


def metrics(targets: np.ndarray, predicted: np.ndarray, classes: tuple) -> dict:
    """Return the report's metrics of true and predicted class indices, int (n,).

    These are accuracy, its 95 % interval, macro and micro averages (all in 0…1), one
    entry a class in ``per_class``, and the K × K ``confusion`` counts (rows: true). A
    class that was never predicted has precision 0.
    """
    labels, kinds = range(len(classes)), ["precision", "recall", "f1"]
    about = {"labels": labels, "zero_division": 0}
    each = precision_recall_fscore_support(targets, predicted, **about)
    table = pd.DataFrame(dict(zip([*kinds, "images"], each, strict=True)), classes)
    right = int((np.asarray(targets) == np.asarray(predicted)).sum())
    accuracy = right / len(targets)
    return {
        "accuracy": accuracy,
        "accuracy_ci95": list(wilson_interval(right, len(targets))),
        **table[kinds].mean().add_prefix("macro_").to_dict(),
        **{f"micro_{kind}": accuracy for kind in kinds},  # as each has one answer
        "per_class": table.to_dict("index"),
        "confusion": confusion_matrix(targets, predicted, labels=labels).tolist(),
    }


def entry(
    cards: list[dict], answers: list[np.ndarray], targets: np.ndarray, classes: tuple
) -> dict:
    """Return what ``results.json`` says of one network, over all of its trainings.

    Metrics are means, accuracy and macro-F1 with ``…_sd`` and ``…_per_seed`` beside
    them where there are several trainings; the confusion counts are sums. The interval
    covers the choice of test images only. ``cards`` and ``answers``, the predicted
    class indices, int (n,), are of each training; ``targets`` are the true ones.
    """
    each = [metrics(targets, predicted, classes) for predicted in answers]
    first, shares = cards[0], [k for k, v in each[0].items() if isinstance(v, float)]
    found = {
        **{k: first[k] for k in ("name", "chapter", "parameters", "epochs", "network")},
        "seeds": [card["seed"] for card in cards],
        "seconds": np.mean([card["seconds"] for card in cards]),
        **{key: np.mean([m[key] for m in each]) for key in shares},
        "per_class": {
            name: pd.DataFrame([m["per_class"][name] for m in each]).mean().to_dict()
            for name in classes
        },
        "confusion": np.sum([m["confusion"] for m in each], axis=0).tolist(),
        "weights": [card["weights_sha256"] for card in cards],
    }
    right = round(found["accuracy"] * len(targets))
    found["accuracy_ci95"] = list(wilson_interval(right, len(targets)))
    for key in ("accuracy", "macro_f1") if len(cards) > 1 else ():
        values = [m[key] for m in each]
        found[f"{key}_sd"] = float(np.std(values, ddof=1))
        found[f"{key}_per_seed"] = values
    return found


def majority_baseline(data: CleanData) -> dict:
    """Return the metrics of always answering the commonest training class."""
    commonest = np.bincount(data.targets[data.rows("train")]).argmax()
    targets = data.targets[data.rows("test")]
    return {
        "class": data.classes[commonest],
        **metrics(targets, np.full_like(targets, commonest), data.classes),
    }


def results_of(data: CleanData, entries: list[dict]) -> dict:
    """Return what ``results.json`` holds: data set, environment, every network."""
    learned = data.labels["label"].iloc[data.rows("train")].value_counts()
    return {
        "data": {
            "name": data.name,
            "fingerprint": data.fingerprint,
            "n_images": len(data.labels),
            "image_size": data.image_size,
            "classes": list(data.classes),
            "split": data.split_sizes(),
            "learned_from": learned.to_dict(),
        },
        "environment": environment(),
        "baseline": majority_baseline(data),
        "models": entries,
    }
