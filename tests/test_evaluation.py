import numpy as np
import pytest

from smartclass_utils import evaluation
from smartclass_utils.evaluation import entry, metrics

CLASSES = ("a", "b", "c")
TARGETS = np.array([0, 0, 0, 0, 1, 1, 1, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 1, 0, 0])


def test_metrics_by_hand():
    found = metrics(TARGETS, PREDICTED, CLASSES)
    assert found["confusion"] == [[3, 1, 0], [1, 2, 0], [1, 0, 0]]
    assert found["accuracy"] == 5 / 8
    by_hand = {"precision": 3 / 5, "recall": 3 / 4, "f1": pytest.approx(2 / 3)}
    assert found["per_class"]["a"] == {**by_hand, "images": 4}
    assert found["per_class"]["c"]["precision"] == 0
    assert found["macro_recall"] == pytest.approx((3 / 4 + 2 / 3 + 0) / 3)
    assert found["micro_f1"] == found["micro_precision"] == found["accuracy"]
    scores = [row["f1"] for row in found["per_class"].values()]
    assert found["macro_f1"] == pytest.approx(sum(scores) / 3)


def test_majority_baseline_uses_the_training_labels(clean_data):
    labels = clean_data.labels.copy()
    labels.loc[labels.split == "train", "label"] = "happy"
    changed = type(clean_data)(**{**vars(clean_data), "labels": labels})
    found = evaluation.majority_baseline(changed)
    assert found["class"] == "happy"
    assert found["accuracy"] == 0.25


def card(seed):
    about = {"name": "A", "network": "B", "parameters": 1, "epochs": 3, "chapter": 3}
    return {**about, "seed": seed, "seconds": 2.0, "weights_sha256": f"{seed:064}"}


def test_several_trainings_give_mean_and_spread_and_one_does_not():
    found = entry([card(0), card(1)], [PREDICTED, TARGETS], TARGETS, CLASSES)
    assert found["accuracy"] == pytest.approx((5 / 8 + 1) / 2)
    assert found["accuracy_per_seed"] == [5 / 8, 1.0]
    assert found["accuracy_sd"] == pytest.approx(np.std([5 / 8, 1], ddof=1))
    low, high = found["accuracy_ci95"]
    assert low < found["accuracy"] < high
    assert np.sum(found["confusion"]) == 16
    assert found["seeds"] == [0, 1]
    assert found["weights"] == [f"{0:064}", f"{1:064}"]
    one = entry([card(0)], [PREDICTED], TARGETS, CLASSES)
    wanted = metrics(TARGETS, PREDICTED, CLASSES)
    assert "accuracy_sd" not in one
    assert one["accuracy_ci95"] == wanted["accuracy_ci95"]
