import pandas as pd
import pytest
from test_evaluation import CLASSES as OTHER
from test_evaluation import PREDICTED, TARGETS

from smartclass_utils import tables
from smartclass_utils.config import CLASSES
from smartclass_utils.evaluation import metrics


def entry(name="main", title="Main CNN", classes=CLASSES):
    return {"name": name, "title": title, **metrics(TARGETS, PREDICTED, classes)}


def test_overall_table_is_in_percent_and_ends_with_the_baseline():
    table = tables.overall_table([entry()], {**entry(), "class": "angry"})
    assert table.loc["Main CNN", "accuracy"] == "62.5"
    assert table.index[-1] == "always “angry”"


def test_reported_values_stand_beside_ours():
    table = tables.overall_beside_reported([entry()], CLASSES)
    assert table.loc["Main CNN", ("accuracy", "reported")] == "81.8"
    assert table.loc["Main CNN", ("macro F1", "reported")] == "81.5"
    assert table.loc["Main CNN", ("accuracy", "ours")] == "62.5"


def test_lost_values_are_a_dash_never_a_guess():
    table = tables.per_class_table([entry("variant1", "Variant 1")], CLASSES)
    assert table.loc[("Variant 1", "angry"), "precision reported"] == "70.4"
    assert table.loc[("Variant 1", "happy"), "precision reported"] == "–"
    assert table.loc[("Variant 1", "happy"), "recall reported"] == "73.7"


def test_other_classes_have_no_reported_column():
    table = tables.per_class_table([entry(classes=OTHER)], OTHER)
    assert "precision reported" not in table
    assert tables.overall_beside_reported([entry(classes=OTHER)], OTHER).empty
    rows = tables.accuracy_rows([entry(classes=OTHER)], OTHER)
    assert rows.whose.tolist() == ["ours"]


def test_reported_accuracy_gets_its_interval():
    rows = tables.accuracy_rows([entry()], CLASSES).set_index("whose")
    assert rows.loc["reported", "low"] == pytest.approx(0.782, abs=5e-4)
    assert rows.loc["reported", "high"] == pytest.approx(0.849, abs=5e-4)


def at(accuracy, low, high, title, **more):
    return {
        "accuracy": accuracy,
        "accuracy_ci95": [low, high],
        "title": title,
        **more,
    }


def test_verdict_needs_intervals_apart():
    near = tables.verdict(at(0.8, 0.7, 0.9, "A"), at(0.75, 0.65, 0.85, "B"))
    far = tables.verdict(at(0.5, 0.4, 0.6, "A"), at(0.9, 0.8, 0.95, "B"))
    assert near.startswith("A is 5.0 points above B")
    assert "can't tell them apart" in near
    assert far.startswith("B is 40.0 points above A")
    assert "does not tell the network from luck" in far


def test_verdict_needs_trainings_apart():
    def pair(seeds_low, seeds_high):
        return tables.verdict(
            at(0.5, 0.4, 0.6, "A", accuracy_per_seed=seeds_low),
            at(0.9, 0.8, 0.95, "B", accuracy_per_seed=seeds_high),
        )

    assert "2 trainings can't tell them apart" in pair([0.4, 0.85], [0.8, 1.0])
    assert pair([0.4, 0.6], [0.8, 1.0]).endswith("it is the better one.")


def test_spread_stands_behind_the_mean():
    assert tables.plus_minus({"accuracy": 0.5, "accuracy_sd": 0.02}) == "50.0 ± 2.0"
    assert tables.plus_minus({"accuracy": 0.5}) == "50.0"


def test_words_are_escaped_and_set_from_the_left():
    page = tables.words(pd.DataFrame({"file": ["<b>x</b>"]})).data
    assert '<td style="text-align: left">&lt;b&gt;x&lt;/b&gt;</td>' in page


def test_reported_totals_are_as_printed():
    totals = tables.read_reported("totals").set_index("original_label")["images"]
    sources = tables.read_reported("sources")
    summed = sources.groupby("original_label")["images"].sum()
    wrong = {label for label in summed.index if summed[label] != totals[label]}
    assert wrong == {"Surprise"}
    assert summed.sum() == 31_589
