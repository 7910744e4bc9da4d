"""Beyond the report: sweeps, cross-validation, what is stored and shown."""

import json
from dataclasses import replace

import joblib
import numpy as np
import pytest
import torch
from conftest import write_clean
from torchvision.models import resnet18

from benchmarks import bench_gpu, bench_training
from benchmarks.made_up import clean_data_of
from smartclass_utils import models, recording, transfer
from smartclass_utils.beyond import (
    crossval,
    plots,
    runs,
    ship,
    steps,
    stored,
    study,
    verdicts,
)
from smartclass_utils.config import SmartClassError
from smartclass_utils.dataset import load_clean
from smartclass_utils.predict.predictor import Predictor
from smartclass_utils.recipes import STRONG


def quick(step: steps.Step) -> steps.Step:
    small = {"channels": (8, 16)} if step.model == "own" else {"channels": (4, 8)}
    recipe = replace(step.recipe, epochs=1, batch_size=8)
    return replace(step, recipe=recipe, changes={**small, **step.changes})


MAIN, OWN = quick(steps.REPORT_RECIPE[0]), quick(steps.OWN)


@pytest.fixture
def clean(tmp_path):
    return write_clean(tmp_path / "clean")


def quiet(line: str) -> None:
    pass


def test_every_step_has_its_own_name_and_builds():
    everything = (
        *steps.REPORT_RECIPE,
        *steps.LADDER,
        *steps.STRONG_RECIPE,
        steps.OWN,
        steps.DISTILLED,
        steps.PRETRAINED,
        *steps.ALTERNATIVES,
    )
    assert len({step.name for step in everything}) == len(everything)
    for step in everything:
        model = models.build(step.model, 4, step.image_size, **step.changes)
        assert models.count_parameters(model) < 1_500_000


def test_a_sweep_goes_on_where_it_was_stopped(clean, tmp_path):
    folder = tmp_path / "runs"
    work = [(clean, MAIN, 0), (clean, MAIN, 1)]
    files = runs.sweep(work[:1], folder, log=quiet)
    stamp = files[0].stat().st_mtime_ns
    files = runs.sweep(work, folder, log=quiet)
    assert files[0].stat().st_mtime_ns == stamp
    assert [file.name for file in files] == ["main_seed0.npz", "main_seed1.npz"]
    run = runs.read_run(files[1])
    assert run.about["seed"] == 1
    assert run.logits["kept_test"].shape == (16, 4)


def test_no_test_image_is_looked_at_to_choose(clean, tmp_path):
    step = quick(replace(steps.ALTERNATIVES[-1], image_size=16))
    [file] = runs.sweep([(clean, step, 0)], tmp_path, log=quiet)
    names = set(runs.read_run(file).logits)
    assert not any(name.endswith("_test") for name in names)
    assert "flipped_val" in names


def test_same_seed_same_answers_in_one_process_or_two(clean, tmp_path):
    work = [(clean, OWN, 0), (clean, OWN, 1)]
    alone = runs.sweep(work, tmp_path / "one", jobs=1, log=quiet)
    beside = runs.sweep(work, tmp_path / "two", jobs=2, log=quiet)
    for first, second in zip(alone, beside, strict=True):
        one, two = (runs.read_run(file).logits for file in (first, second))
        assert np.allclose(one["flipped_test"], two["flipped_test"], atol=0.05)


def test_a_cluster_can_take_a_sweep(clean, tmp_path):
    distributed = pytest.importorskip("dask.distributed", reason="extra 'cluster'")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        files = runs.sweep([(clean, MAIN, 0)], tmp_path / "far", jobs=-1, log=quiet)
    assert runs.read_run(files[0]).logits["kept_val"].shape == (16, 4)


def test_distilled_learns_from_the_ensemble(clean, tmp_path):
    runs.sweep([(clean, OWN, 0), (clean, OWN, 1)], tmp_path, log=quiet)
    soft = runs.teacher_says(tmp_path, "own")
    assert soft.shape == (48, 4)
    assert torch.allclose(soft.sum(dim=1), torch.ones(48))
    distilled = quick(steps.DISTILLED)
    [file] = runs.sweep([(clean, distilled, 0)], tmp_path, log=quiet)
    assert file.name == "own_distilled_seed0.npz"


def test_pretrained_starts_from_other_data(clean, tmp_path):
    other = write_clean(tmp_path / "other", name="other")
    runs.pretrain([other], tmp_path, OWN, 0)
    step = quick(steps.PRETRAINED)
    [file] = runs.sweep([(clean, step, 0)], tmp_path, log=quiet)
    assert runs.read_run(file).about["step"] == "own_pretrained"


def test_join_takes_no_test_image(clean, tmp_path):
    first = load_clean(clean)
    second = load_clean(write_clean(tmp_path / "other", name="other"))
    both = runs.join([first, second])
    assert both.name == "made up + other"
    assert both.split_sizes() == {"train": 96, "val": 32, "test": 0}
    assert len(both.images) == 128
    small = load_clean(write_clean(tmp_path / "small", size=20))
    with pytest.raises(SmartClassError, match="same classes and size"):
        runs.join([first, small])


def test_every_image_is_tested_once_and_doubles_stay_together(clean):
    images = np.load(clean / "images.npy")
    images[3] = images[0]  # the same picture twice
    np.save(clean / "images.npy", images)
    splits = crossval.fold_splits(load_clean(clean), 4)
    tested = np.concatenate([one.rows("test") for one in splits])
    assert sorted(tested) == list(range(80))
    for one in splits:
        assert not set(one.rows("test")) & set(one.rows("val"))
        counts = np.bincount(one.targets[one.rows("test")])
        assert counts.max() - counts.min() <= 2
        assert one.labels["split"][0] == one.labels["split"][3]


@pytest.mark.parametrize("folds", [2, 21])
def test_impossible_folds_are_refused_in_a_sentence(clean, folds):
    with pytest.raises(SmartClassError, match=f"{folds} folds do not work"):
        crossval.cross_validate(clean, [MAIN], folds)


def test_cross_validation_gives_a_row_a_fold(clean):
    table = crossval.cross_validate(clean, [MAIN], 3)
    assert table["fold"].tolist() == [1, 2, 3]
    assert table["test"].sum() == 80
    shown = stored.folds_table(table.to_dict("records"))
    assert shown.loc["Main CNN", "folds"] == 3


def test_folds_are_kept_as_soon_as_they_are_done(clean, tmp_path, monkeypatch):
    first = crossval.cross_validate(clean, [MAIN], 3, folder=tmp_path)
    (tmp_path / "main_fold2of3_seed0.json").unlink()
    trained, train = [], crossval.train_fold

    def watched(data, step, folds, which, *others):
        trained.append(which)
        return train(data, step, folds, which, *others)

    monkeypatch.setattr(crossval, "train_fold", watched)
    again = crossval.cross_validate(clean, [MAIN], 3, folder=tmp_path)
    assert trained == [1]
    assert again.drop(columns="seconds").equals(first.drop(columns="seconds"))


@pytest.fixture
def content(clean, tmp_path):
    folder = tmp_path / "runs"
    first = [*steps.REPORT_RECIPE, *steps.LADDER, *steps.STRONG_RECIPE, steps.OWN]
    last = replace(steps.ALTERNATIVES[-1], image_size=16)
    work = [(clean, quick(step), seed) for step in (*first, last) for seed in (0, 1)]
    runs.sweep(work, folder, log=quiet)
    return study.content_of(load_clean(clean), folder, threads=1)


def test_a_study_is_stored_in_the_form_of_results_json(content):
    names = [entry["name"] for entry in content["models"]]
    assert names[:3] == ["main", "variant1", "variant2"]
    assert names[-2:] == ["own_ensemble", "all_strong_ensemble"]
    for entry in content["models"]:
        assert 0 <= entry["accuracy"] <= 1
        assert np.sum(entry["confusion"]) in (16, 32)
    assert [entry["title"] for entry in content["alternatives"]] == [
        "Our own",
        "equal class weights",
    ]
    assert "confusion" not in content["alternatives"][1]
    assert json.loads(json.dumps(content)) == content


def test_tables_and_figures_of_a_study(content):
    table = stored.models_table({**content, "data": {"name": "rgb96"}})
    assert table.loc["their main CNN (as published; 96 pixels, colour)", "accuracy"]
    both = stored.steps_table({"a": content, "b": content})
    assert both.shape == (7, 8)
    assert both[("a", "gain")].iloc[0] == "–"
    assert all(both[("a", "gain")].iloc[1:] != "–")
    part = {**content, "ladder": [content["ladder"][i] for i in (0, 3, 4)]}
    gains = stored.steps_table({"all": content, "part": part})[("part", "gain")]
    assert (gains != "–").sum() == 1
    assert "not every step" in verdicts.largest_step(part)
    assert "difference" in stored.alternatives_table(content)
    published = stored.read_published("rgb96")
    assert plots.accuracy_against_minutes(content, published).axes
    assert plots.ladder_figure({"a": content}).axes
    assert [plots.group_of(n) for n in ("main", "main_strong", "own_ensemble")] == [
        "report's recipe",
        "strong recipe",
        "our own",
    ]


def test_training_images_are_shown_as_they_are_changed(clean):
    fig = plots.augmented_faces(load_clean(clean), STRONG.augmentation, copies=3)
    assert len(fig.axes) == 16


def test_transfer_takes_the_weights_from_where_torchvision_keeps_them(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert transfer.cached_weights() is None
    source = resnet18(weights=None)
    place = tmp_path / "hub" / "checkpoints"
    place.mkdir(parents=True)
    torch.save(source.state_dict(), place / "resnet18-f37072fd.pth")
    model = models.build("resnet18", 4)
    transfer.load_imagenet(model, transfer.cached_weights())
    assert torch.equal(model.features[0].weight, source.conv1.weight)
    assert model(torch.zeros(2, 1, 48, 48, dtype=torch.uint8)).shape == (2, 4)


def test_verdicts_read_a_study_out(content):
    named = {**content, "data": {**content["data"], "name": "rgb96"}}
    text = verdicts.summary(named)
    assert "The recipe alone takes the main CNN from" in text
    assert "the published 86.67 %" in text
    assert "The best of the report's networks, beside ours: " in text
    assert "Equal class weights change" in verdicts.balance_verdict(content)
    own = next(entry for entry in content["models"] if entry["name"] == "own")
    found = verdicts.findings({"made up": content}, own, "demo")
    assert found.count("\n") == 2
    assert "**made up**: from" in verdicts.largest_step(content)
    assert "Main CNN, strong recipe" in recording.study_table(content)


def test_unknown_alternative_is_refused_in_a_sentence():
    assert study.chosen_alternatives(["all"]) == list(steps.ALTERNATIVES)
    with pytest.raises(SmartClassError, match="No alternative 'best'; choose from"):
        study.chosen_alternatives(["best"])
    with pytest.raises(SmartClassError, match="No alternative 'best'"):
        study.run_study("no/such/folder", alternatives=["best"])  # before all else


def test_what_ships_says_where_it_comes_from(clean, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "STUDIES", tmp_path)
    monkeypatch.setattr(ship, "STUDIES", tmp_path)
    monkeypatch.setattr(ship, "SHIPPED_CARD", tmp_path / "shipped" / "own.json")
    monkeypatch.setattr(ship, "IMAGE_SIZE", 16)
    monkeypatch.setattr(ship, "OWN", OWN)
    monkeypatch.setattr(ship, "clean_at", lambda *_: clean)
    monkeypatch.setattr(ship, "find_data", lambda name: name)
    monkeypatch.setattr(ship, "load", lambda name: load_clean(clean))
    with pytest.raises(SmartClassError, match="run `python -m smartclass_utils study`"):
        ship.ship("made up")
    runs.sweep([(clean, OWN, 0), (clean, OWN, 1)], tmp_path / "made up" / "runs")
    card_file = ship.ship("made up", carry="made up", terms="none")
    card = json.loads(card_file.read_text(encoding="utf-8"))
    assert card["test"]["images"] == 16
    assert card["carried_over"]["images"] == 80
    low, high = card["test"]["per_class"]["angry"]["recall_ci95"]
    assert 0 <= low < high <= 1
    assert Predictor.load(card_file).flip_test
    page = card_file.with_name("README.md").read_text(encoding="utf-8")
    assert "2024/1689" in page and card["weights_sha256"] in page
    assert "{" not in page


def test_bench_steps_run(monkeypatch):
    made = clean_data_of(96, 48)
    shares = bench_training.shares_of_a_step(made, steps=2)
    assert set(shares) == {"batch", "augmentation"}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "no CUDA GPU" in bench_gpu.run()["not run"]
