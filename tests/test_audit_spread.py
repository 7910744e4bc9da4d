import json

import numpy as np
import pandas as pd
import pytest
from conftest import write_clean

from smartclass_utils import models
from smartclass_utils.audit import command, groups, spread
from smartclass_utils.audit.findings import Finding, missing
from smartclass_utils.checkpoints import save_model
from smartclass_utils.dataset import load_clean
from smartclass_utils.hardware import seed_everything
from smartclass_utils.recipes import Recipe
from smartclass_utils.training import fit


def test_spread_from_seed_and_from_split_by_hand():
    rows = [("A", 0, 0, 0.6), ("A", 0, 1, 0.8), ("A", 1, 0, 0.2), ("A", 1, 1, 0.4)]
    table = pd.DataFrame(rows, columns=["network", "split", "seed", "accuracy"])
    found = spread.tell_apart(table).loc["A"]
    assert found["accuracy"] == pytest.approx(0.5)
    assert found["sd from seed"] == pytest.approx(0.02**0.5)
    # Split means 0.7 and 0.3: variance 0.08, of which 0.02 / 2 comes from seeds.
    assert found["sd from split"] == pytest.approx(0.07**0.5)


def test_spread_needs_two_splits_and_two_seeds():
    rows = [("A", 0, 0, 0.6), ("A", 0, 1, 0.8)]
    table = pd.DataFrame(rows, columns=["network", "split", "seed", "accuracy"])
    assert not spread.audit_spread(table).available


def test_redrawn_split_is_stratified_and_keeps_clusters_on_one_side(clean_data):
    clusters = np.arange(80) // 2  # neighbours belong together
    again = spread.redraw_split(clean_data, clusters, seed=1)
    split = again.labels["split"].to_numpy()
    assert (split[::2] == split[1::2]).all()
    counts = pd.crosstab(again.labels["label"], again.labels["split"])
    assert (counts > 0).all(axis=None)
    assert counts["test"].sum() == pytest.approx(12, abs=4)
    other = spread.redraw_split(clean_data, clusters, seed=2).labels["split"]
    assert (other.to_numpy() != split).any()
    assert "made" in set(clean_data.labels["source"])  # the data stays as it is
    assert (clean_data.labels["split"].to_numpy() != split).any()


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A clean set with an attribute, and two trained networks."""
    place = tmp_path_factory.mktemp("people")
    folder = write_clean(place / "clean", per_class=60)
    labels = pd.read_csv(folder / "labels.csv", keep_default_na=False)
    labels["hat"] = ["yes" if i % 3 == 0 else "no" for i in range(len(labels))]
    labels.to_csv(folder / "labels.csv", index=False)
    data = load_clean(folder)
    for name in ("main", "variant2"):
        seed_everything(0)
        network = models.build(name, 4, data.image_size)
        recipe = Recipe(epochs=1)
        result = fit(network, data, recipe, 0, log=lambda line: None)
        save_model(place / "models", name, 0, result, recipe, data)
    return place


def test_reweighted_groups_have_the_same_number_in_every_class(people):
    data = load_clean(people / "clean")
    again = groups.reweighted(data, "hat")
    train = again.labels[again.labels["split"] == "train"]
    assert (pd.crosstab(train["label"], train["hat"]) == 18).all(axis=None)
    assert len(train) == len(data.rows("train"))
    for split in ("val", "test"):
        assert len(again.rows(split)) == len(data.rows(split))
    first = again.rows("train")[0]
    twin = data.labels.index[data.labels["file"] == again.labels["file"][first]][0]
    assert (again.images[first] == data.images[twin]).all()


def test_the_whole_audit_is_stored_as_json(people):
    path = command.run_audit(
        str(people / "clean"),
        str(people / "models"),
        str(people / "audit.json"),
        seeds=2,
        splits=2,
        epochs=1,
    )
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["data"]["name"] == "made up"
    assert len(content["spread"]["trainings"]) == 12
    assert content["mitigation"]["attribute"] == "hat"
    assert content["confound"]["confound"] is None
    for name in ("comparisons", "leaks", "labels", "groups", "reproducibility"):
        assert content[name]["sentence"].endswith(".")


def test_findings_are_added_to_results_without_losing_any(tmp_path):
    path = tmp_path / "results.json"
    path.write_text('{"models": [1]}', encoding="utf-8")
    found = {
        "a": Finding(True, "Seen.", {"n": np.int64(3), "p": float("nan")}),
        "b": missing("Nothing there."),
    }
    command.append_audit(path, found)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["models"] == [1]
    assert content["audit"]["a"] == {
        "available": True,
        "sentence": "Seen.",
        "n": 3,
        "p": None,
    }
    assert content["audit"]["b"] == {"available": False, "reason": "Nothing there."}


def test_a_stored_audit_must_be_of_the_same_images(clean_data, tmp_path, monkeypatch):
    monkeypatch.setenv("SMARTCLASS_OUT", str(tmp_path))
    about = {"name": clean_data.name, "fingerprint": clean_data.fingerprint}
    (tmp_path / "audit.json").write_text(json.dumps({"data": about}), "utf-8")
    assert command.read_stored(clean_data)["data"] == about
    about["fingerprint"] = "other images"
    (tmp_path / "audit.json").write_text(json.dumps({"data": about}), "utf-8")
    assert command.read_stored(clean_data) is None


def test_a_check_that_is_not_stored_says_how_to_get_it():
    assert "smartclass_utils audit" in command.stored_check(None, "spread")["sentence"]
    stored = {"spread": {"available": False, "reason": "Too few."}}
    assert command.stored_check(stored, "spread")["sentence"] == "Too few."
