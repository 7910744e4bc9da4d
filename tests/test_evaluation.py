"""Metrics and comparisons by hand; cells of chapters 4 to 6 and 8 on made-up inputs."""

import copy
import re
from inspect import signature
from itertools import product
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import chapter_of, refusal
from scipy import stats
from scipy.special import softmax

from smartclass_utils import evaluation
from smartclass_utils.beyond import augment, strong_recipe
from smartclass_utils.config import RESULTS_FOLDER, SPLIT_SHARES
from smartclass_utils.evaluation import entry, metrics
from smartclass_utils.files import read_json
from smartclass_utils.models import ReportCNN
from smartclass_utils.statistics import difference, holm, wilson_interval
from smartclass_utils.training import describe

CLASSES = ("a", "b", "c")
TARGETS = np.array([0, 0, 0, 0, 1, 1, 1, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 1, 0, 0])
OPEN = (np.nan, np.nan, np.nan)  # low, high and p of a difference


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
    labels = clean_data.labels
    labels.loc[labels["split"] == "train", "label"] = "happy"
    found = evaluation.majority_baseline(clean_data)
    assert (found["class"], found["accuracy"]) == ("happy", 0.25)


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
    assert "accuracy_sd" not in one
    assert one["accuracy_ci95"] == metrics(TARGETS, PREDICTED, CLASSES)["accuracy_ci95"]


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


@pytest.mark.parametrize(("a", "b", "wanted"), [
    (np.ones((1, 20)), np.zeros((3, 20)), (1, *OPEN)),
    (np.zeros((3, 20)), np.ones((1, 20)), (-1, *OPEN)),
    (np.tile([1, 0, 1], (3, 1)), np.tile([1, 0, 1], (3, 1)), (0, 0, 0, 1)),
    (np.ones((2, 5)), np.zeros((2, 5)), (1, 1, 1, 0)),
])  # fmt: skip
def test_one_training_carries_no_interval_and_equal_answers_are_equal(a, b, wanted):
    np.testing.assert_array_equal(difference(a, b), wanted)


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


JUDGING, BEYOND, WORTH, APPENDIX = 4, 5, 6, 8  # chapters
VERDICTS = ("overlap =", "word = np.where(")


def run_cells(number: int, *marks: str, **given) -> dict:
    """Run a chapter's imports and parameters, then its cells that hold these texts."""
    (_, _, code), found = chapter_of(number), {}
    for tag in ("fold", "parameters"):
        for cell in code:
            if tag in cell.metadata.get("tags", []):
                exec(re.sub("^%.*", "", cell.source, flags=re.M), found)
    found |= {"display": lambda *shown: None, **given}
    for mark in marks:
        [source] = [cell.source for cell in code if mark in cell.source]
        exec(source, found)
    return found


def test_chapter_5_writes_out_the_recipe_that_the_study_trains_with():
    marks = ("def optimizer_of(", "def schedule_of(", "label_smoothing=SMOOTHING")
    marks += ("def mean_of(", "changes = partial(")
    network, loaders = ReportCNN(4), {"train": range(41)}
    made = run_cells(BEYOND, *marks, data=None, loaders_of=lambda *_, seed: loaders)
    wanted = strong_recipe(network, loaders, made["EPOCHS"])
    optimizer = made["optimizer_of"](network)
    found = [made["schedule_of"](optimizer), optimizer, made["loss"]]
    found.append(made["mean_of"](network))
    parts = ("schedule", "optimizer", "loss", "average")
    assert [*map(describe, found)] == [describe(wanted[part]) for part in parts]
    kept = made["changes"].keywords.items()
    assert all(signature(augment).parameters[k].default == v for k, v in kept)


def test_decoding_finds_made_up_counts_again():
    functions = [f"def {name}(" for name in ("hits", "class_counts", "decode")]
    decoding = run_cells(WORTH, *functions)
    for percentage, total, count in ((0.0, 10, 0), (100.0, 10, 10), (12.5, 8, 1)):
        assert list(decoding["hits"](percentage, total)) == [count]
    images, right, answers = [10, 12, 8, 10], [7, 11, 5, 6], [9, 14, 7, 10]
    precisions = [round(100 * r / a, 2) for r, a in zip(right, answers, strict=True)]
    recalls = [round(100 * r / n, 2) for r, n in zip(right, images, strict=True)]
    found = decoding["decode"](precisions, recalls, 72.5, 40)
    assert np.stack([images, right, answers], axis=1).tolist() in found.tolist()
    assert (found[:, :, 0].sum(axis=1) == found[:, :, 2].sum(axis=1)).all()


def test_a_network_that_forgot_repeats_and_leaves_the_trained_one_as_it_was():
    model = ReportCNN(4, channels=(4, 6), hidden=8, image_size=16)
    before = copy.deepcopy(model.state_dict())
    forgotten = run_cells(APPENDIX, "def forgotten(")["forgotten"]
    one, again, other = (forgotten(model, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    for name, weights in model.named_parameters():
        assert torch.equal(one[name], again[name])
        if weights.ndim > 1:  # the others start at 0 or 1
            assert not torch.equal(one[name], before[name])
            assert not torch.equal(one[name], other[name])


def test_folds_are_even_and_keep_groups():
    noise = np.random.default_rng(0).integers(0, 256, (150, 16, 16), np.uint8)
    subjects = [str(i // 2) for i in range(150)]
    labels = pd.DataFrame({"label": ["a"] * 100 + ["b"] * 50, "subject": subjects})
    data = SimpleNamespace(labels=labels, images=noise)
    marks = ("lots = joint_groups(", "StratifiedGroupKFold(n_folds")
    folds = run_cells(BEYOND, *marks, data=data)["folds"]
    assert pd.Series(folds).groupby(subjects).nunique().max() == 1
    sizes = pd.crosstab(labels["label"], folds).to_numpy()
    assert sizes.tolist() == [[20] * 5, [10] * 5]
    assert run_cells(BEYOND, *marks, data=data, FOLDS=26)["n_folds"] == 25  # b's pairs
    labels.loc[labels["label"] == "b", "subject"] = ["x", "y"] * 25
    said = refusal(run_cells, BEYOND, *marks, data=data)
    assert "b has 2 groups" in said and "too few for 3 folds" in said


@pytest.mark.parametrize(("sources", "within"), [
    ({"A": [50, 0, 50, 50], "B": [0, 50, 0, 0]}, [1 / 3, 1]),  # a class has one alone
    ({"A": [50, 1, 50, 50], "B": [0, 49, 0, 0]}, [0.33, 0.98]),  # but for one image
    ({"A": [50, 0, 50, 0], "B": [0, 50, 0, 50]}, [0.5, 0.5]),  # two from A, two from B
    ({"A": [25] * 4, "B": [25] * 4}, [0.25, 0.25]),  # every class from both alike
    ({"A": [50] * 4}, [0.25, 0.25]),  # a single source
])  # fmt: skip
def test_confounding_in_shares(sources, within):
    counts = pd.DataFrame(sources, index=["a", "e", "h", "n"])
    labels = counts.rename_axis("label").reset_index().melt("label", var_name="source")
    labels = labels.loc[labels.index.repeat(labels.pop("value"))]
    data = SimpleNamespace(labels=labels.reset_index(drop=True))
    share = run_cells(WORTH, "def source_shares(", "share = ", data=data)["share"]
    assert share["overall"].tolist() == [0.25] * 4
    found = share["within its sources"].iloc[:2].tolist()
    assert found == pytest.approx(within, abs=0.005)


@pytest.mark.parametrize(("networks", "verdicts"), [
    ({"A": (5, 0.95), "B": (5, 0.7)}, ["A"]),  # trainings, share of right answers
    ({"A": (5, 0.7), "B": (5, 0.95)}, ["B"]),
    ({"A": (5, 0.8), "B": (5, 0.8)}, ["can't tell"]),
    ({"A": (1, 0.99), "B": (1, 0.5)}, ["can't tell"]),
    ({"A": (1, 0.99), "B": (5, 0.5)}, ["can't tell"]),
    ({"A": (5, 0.8)}, []),
])  # fmt: skip
def test_verdicts_of_pairs(networks, verdicts):
    draw = np.random.default_rng(0).random
    right = {name: draw((n, 300)) < share for name, (n, share) in networks.items()}
    given, marks = {"answers": right, "targets": True}, ("pairs = ", "verdict = ")
    pairs = run_cells(JUDGING, *marks, **given)["compared"]
    assert pairs["better"].tolist() == verdicts
    if len(pairs) and min(map(len, right.values())) == 1:
        assert pairs[["low", "high", "p, corrected"]].isna().all(axis=None)


def made_up_grid(effect: float, splits: int = 10, seeds: int = 3) -> pd.DataFrame:
    """Return a grid in which variant 1 loses ``effect`` against the main CNN."""
    generator = np.random.default_rng(1)
    of_split = generator.normal(0, 0.02, splits)
    names = ("Main CNN", "Variant 1", "Variant 2")
    trained = product(names, range(splits), range(seeds))
    grid = pd.DataFrame(trained, columns=["network", "split", "seed"])
    accuracy = 0.8 + of_split[grid["split"]] + generator.normal(0, 0.01, len(grid))
    accuracy -= effect * (grid["network"] == "Variant 1")
    return grid.assign(accuracy=accuracy, n_test=300)


def run_grid(tmp_path, grid, name: str, *marks: str, images="000123456") -> dict:
    grid.assign(images="00012345").to_csv(tmp_path / "made_grid.csv", index=False)
    data, said = SimpleNamespace(name=name, fingerprint=images), []
    folders = SimpleNamespace(RESULTS_FOLDER=tmp_path, SPLIT_SHARES=SPLIT_SHARES)
    given = {"config": folders, "Markdown": said.append, "GRIDS": ("made",)}
    marks = ("_grid.csv", "def against_main(", *marks)
    return {**run_cells(WORTH, *marks, data=data, **given), "said": said}


def test_the_grid_answers_kernel_and_depth(tmp_path):
    grid = made_up_grid(0.05)
    found = run_grid(tmp_path, grid, "made", *VERDICTS)
    table = found["verdicts"].set_index("network")
    verdicts = table.loc[["Variant 1", "Variant 2"], "verdict"].tolist()
    assert verdicts == ["worse", "can’t tell"]
    paired = found["paired"]["made"]["Variant 1"]
    seeds = 100 * grid.groupby(["seed", "network"])["accuracy"].mean().unstack()
    of_seeds = (seeds["Variant 1"] - seeds["Main CNN"]).var() / 3
    of_splits = paired.var() * (1 / 10 + 0.15 / 0.70)  # Nadeau and Bengio 2003
    error = (of_splits + of_seeds) ** 0.5
    freedom = error**4 / (of_splits**2 / 9 + of_seeds**2 / 2)
    low, high = stats.t(freedom, paired.mean(), error).interval(0.95)
    bounds = table.loc["Variant 1", ["points", "low", "high"]].tolist()
    assert bounds == pytest.approx([paired.mean(), low, high], abs=0.06)
    grid.loc[(grid["network"] == "Variant 1") & (grid["seed"] == 0), "accuracy"] -= 0.1
    unlucky = run_grid(tmp_path, grid, "made", *VERDICTS)["verdicts"]
    assert unlucky["points"].min() < -7 and set(unlucky["verdict"]) == {"can’t tell"}
    for name, images, left in (("others", "0001", ["made"]), ("made", "0001", [])):
        other = run_grid(tmp_path, found["grids"]["made"], name, images=images)
        assert [*other["grids"]] == left and f"(*{name}*)" in other["said"][0]


def test_a_looser_level_changes_a_verdict():
    about = read_json(RESULTS_FOLDER / "demo.json")["data"]
    data = SimpleNamespace(name="demo", fingerprint=about["fingerprint"])
    marks = ("_grid.csv", "def against_main(", *VERDICTS)
    for level, verdict in ((0.05, "can’t tell"), (0.3, "better")):  # as in Try it
        table = run_cells(WORTH, *marks, data=data, LEVEL=level)["verdicts"]
        assert set(table["data"]) == {"demo", "fer48", "rgb96"}
        of_fer48 = table[table["data"] == "fer48"].set_index("network")["verdict"]
        assert of_fer48["Variant 2"] == verdict


def test_parts_of_variance_by_hand_and_of_the_making(tmp_path):
    made_up_grid(0.0, splits=40, seeds=6).to_csv(tmp_path / "made_grid.csv")
    marks, given = ("def parts(", "variances ="), {"RESULTS_FOLDER": tmp_path}
    found = run_cells(APPENDIX, *marks, **given, DRAWS=1000)
    for square, split_seed_rest in (  # splits × seeds
        ([[60.0, 80], [20, 40]], (800, 200, 0)),  # no rest
        ([[1.0, -1], [-1, 1]], (-2, -2, 4)),  # not cut off at zero
    ):
        parts = tuple(found["parts"](np.array(square), np.arange(2)))
        assert parts == pytest.approx(split_seed_rest)
    table = found["variances"]["made"]
    assert table.loc["split", "variance"] == pytest.approx(4, abs=2.5)  # 2 points
    assert table.loc["split", "low"] > 0
    assert table.loc["seed", "low"] < 0 < table.loc["seed", "high"]
    assert table.loc["rest", "variance"] == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize(("other", "wanted"), [
    ([[0, 1], [8, 27]], 1),  # the same order
    ([[3, 2], [1, 0]], -1),
    ([[1, 0], [2, 3]], 0.8),  # 1 - 6 Σd² / n(n² - 1)
    ([[1, 1], [1, 1]], 0),  # the same everywhere
])  # fmt: skip
def test_rank_correlation_by_hand(other, wanted):
    rank_correlation = run_cells(APPENDIX, "def rank_correlation(")["rank_correlation"]
    rising = np.arange(4.0).reshape(1, 2, 2)
    assert rank_correlation(rising, np.array([other], float)) == pytest.approx(wanted)


@pytest.mark.parametrize(("others", "message"), [
    ([{"epochs": 9}], "trainings of one differ in epochs, as when chapter 03 was"),
    ([{"recipe": {"mirror": True}}], "trainings of one differ in recipe, as"),
    ([{"name": "other", "epochs": 9}], "networks differ in epochs or in the number"),
    ([{}, {"name": "other"}], "networks differ in epochs or in the number of"),
])  # fmt: skip
def test_trainings_differ_in_their_seed_only(others, message):
    one = {"name": "one", "epochs": 3, "arguments": {}, "recipe": {}}
    given = {"read_cards": lambda *_, **__: [one, *({**one, **o} for o in others)]}
    assert message in refusal(run_cells, JUDGING, "by_name = ", **given)


def test_every_training_has_its_own_temperature():
    logits = np.array([2, 8, 0.5])
    chances = softmax([[[one, 0, 0]] * 8 for one in logits], axis=2)
    targets = {"val": np.array([0, 0, 0, 0, 0, 0, 1, 2])}
    marks, given = ("def fit_temperature(", "temperatures = {"), {"targets": targets}
    found = run_cells(APPENDIX, *marks, **given, chances={"val": {"A": chances}})
    by_hand = logits / np.log(6)  # 6 of 8 are right, 1 of 8 each other class
    assert found["temperatures"]["A"] == pytest.approx(by_hand, rel=0.01)


def test_calibration_error_and_floor():
    marks = ("def calibration_error(", "def calibration_row(")
    calibration = run_cells(APPENDIX, *marks)
    confidence, right = np.array([0.9] * 4 + [0.6]), np.array([1, 1, 1, 0, 0])
    error = calibration["calibration_error"](confidence, right)
    assert error == pytest.approx((4 * 0.15 + 1 * 0.6) / 5)
    generator = np.random.default_rng(0)
    sure = generator.uniform(0.5, 1, (2, 300))
    answers = generator.random((2, 300)) < sure  # perfectly calibrated
    row = calibration["calibration_row"](sure, sure, answers, generator)
    assert row[0] == row[1] == pytest.approx(row[2], abs=0.03)
    assert 0.02 < row[2] < 0.06  # the floor
    assert row[3:] == (0, 0)
    calibration["BINS"] = 5  # as in Try it
    coarse = calibration["calibration_row"](sure, sure, answers, generator)
    assert coarse[0] < row[0] and coarse[2] < row[2]


def test_a_gap_is_tested_within_classes():
    generator = np.random.default_rng(0)
    classes = np.array([0] * 40 + [1] * 40)
    groups = pd.Series(["a"] * 30 + ["b"] * 10 + ["a"] * 10 + ["b"] * 30)
    gap_test = run_cells(APPENDIX, "def gap_test(")["gap_test"]
    hard = pd.Series(np.concatenate([np.ones(40), np.arange(40) % 2]))
    gap, p = gap_test(hard, groups, classes, generator)
    assert (gap, p) == (pytest.approx(0, abs=1e-9), 1)
    gap, p = gap_test((groups == "a").astype(float), groups, classes, generator)
    assert gap == pytest.approx(1, abs=0.3) and p < 0.01
