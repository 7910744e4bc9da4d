import json

import numpy as np
import pytest

from smartclass_utils import evaluation
from smartclass_utils.config import SmartClassError
from smartclass_utils.evaluation import Prediction, metrics, wilson_interval

CLASSES = ("a", "b", "c")
TARGETS = np.array([0, 0, 0, 0, 1, 1, 1, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 1, 0, 0])


def test_confusion_matrix_by_hand():
    found = metrics(TARGETS, PREDICTED, CLASSES)
    assert found["confusion"] == [[3, 1, 0], [1, 2, 0], [1, 0, 0]]


def test_metrics_by_hand():
    found = metrics(TARGETS, PREDICTED, CLASSES)
    assert found["accuracy"] == 5 / 8
    assert found["per_class"]["a"] == {
        "precision": 3 / 5,
        "recall": 3 / 4,
        "f1": pytest.approx(2 / 3),
        "images": 4,
    }
    assert found["per_class"]["c"]["precision"] == 0
    assert found["macro_recall"] == pytest.approx((3 / 4 + 2 / 3 + 0) / 3)
    assert found["micro_f1"] == found["micro_precision"] == found["accuracy"]


def test_macro_f1_is_the_mean_of_the_class_scores():
    found = metrics(TARGETS, PREDICTED, CLASSES)
    scores = [row["f1"] for row in found["per_class"].values()]
    assert found["macro_f1"] == pytest.approx(sum(scores) / 3)


def test_wilson_interval_of_the_reported_accuracy():
    low, high = wilson_interval(409, 500)
    assert (round(100 * low, 1), round(100 * high, 1)) == (78.2, 84.9)


@pytest.mark.parametrize(("right", "end"), [(0, 0), (20, 1)])
def test_wilson_interval_stays_within_0_and_1(right, end):
    interval = wilson_interval(right, 20)
    assert min(interval) >= 0
    assert max(interval) <= 1
    assert interval[end] == pytest.approx(right / 20)


def test_majority_baseline_uses_the_training_labels(clean_data):
    labels = clean_data.labels.copy()
    labels.loc[labels.split == "train", "label"] = "happy"
    changed = type(clean_data)(**{**vars(clean_data), "labels": labels})
    found = evaluation.majority_baseline(changed)
    assert found["class"] == "happy"
    assert found["accuracy"] == 0.25


def card(seed, name="main"):
    return {
        "name": name,
        "title": "Main CNN",
        "parameters": 1,
        "recipe": {"epochs": 3},
        "seed": seed,
        "seconds": 2.0,
        "images_per_second": 10.0,
    }


def prediction(seed, predicted):
    return Prediction(card(seed), np.eye(3)[predicted], TARGETS, CLASSES)


def test_several_seeds_give_mean_and_spread():
    [entry] = evaluation.summarise([prediction(0, PREDICTED), prediction(1, TARGETS)])
    assert entry["accuracy"] == pytest.approx((5 / 8 + 1) / 2)
    assert entry["accuracy_per_seed"] == [5 / 8, 1.0]
    assert entry["accuracy_sd"] == pytest.approx(np.std([5 / 8, 1], ddof=1))
    assert np.sum(entry["confusion"]) == 16
    assert entry["seeds"] == [0, 1]


def test_one_seed_has_no_spread():
    [entry] = evaluation.summarise([prediction(0, PREDICTED)])
    assert "accuracy_sd" not in entry


def test_confusions_are_sorted_and_leave_out_the_diagonal():
    table = evaluation.confusions([[3, 1, 0], [2, 2, 0], [1, 0, 0]], CLASSES)
    assert table[["true", "predicted", "images"]].to_numpy().tolist() == [
        ["b", "a", 2],
        ["a", "b", 1],
        ["c", "a", 1],
    ]
    assert table.share.tolist() == [0.5, 0.25, 1.0]


def test_results_follow_the_contract(clean_data, tmp_path):
    entries = evaluation.summarise([prediction(0, PREDICTED)])
    path = tmp_path / "results.json"
    evaluation.write_results(path, clean_data, entries)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["data"]["split"] == {"train": 48, "val": 16, "test": 16}
    assert content["data"]["n_images"] == 80
    wanted = "name parameters epochs seeds seconds images_per_second accuracy "
    wanted += "accuracy_ci95 macro_precision macro_recall macro_f1 micro_f1 "
    wanted += "per_class confusion"
    assert set(wanted.split()) <= set(content["models"][0])


def test_further_models_join_results_json_once(tmp_path):
    path = tmp_path / "results.json"
    with pytest.raises(SmartClassError, match="run chapter 04 first"):
        evaluation.append_results(path, [])
    path.write_text(json.dumps({"data": 1, "models": [{"name": "main"}]}))
    for accuracy in (0.5, 0.6):
        entry = {"name": "own", "accuracy": accuracy}
        evaluation.append_results(path, [entry])
    assert evaluation.read_entries(path) == [{"name": "main"}, entry]
