import json

import numpy as np
import pytest
from conftest import refusal

from smartclass_utils import evaluation
from smartclass_utils.evaluation import entry, metrics
from smartclass_utils.files import write_json

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


def test_results_follow_the_contract(clean_data, tmp_path):
    path = tmp_path / "results.json"
    found = entry([card(0)], [PREDICTED], TARGETS, CLASSES)
    write_json(path, evaluation.results_of(clean_data, [found]))
    content = json.loads(path.read_text(encoding="utf-8"))
    assert (data := content["data"])["split"] == {"train": 48, "val": 16, "test": 16}
    assert data["n_images"] == 80 and sum(data["learned_from"].values()) == 48
    wanted = "name parameters epochs seeds seconds accuracy accuracy_ci95 "
    wanted += "macro_precision macro_recall macro_f1 micro_f1 per_class confusion"
    assert set(wanted.split()) <= set(content["models"][0])


def test_trainings_of_one_network_differ_in_their_seed_only():
    same = [{**card(seed), "arguments": {}, "recipe": {}} for seed in (0, 1)]
    evaluation.check_alike([*same, {**same[0], "name": "other", "epochs": 9}])
    for key, value in (("epochs", 9), ("recipe", {"mirror": True})):
        said = refusal(evaluation.check_alike, [*same, {**same[0], key: value}])
        assert f"differ in {key}, as when chapter 03 was stopped" in said
