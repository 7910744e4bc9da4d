"""From predictions to metrics, intervals and ``results.json``."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.stats import binomtest
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    precision_recall_fscore_support,
)

from smartclass_utils.batches import Batches, predict_logits
from smartclass_utils.checkpoints import flips, load_model, read_cards
from smartclass_utils.config import SmartClassError
from smartclass_utils.dataset import CleanData
from smartclass_utils.files import read_json, write_json
from smartclass_utils.hardware import environment, pick_device


@dataclass(frozen=True)
class Prediction:
    """What one trained model says about the test split.

    Attributes:
        card: the model's card.
        probabilities: float32 (n, K), rows add up to 1.
        targets: int64 (n,), the true class indices.
        classes: K class names.
    """

    card: dict
    probabilities: np.ndarray
    targets: np.ndarray
    classes: tuple[str, ...]

    @property
    def predicted(self) -> np.ndarray:
        """Class index with the highest probability, int64 (n,)."""
        return self.probabilities.argmax(axis=1)


def predict_test(
    folder: Path, data: CleanData, names: tuple[str, ...] | None = None
) -> list[Prediction]:
    """Run the models stored in ``folder`` on the test split of ``data``.

    Args:
        folder: of weights and cards.
        data: the cleaned data set.
        names: of the models; by default all that are stored.
    """
    device = pick_device()
    batches = Batches(data, "test", device)
    targets = batches.targets.cpu().numpy()
    predictions = []
    for card in read_cards(folder):
        if names and card["name"] not in names:
            continue
        model = load_model(folder, card, data).to(device)
        logits = predict_logits(model, batches, flips(card))
        probabilities = torch.softmax(logits, dim=1).numpy()
        predictions.append(Prediction(card, probabilities, targets, data.classes))
    return predictions


def wilson_interval(right: int, total: int, confidence: float = 0.95) -> tuple:
    """Return Wilson's score interval of a proportion, two numbers in 0…1.

    Unlike the textbook interval it stays within 0…1 and holds its level for small
    samples and for proportions near 1 (Wilson 1927, doi:10.2307/2276774).
    """
    interval = binomtest(right, total).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def metrics(targets: np.ndarray, predicted: np.ndarray, classes: tuple) -> dict:
    """Return the report's metrics of one set of predictions.

    Args:
        targets: true class indices, int (n,).
        predicted: predicted class indices, int (n,).
        classes: K class names.

    Returns:
        accuracy, its 95 % interval, macro and micro averages (all in 0…1), one entry
        a class in ``per_class``, and the K × K ``confusion`` counts (rows: true).
        A class that was never predicted has precision 0.
    """
    labels = range(len(classes))
    precision, recall, f1, support = precision_recall_fscore_support(
        targets, predicted, labels=labels, zero_division=0
    )
    micro = precision_recall_fscore_support(
        targets, predicted, labels=labels, average="micro", zero_division=0
    )
    right = int((np.asarray(targets) == np.asarray(predicted)).sum())
    return {
        "accuracy": float(accuracy_score(targets, predicted)),
        "accuracy_ci95": list(wilson_interval(right, len(targets))),
        "macro_precision": float(precision.mean()),
        "macro_recall": float(recall.mean()),
        "macro_f1": float(f1.mean()),
        "micro_precision": float(micro[0]),
        "micro_recall": float(micro[1]),
        "micro_f1": float(micro[2]),
        "per_class": {
            name: {
                "precision": float(precision[k]),
                "recall": float(recall[k]),
                "f1": float(f1[k]),
                "images": int(support[k]),
            }
            for k, name in enumerate(classes)
        },
        "confusion": confusion_matrix(targets, predicted, labels=labels).tolist(),
    }


def majority_baseline(data: CleanData) -> dict:
    """Return the metrics of always answering the commonest training class."""
    commonest = np.bincount(data.targets[data.rows("train")]).argmax()
    targets = data.targets[data.rows("test")]
    return {
        "class": data.classes[commonest],
        **metrics(targets, np.full_like(targets, commonest), data.classes),
    }


def summarise(predictions: list[Prediction]) -> list[dict]:
    """Return one ``results.json`` entry a model, over all of its seeds.

    With several seeds, accuracy and macro-F1 are means, with ``…_sd`` and
    ``…_per_seed`` beside them; the other metrics are means too, the confusion
    counts are sums, and the interval is that of the mean accuracy on one test split.
    """
    entries = []
    for name in dict.fromkeys(p.card["name"] for p in predictions):
        seeds = [p for p in predictions if p.card["name"] == name]
        each = [metrics(p.targets, p.predicted, p.classes) for p in seeds]
        card = seeds[0].card
        entry = {
            "name": name,
            "title": card["title"],
            "parameters": card["parameters"],
            "epochs": card["recipe"]["epochs"],
            "seeds": [p.card["seed"] for p in seeds],
            "seconds": mean([p.card["seconds"] for p in seeds]),
            "images_per_second": mean([p.card["images_per_second"] for p in seeds]),
            **_mean_metrics(each),
        }
        if len(seeds) > 1:
            for key in ("accuracy", "macro_f1"):
                values = [m[key] for m in each]
                entry[f"{key}_sd"] = float(np.std(values, ddof=1))
                entry[f"{key}_per_seed"] = values
        entries.append(entry)
    return entries


def mean(values: list[float]) -> float:
    """Return the arithmetic mean as a Python float."""
    return float(np.mean(values))


def _mean_metrics(each: list[dict]) -> dict:
    """Average the metrics of several seeds on one test split."""
    if len(each) == 1:
        return each[0]
    scalars = [key for key, value in each[0].items() if isinstance(value, float)]
    confusion = np.sum([m["confusion"] for m in each], axis=0)
    n_test = int(confusion.sum()) // len(each)
    pooled = mean([m["accuracy"] for m in each])
    return {
        **{key: mean([m[key] for m in each]) for key in scalars},
        "accuracy_ci95": list(wilson_interval(round(pooled * n_test), n_test)),
        "per_class": {
            name: {key: mean([m["per_class"][name][key] for m in each]) for key in row}
            for name, row in each[0]["per_class"].items()
        },
        "confusion": confusion.tolist(),
    }


def describe(data: CleanData) -> dict:
    """Return what ``results.json`` says of a data set."""
    return {
        "name": data.name,
        "fingerprint": data.fingerprint,
        "n_images": len(data.labels),
        "image_size": data.image_size,
        "classes": list(data.classes),
        "split": data.split_sizes(),
    }


def write_results(path: Path, data: CleanData, entries: list[dict]) -> None:
    """Write ``results.json``: the data set, the environment and every model."""
    content = {
        "data": describe(data),
        "environment": environment(),
        "baseline": majority_baseline(data),
        "models": entries,
    }
    write_json(path, content)


def append_results(path: Path, entries: list[dict]) -> None:
    """Put further models into ``results.json``, in the place of any of their names.

    Raises:
        SmartClassError: if chapter 04 has not written the file.
    """
    if not path.exists():
        raise SmartClassError(
            f"There is no {path}: run chapter 04 first (notebooks/04_evaluation.ipynb)."
        )
    content = read_json(path)
    names = {entry["name"] for entry in entries}
    others = [entry for entry in content["models"] if entry["name"] not in names]
    write_json(path, {**content, "models": [*others, *entries]})


def read_entries(path: Path) -> list[dict]:
    """Return the models of ``results.json``."""
    return read_json(path)["models"]


def confusions(matrix: list[list[int]], classes: tuple) -> pd.DataFrame:
    """Return the wrong cells of a confusion matrix, most frequent first.

    Columns: true class, predicted class, images, share of the true class (0…1).
    """
    counts = np.asarray(matrix)
    rows = [
        (classes[i], classes[j], int(counts[i, j]), counts[i, j] / counts[i].sum())
        for i in range(len(classes))
        for j in range(len(classes))
        if i != j and counts[i, j]
    ]
    table = pd.DataFrame(rows, columns=["true", "predicted", "images", "share"])
    return table.sort_values(
        ["images", "true", "predicted"], ascending=[False, True, True]
    ).reset_index(drop=True)
