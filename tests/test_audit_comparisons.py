import numpy as np
import pandas as pd
import pytest
import torch

from smartclass_utils.audit import calibration, comparisons, reproducibility
from smartclass_utils.audit.outputs import Output, by_model, vote
from smartclass_utils.batches import softmax
from smartclass_utils.recipes import Recipe


def output(title, answers, targets, seed=0, sure=5.0):
    logits = np.eye(3, dtype=np.float32)[answers] * sure
    targets = np.asarray(targets)
    card = {"title": title, "name": title, "seed": seed}
    return Output(card, logits, logits, targets, targets)


def test_mcnemar_counts_only_disagreements():
    first = np.array([1, 1, 1, 1, 1, 1, 0, 0], bool)
    second = np.array([0, 0, 0, 0, 0, 1, 1, 0], bool)
    only_first, only_second, p = comparisons.mcnemar(first, second)
    assert (only_first, only_second) == (5, 1)
    assert p == pytest.approx(2 * (1 + 6) / 64)  # two-sided binomial, 6 tosses
    assert comparisons.mcnemar(first, first) == (0, 0, 1.0)


def test_holm_by_hand():
    assert comparisons.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert comparisons.holm([0.6, 0.7]) == [1, 1]
    assert comparisons.holm([]) == []


def test_bootstrap_interval_is_that_of_the_binomial():
    right = np.arange(400) < 300
    low, high = comparisons.bootstrap_interval(right)
    half = 1.96 * (0.75 * 0.25 / 400) ** 0.5
    assert low == pytest.approx(0.75 - half, abs=0.01)
    assert high == pytest.approx(0.75 + half, abs=0.01)
    assert comparisons.bootstrap_interval(right) == (low, high)


def test_vote_averages_probabilities():
    targets = [0, 0]
    sure = output("A", [0, 0], targets, sure=9.0)
    unsure = output("A", [1, 1], targets, seed=1, sure=0.5)
    assert vote([sure, unsure, unsure]).tolist() == [0, 0]


def test_softmax_adds_up_to_one_even_for_large_logits():
    found = softmax(np.array([[1000.0, 0.0], [0.0, 0.0]]))
    assert found.tolist() == [[1.0, 0.0], [0.5, 0.5]]
    assert found.dtype == np.float64


def test_softmax_in_single_precision_is_the_networks_own():
    logits = np.random.default_rng(0).normal(0, 5, (50, 4)).astype(np.float32)
    found = softmax(logits, np.float32)
    wanted = torch.from_numpy(logits).softmax(dim=1).numpy()
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_allclose(softmax(logits), found, atol=1e-6)


def test_claims_need_images_and_seeds():
    row = {"first": "A", "second": "B", "only first": 30, "only second": 5}
    sure = pd.Series({**row, "p (Holm)": 0.001, "seeds agree": True})
    assert "**supported**" in comparisons.claim_verdict(sure, "A is better")
    swapped = pd.Series({**sure, "only first": 5, "only second": 30})
    assert "**refuted**" in comparisons.claim_verdict(swapped, "A is better")
    lucky = pd.Series({**sure, "seeds agree": False})
    assert "can’t tell" in comparisons.claim_verdict(lucky, "A is better")


def test_networks_that_differ_are_told_apart():
    targets = np.arange(60) % 3
    good = [output("good", targets, targets, seed) for seed in range(2)]
    wrong = np.where(np.arange(60) < 20, (targets + 1) % 3, targets)
    bad = [output("bad", wrong, targets, seed) for seed in range(2)]
    found = comparisons.audit_comparisons(good + bad)
    assert found.tables["pairs"].loc[0, "only first"] == 20
    assert "good and bad" in found.sentence
    assert list(by_model(good + bad)) == ["good", "bad"]
    assert not comparisons.audit_comparisons(good).available


def test_calibration_error_by_hand():
    # Four answers with 0.9 (three right) and one with 0.6 (wrong).
    probabilities = np.array([[0.9, 0.1]] * 4 + [[0.6, 0.4]])
    table = calibration.reliability(probabilities, np.array([0, 0, 0, 1, 1]))
    assert table["images"].tolist() == [1, 4]
    expected = (4 * abs(0.75 - 0.9) + 1 * abs(0 - 0.6)) / 5
    assert calibration.calibration_error(table) == pytest.approx(expected)


def test_temperature_is_found_again():
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (20_000, 3))
    chances = softmax(logits)
    targets = (generator.random((20_000, 1)) > chances.cumsum(axis=1)).sum(axis=1)
    assert calibration.fit_temperature(logits, targets) == pytest.approx(1, abs=0.05)
    tripled = calibration.fit_temperature(3 * logits, targets)
    assert tripled == pytest.approx(3, abs=0.15)


def test_training_twice_gives_the_same_weights_bit_for_bit(clean_data):
    recipe = Recipe(epochs=2)
    first, again, other = (
        reproducibility.train_once(clean_data, seed, recipe, "cpu")
        for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other
    assert len(first) == 64
