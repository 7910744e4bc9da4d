import pytest

from smartclass_utils.audit import decoding, reported


def test_hits_are_the_counts_that_print_as_the_percentage():
    assert list(decoding.hits(82.46, 57)) == [47]  # 47 / 57 = 82.456 %
    assert list(decoding.hits(82.46, 114)) == [94]
    assert list(decoding.hits(82.46, 113)) == []
    assert list(decoding.hits(0.0, 10)) == [0]
    assert list(decoding.hits(100.0, 10)) == [10]


def test_rounded_percentages_lead_back_to_their_counts():
    # A made-up test of 40 images: true 10/12/8/10, right 7/11/5/6, predicted 9/14/7/10.
    true, right, predicted = (10, 12, 8, 10), (7, 11, 5, 6), (9, 14, 7, 10)
    classes = [
        (round(100 * r / p, 2), round(100 * r / t, 2))
        for t, r, p in zip(true, right, predicted, strict=True)
    ]
    solutions = decoding.decode(classes, round(100 * 29 / 40, 2), 40)
    wanted = tuple(
        decoding.Margins(*row) for row in zip(true, right, predicted, strict=True)
    )
    assert wanted in solutions
    for solution in solutions:
        assert sum(m.true for m in solution) == 40
        assert sum(m.right for m in solution) == 29
        assert sum(m.predicted for m in solution) == 40


def test_main_model_was_tested_on_500_images():
    assert reported.test_size() == 500
    table = reported.margins_table("main", 500)
    assert table["images"].tolist() == [114, 110, 174, 102]
    assert table["right"].tolist() == [94, 103, 147, 65]
    assert table["predicted"].tolist() == [122, 108, 184, 86]


def test_the_variants_were_tested_on_other_splits():
    table = reported.margins_table("variant1", 500)
    assert table["images"].tolist() == [123, 117, 152, 108]
    assert table["right"].tolist() == [107, 105, 112, 69]
    assert 114 not in reported.class_sizes("variant2", "angry", 500)
    assert reported.class_sizes("variant2", "angry", 200) == [115]
    recall_only = decoding.sizes_that_fit([88.70], 200)
    assert recall_only == [115, 177]


def test_validation_splits_had_499_images():
    assert reported.validation_sizes()[0] == 499


def test_printed_macro_f1_is_a_harmonic_mean():
    table = reported.f1_table(reported.margins_table("main", 500))
    assert (table["printed"] == table["harmonic mean"]).all()
    assert table.loc["main", "mean of the classes"] == "81.36"


def test_only_surprise_and_the_grand_total_are_wrong():
    table = reported.totals_table()
    wrong = table[table["difference"] != 0]
    assert wrong["added up"].to_dict() == {"Surprise": 2853, "all": 31589}


def test_reported_accuracies_have_overlapping_intervals():
    table = reported.intervals_table(500)
    assert table.loc["main", ["low", "high"]].tolist() == [78.2, 84.9]
    assert table["low"].max() < table["high"].min()


def test_images_needed_by_hand():
    # Sample size for 0.6 against 0.5, level 5 %, power 80 %: 388 (Fleiss, table A.3).
    assert reported.images_needed(0.6, 0.5) == pytest.approx(388, abs=1)
    assert reported.images_needed(0.818, 0.788) == 2758


def test_finding_names_the_numbers():
    found = reported.audit_reported()
    assert found.available
    assert "500 images" in found.sentence
    assert found.numbers["images_for_3_points"] == 2758
