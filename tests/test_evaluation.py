"""Metrics, intervals and comparisons: by hand, and of simulated equal networks."""

import numpy as np
import pytest

from smartclass_utils import evaluation
from smartclass_utils.evaluation import entry, metrics
from smartclass_utils.statistics import difference, holm, wilson_interval

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


@pytest.mark.parametrize(("right", "total", "wanted"), [
    (0, 10, (0, 0.277533)), (10, 10, (0.722467, 1)), (409, 500, (0.781797, 0.849354)),
])  # fmt: skip
def test_wilson_interval(right, total, wanted):
    assert wilson_interval(right, total) == pytest.approx(wanted, abs=1e-6)


def test_difference_by_hand():
    a = np.array([[1, 1, 1, 0], [1, 1, 1, 1]])
    b = np.array([[1, 0, 0, 0], [1, 0, 1, 0]])
    found = difference(a, b)
    # Of the images: means 0, 1, 0.5, 0.5; their variance 1/6, over 4 images 1/24.
    # Of the trainings: 0.75 and 1, 0.25 and 0.5; each variance 1/32, over 2 1/64.
    error = (1 / 24 + 1 / 64 + 1 / 64) ** 0.5
    freedom = error**4 / (1 / 24**2 / 3 + 2 * (1 / 64) ** 2)
    assert found.estimate == pytest.approx(0.5)
    assert freedom == pytest.approx(4.983, abs=1e-3)
    assert found.high - 0.5 == pytest.approx(2.5726 * error, rel=1e-3)  # table of t
    assert 0.5 - found.low == pytest.approx(found.high - 0.5)
    assert 0.10 < found.p < 0.15  # t = 1.851: 1.476 has 0.2, 2.015 has 0.1


def test_one_training_carries_no_interval():
    one, three = np.ones((1, 20)), np.zeros((3, 20))
    for found in (difference(one, three), difference(three, one)):
        assert abs(found.estimate) == 1
        assert np.isnan([found.low, found.high, found.p]).all()


def test_networks_that_answer_alike_are_equal():
    same = np.tile([1, 0, 1], (3, 1))
    assert difference(same, same) == (0, 0, 0, 1)
    assert difference(np.ones((2, 5)), np.zeros((2, 5))) == (1, 1, 1, 0)


@pytest.mark.parametrize("trainings", [3, 5])
@pytest.mark.parametrize("spread", [0.02, 0.06])
def test_equal_networks_are_rarely_told_apart(trainings, spread):
    """Networks of one mean accuracy; their trainings and the images vary."""
    pairs, images = 500, 279
    generator = np.random.default_rng(trainings)
    hard = generator.normal(0, 0.2, (pairs, 1, 1, images))
    seeds = generator.normal(0, spread, (pairs, 2, trainings, 1))
    chance = (0.8 + hard + seeds).clip(0, 1)
    right = generator.random(chance.shape) < chance
    assert np.mean([difference(*pair).p < 0.05 for pair in right]) <= 0.05


@pytest.mark.parametrize(("p", "corrected"), [
    ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
    ([0.6, 0.7], [1, 1]), ([0.02], [0.02]), ([], []),
    ([np.nan, 0.001, 0.02], [np.nan, 0.003, 0.04]),  # of single trainings, left open
])  # fmt: skip
def test_holm_by_hand(p, corrected):
    assert holm(np.array(p)) == pytest.approx(corrected, nan_ok=True)
