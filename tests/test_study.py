"""The strong recipe, the study and what it stores, and what ships."""

import itertools
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import refusal, rewrite, tree, write_clean, write_photos

from smartclass_utils import evaluation
from smartclass_utils.beyond import augment, strong_recipe
from smartclass_utils.checkpoints import load_model, read_card, read_cards
from smartclass_utils.commands import ship, study, study_rows
from smartclass_utils.commands.study_rows import LADDER, SETS, Row, report_recipe
from smartclass_utils.config import CLASSES, SHIPPED_MODEL
from smartclass_utils.dataset import load_clean
from smartclass_utils.files import read_json
from smartclass_utils.models import build, count_parameters
from smartclass_utils.training import train

ROWS = {name: row for rows in SETS.values() for name, row in rows.items()}
ROWS |= SETS["base"]  # where a name has several recipes


def quick_row(row):
    """Return a row with one epoch, and a small network where it can be small."""
    size = min(row.image_size, 64)
    small = {} if "Lite" in row.network else {"channels": (4, 8)}
    changes = {"arguments": row.arguments | small, "image_size": size}
    recipe = partial(row.recipe, epochs=1)
    return replace(row, **changes, start=Row.start, recipe=recipe)


QUICK = {k: {n: quick_row(r) for n, r in rows.items()} for k, rows in SETS.items()}


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """Make studies small and keep them apart."""
    place = tmp_path_factory.mktemp("quick")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "SETS", QUICK)
        patch.setattr(study, "STUDIES", place / "studies")
        yield write_photos(place / "photos", CLASSES, per_class=12)


@pytest.fixture(scope="module")
def done(quick):
    """Run a study; return its file, ``out``, and what that then holds."""
    out = quick.with_name("out") / "x.json"
    study.run_study(str(quick), str(out), seeds=2, jobs=1, splits=2)
    return SimpleNamespace(out=out, **read_json(out))


class TestStrongRecipe:
    def test_only_kernels_and_matrices_decay(self, small):
        made, (model, _) = strong_recipe(*small, 2, decay=0.05), small
        groups = made["optimizer"].param_groups
        assert [group["weight_decay"] for group in groups] == [0.05, 0.0]
        assert {p.ndim for p in groups[0]["params"]} == {2, 4}
        assert {p.ndim for p in groups[1]["params"]} == {1}
        assert sum(len(g["params"]) for g in groups) == len([*model.parameters()])

    def test_the_rate_rises_for_a_fifth_and_falls_to_almost_nothing(self, small):
        made, rates = strong_recipe(*small, 10, rate=0.01), []  # 6 batches an epoch
        for _ in range(60):
            rates.append(made["schedule"].get_last_lr()[0])
            made["optimizer"].step()
            made["schedule"].step() if len(rates) < 60 else None
        assert rates[0] == pytest.approx(0.001)
        assert max(rates) == pytest.approx(0.01, rel=0.01)
        assert 10 <= np.argmax(rates) <= 12
        assert rates[-1] < 0.0001

    @pytest.mark.parametrize(("steps", "decay"), [
        (5, 0.0), (20, 0.5), (400, 0.975), (4000, 0.99),
    ])  # fmt: skip
    def test_the_running_mean_forgets_the_first_weights(self, steps, decay):
        model = torch.nn.Linear(1, 1, bias=False)
        average = strong_recipe(model, {"train": range(steps)}, 1)["average"]
        torch.nn.init.zeros_(model.weight)
        average.update_parameters(model)
        torch.nn.init.ones_(model.weight)
        average.update_parameters(model)
        assert average.module.weight.item() == pytest.approx(1 - decay, abs=1e-6)

    @pytest.mark.parametrize("steps", range(1, 12))
    def test_a_training_may_be_short(self, steps):
        made = strong_recipe(torch.nn.Linear(1, 1), {"train": range(steps)}, 1)
        for _ in range(steps):
            assert 0 < made["schedule"].get_last_lr()[0] <= 0.003
            made["optimizer"].step()
            made["schedule"].step()

    def test_all_of_it_takes_part_and_it_learns(self, small):
        changed = Mock(side_effect=partial(augment, flip=False))
        made = strong_recipe(*small, 8, augment=changed)
        assert train(*small, **made, log=str).val_accuracy.iloc[-1] >= 0.9
        assert sum(len(call.args[0]) for call in changed.call_args_list) == 8 * 48
        assert made["schedule"].last_epoch == 8 * len(small[1]["train"])
        kept, mean = small[0].state_dict(), made["average"].module.state_dict()
        assert all(torch.equal(kept[name], mean[name]) for name in kept)


class TestRows:
    def test_every_row_builds(self):
        for row in ROWS.values():
            sizes = {"n_classes": 4, "image_size": row.image_size}
            network = build(row.network, row.arguments | sizes)
            assert count_parameters(network) < 3_400_000

    def test_the_ladder_leads_to_our_own_in_steps_of_one_thing(self, small):
        assert LADDER[0][1] == "Main CNN" and LADDER[-1][1] == "Our own"
        assert len({step for step, _, _ in LADDER}) == len(LADDER)
        names = [n for _, n, _ in LADDER[2:7]]  # from the one-cycle rate to the mean
        made = [ROWS[name].recipe(*small) for name in names]
        decays = [one["optimizer"].param_groups[0]["weight_decay"] for one in made]
        assert [one["augment"] is not None for one in made] == [False] + 4 * [True]
        assert [one["loss"].label_smoothing for one in made] == [0, 0, 0.1, 0.1, 0.1]
        assert decays == [0, 0, 0, 0.05, 0.05]
        assert [one["average"] is not None for one in made] == 4 * [False] + [True]


class TestStudy:
    def test_entries_are_those_of_results_json(self, done):
        assert done.data["name"] == "photos"
        names = [entry["name"] for entry in done.models]
        assert names[:3] == ["Main CNN", "Variant 1", "Variant 2"]
        assert names[3] == "Main CNN, strong recipe" and names[-1] == "Our own"
        for entry in [*done.models, *done.ladder]:
            n_test = done.data["split"]["test"]
            bits = np.array([[int(bit) for bit in bits] for bits in entry["right"]])
            assert bits.shape == (2, n_test)
            assert bits.mean(axis=1).tolist() == entry["accuracy_per_seed"]
            assert np.sum(entry["confusion"]) == 2 * n_test
            assert np.mean(entry["val_accuracy_per_seed"]) == entry["val_accuracy"]
        assert [entry["name"] for entry in done.ladder] == [s for s, *_ in LADDER]
        for entry in done.models:
            columns = np.sum(entry["confusion"], axis=0)
            silent = {c for c, n in zip(CLASSES, columns, strict=True) if n == 0}
            assert {f"{c} (2 of 2)" for c in silent} <= set(entry["never"])

    def test_a_grid_of_splits_and_a_page_lie_beside_them(self, done):
        grid = pd.read_csv(done.out.with_name("photos_grid.csv"), dtype={"images": str})
        assert [*grid] == ["network", "split", "seed", "accuracy", "n_test", "images"]
        assert set(grid["images"]) <= {done.data["fingerprint"][:8]}
        sizes = grid.groupby(["network", "split"]).size()
        crossed = itertools.product(("Main CNN", "Variant 1", "Variant 2"), (0, 1))
        assert sizes.index.to_list() == [*crossed]
        assert set(sizes) == {3} and grid["accuracy"].between(0, 1).all()
        page = done.out.with_name("README.md").read_text(encoding="utf-8")
        for words in ("## photos\n", "step by step", "CPU min"):
            assert words in page
        assert f"| Main CNN | {100 * done.models[0]['accuracy']:.1f} ± " in page

    def test_a_finished_training_is_kept_and_a_changed_recipe_is_not(
        self, quick, done, tmp_path, monkeypatch
    ):
        out, before = str(tmp_path / "x.json"), tree(study.STUDIES)
        study.run_study(str(quick), out, seeds=1, jobs=1)
        assert tree(study.STUDIES) == before
        slower = replace(QUICK["base"]["augmented"], batch_size=16)
        changed = {"base": QUICK["base"] | {"augmented": slower}}
        monkeypatch.setattr(study, "SETS", changed)
        study.run_study(str(quick), out, seeds=1, jobs=1)
        after = tree(study.STUDIES)
        changed = [file.name for file in before if after[file] != before[file]]
        assert changed == ["augmented_seed0.safetensors"]

    def test_further_rows_join_those_that_are_stored(self, quick, done):
        for rows in ("transfer", "parts", "shipped"):
            study.run_study(str(quick), str(done.out), rows, seeds=1, jobs=1)
        after = read_json(done.out)
        assert after["ladder"] == done.ladder and after["data"] == done.data
        [*others, last] = after["models"]
        assert last["name"] in SETS["shipped"] and others == done.models
        wanted = [*SETS["transfer"], *SETS["parts"]]
        assert [row["name"] for row in after["transfer"]] == wanted
        page = done.out.with_name("README.md").read_text(encoding="utf-8")
        assert "| EfficientNet-Lite0, from scratch, colour, 160 pixels | " in page
        grey, *_, coloured = sorted((study.STUDIES / "photos").glob("clean*"))
        assert load_clean(grey).channels == 1 and load_clean(coloured).channels == 3

    def test_each_image_that_is_not_for_testing_is_in_one_fold(self, quick, done):
        out = done.out.with_name("y.json")
        for rows in ("report", "started"):
            study.run_study(str(quick), str(out), rows, seeds=0, jobs=1, folds=2)
        table = pd.read_csv(out.with_name("photos_folds.csv"))
        about, split = ["sha256", "label", "fold"], done.data["split"]
        assert [*table] == [*about, *SETS["report"], *SETS["started"]]
        assert len(table) == split["train"] + split["val"]
        assert table["sha256"].is_unique and not out.exists()
        counts = pd.crosstab(table["fold"], table["label"])
        assert counts.shape == (2, 4) and np.ptp(counts.to_numpy()) <= 1
        assert table.drop(columns=about).isin(CLASSES).all(axis=None)
        cards = read_cards(study.STUDIES / "photos" / "fold0of2")
        assert {card["name"] for card in cards} == {*SETS["report"], *SETS["started"]}
        asked = (study.run_study, str(quick), str(out), "report", 0, 1, 0, 3)
        assert "_folds.csv has other folds: name another place" in refusal(*asked)
        out.with_name("photos_folds.csv").write_text("my,own\n1,2\n")
        assert "_folds.csv has no column 'sha256'" in refusal(*asked)

    @pytest.mark.parametrize(("name", "content", "message"), [
        ("x.json", '{"data": {"fingerprint": "0"}}', "holds no study of these images"),
        ("x.json", '{"keep": "me"}', "holds no study of these images: name another"),
        ("x.json", "[1]", "cannot be read as a JSON object: name another file with"),
        ("README.md", "my notes", "README.md is no page of results: name another file"),
    ])  # fmt: skip
    def test_nothing_else_is_replaced(self, quick, tmp_path, name, content, message):
        (tmp_path / name).write_text(content)
        out = str(tmp_path / "x.json")
        assert message in refusal(study.run_study, str(quick), out, seeds=1, jobs=1)
        assert (tmp_path / name).read_text() == content

    @pytest.mark.parametrize(("options", "message"), [
        ({"seeds": -1}, "SEEDS = -1 is not a whole number from 0 to"),
        ({"jobs": 0}, "JOBS = 0 is not a whole number from 1 to"),
        ({"splits": 1}, "1 split makes no grid"),
        ({"seeds": 0}, "0 seeds, splits and folds make nothing: name more"),
        ({"folds": 99}, "FOLDS = 99, and angry has 10 groups"),
        ({"rows": "all"}, "No study has rows all: name base, report, "),
        ({"data": "demo", "out": None}, "what `make record` writes"),
    ])  # fmt: skip
    def test_what_cannot_work_is_one_sentence(self, quick, options, message, tmp_path):
        usual = {"data": str(quick), "out": str(tmp_path / "x.json")}
        assert message in refusal(study.run_study, **usual | options)
        assert not (tmp_path / "x.json").exists()

    def test_two_processes_give_what_one_gives(self, tmp_path):
        write_clean(tmp_path / "clean48")
        row, both = Row(report_recipe), []
        for jobs in (1, 2):
            folder = tmp_path / f"with {jobs}"
            work = [study.Job(folder, "Main CNN", row, seed) for seed in (0, 1)]
            cards = study.sweep(tmp_path, work, jobs)
            both.append([card["weights_sha256"] for card in cards])
        assert both[0] == both[1]


def test_votes_make_labels_and_targets(tmp_path):
    folder = write_clean(tmp_path / "clean48")
    said = {"angry": (7, 3, 0), "happy": (1, 9, 0), "neutral": (5, 5, 0)}
    table = load_clean(folder).labels
    votes = [said.get(label, (0, 0, 10)) for label in table["label"]]
    names = ["votes_anger", "votes_happiness", "votes_nf"]
    assert "no columns votes_" in refusal(study_rows.majority, load_clean(folder))
    rewrite(folder, table.join(pd.DataFrame(votes, columns=names)))
    data = study_rows.majority(load_clean(folder))
    assert (data.name, *data.classes) == ("ferplus", "anger", "happiness")
    assert data.split_sizes() == {"train": 24, "val": 8, "test": 8}
    shares = study_rows.vote_shares(data)
    assert shares[0].tolist() == pytest.approx([0.7, 0.3]) and len(shares) == 24
    row = SETS["votes"]["Our own, shares of the votes"]
    row = replace(row, recipe=partial(report_recipe, epochs=1))
    card = study.run_job(tmp_path, study.Job(tmp_path, "Our own", row, 0), "")
    assert card["classes"] == ["anger", "happiness"]
    assert len(card["answers"]["test"]) == 8


class TestShipped:
    def test_it_answers_as_it_always_did_and_its_page_is_about_it(self):
        card = read_card(SHIPPED_MODEL)
        assert card["classes"] == list(CLASSES) and card["recipe"]["mirror"]
        noise = np.random.default_rng(0).integers(0, 256, (64, 48, 48), dtype=np.uint8)
        images = torch.from_numpy(noise[:1])[:, None]
        found = evaluation.predict(load_model(card), images, mirror=True)
        assert found[0] == pytest.approx([0.8549, 0.1185, 0.0164, 0.0102], abs=2e-3)
        page = SHIPPED_MODEL.with_name("README.md").read_text(encoding="utf-8")
        assert card["weights_sha256"] in page and SHIPPED_MODEL.name in page
        assert "2024/1689" in page and "{" not in page

    def test_what_ships_says_where_it_comes_from(
        self, quick, done, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(ship, "SHIPPED_MODEL", tmp_path / "new" / "own.safetensors")
        others = str(write_photos(tmp_path / "others"))
        assert "run `python -m smartclass_utils st" in refusal(ship.ship, others)
        said = refusal(ship.ship, str(quick), carry=others)
        assert "others has other classes: name images of angry, engaged" in said
        card = read_card(ship.ship(str(quick), carry=str(quick), terms="none"))
        assert card["terms"] == "none" and card["data"]["name"] == "photos"
        assert card["carried_over"]["images"] == 48
        low, high = card["test"]["per_class"]["angry"]["recall_ci95"]
        assert 0 <= low < high <= 1
        page = (tmp_path / "new" / "README.md").read_text(encoding="utf-8")
        assert card["weights_sha256"] in page and "{" not in page
