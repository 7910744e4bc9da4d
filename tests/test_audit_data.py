from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_audit_comparisons import output
from test_near_duplicates import smooth_images

from smartclass_utils.audit import (
    confound,
    groups,
    label_quality,
    leaks,
    probes,
)
from smartclass_utils.audit.findings import count


def test_identical_files_pair_and_unknown_ones_do_not():
    assert leaks.exact_pairs(["a", "", "b", "a", "", "a"]).tolist() == [
        [0, 3],
        [0, 5],
        [3, 5],
    ]


@pytest.fixture
def doubled(clean_data):
    """Waves as images; a test image is a brighter copy of a training image."""
    images = smooth_images(80)
    train, test = clean_data.rows("train")[0], clean_data.rows("test")[-1]
    images[test] = (images[train] * 0.8 + 20).astype(np.uint8)
    return replace(clean_data, images=images), train, test


def test_a_planted_double_is_found_across_splits_and_labels(doubled):
    data, train, test = doubled
    found = leaks.find_duplicates(data, near=10)
    pairs = found.pairs[["first", "second"]].to_numpy().tolist()
    assert [train, test] in pairs
    assert found.clusters[train] == found.clusters[test]
    leak = leaks.leaked(data, found)
    assert leak[np.flatnonzero(data.rows("test") == test)[0]]
    files = leaks.conflicts(data, found)
    assert data.labels["file"][train] in files["first file"].tolist()


def test_accuracy_without_doubles_by_hand():
    right = output("A", [0, 1, 2, 0], [0, 1, 2, 1])
    leak = np.array([True, True, False, False])
    table = leaks.accuracy_without([right], leak).loc["A"]
    assert table.tolist() == [0.75, 0.5, 1.0]


def test_border_leaves_the_face_out():
    images = np.zeros((1, 18, 18), np.uint8)
    images[0, 2:-2, 2:-2] = 200
    assert probes.border(images).max() == 0
    assert probes.border(images).shape == (1, 18 * 18 - 14 * 14)


def test_histogram_and_thumbnail_by_hand():
    images = np.zeros((1, 16, 16), np.uint8)
    images[0, :8] = 255
    shares = probes.histogram(images)
    assert shares[0, 0] == shares[0, -1] == 0.5
    assert probes.thumbnail(images).reshape(8, 8)[:, 0].tolist() == [255] * 4 + [0] * 4


def with_sources(data, tied):
    """Give the first class a source of its own, or spread two sources evenly."""
    labels = data.labels.copy()
    odd = np.arange(len(labels)) % 2 == 1
    labels["source"] = np.where(odd, "a", "b")
    if tied:
        labels.loc[labels["label"] == data.classes[0], "source"] = "c"
    return replace(data, labels=labels)


def test_tied_classes(clean_data):
    assert confound.tied_classes(with_sources(clean_data, False).labels) == {}
    tied = confound.tied_classes(with_sources(clean_data, True).labels)
    assert tied == {clean_data.classes[0]: "c"}


@pytest.mark.parametrize("camera", [True, False])
def test_a_camera_of_its_own_is_found_and_only_that(clean_data, camera):
    data = with_sources(clean_data, True)
    images = np.array(data.images)
    generator = np.random.default_rng(1)
    images[:] = generator.integers(0, 200, images.shape)
    if camera:  # a vignette in every picture of the tied source
        images[data.targets == 0] //= 3
    data = replace(data, images=images)
    found = confound.audit_confound(data, [output("A", [0, 1, 2], [0, 1, 2])])
    assert found.numbers["confound"] is camera
    assert ("can’t be credited" in found.sentence) is camera


def test_one_source_is_said_so(clean_data):
    found = confound.audit_confound(clean_data, [])
    assert found.numbers["confound"] is None
    assert "one source" in found.sentence


def test_leaving_a_class_out_by_hand():
    answers, targets = [0, 1, 2, 2], [0, 1, 2, 1]
    table = confound.without_class([output("A", answers, targets)], left_out=2).loc["A"]
    assert table["all classes"] == 0.75
    assert table["its recall"] == 1
    # Without class 2 the last image falls to class 0, the first of two equal logits.
    assert table["without it"] == pytest.approx(2 / 3)


def test_review_list_puts_the_surest_contradiction_first():
    chances = np.array([[0.9, 0.1], [0.2, 0.8], [0.45, 0.55], [0.01, 0.99]])
    targets = np.array([0, 0, 0, 0])
    assert label_quality.review_order(chances, targets).tolist() == [3, 1, 2]
    assert label_quality.ambiguity_order(chances)[0] == 2


def test_changed_labels_are_found_again(clean_data):
    found = label_quality.audit_labels(clean_data)
    assert found.numbers["agreement"] > 0.9
    assert found.numbers["changed_on_purpose"] == 2
    assert found.numbers["found_of_these"] >= 1


def test_attributes_are_columns_with_a_few_values():
    labels = pd.DataFrame(
        {
            "file": ["a", "b"],
            "label": ["x", "y"],
            "glasses": ["yes", "no"],
            "age": ["", "old"],
            "note": ["same", "same"],
        }
    )
    assert groups.attributes(labels) == ["glasses"]


def test_recall_by_group_leaves_small_groups_out():
    right = np.array([True] * 8 + [False] * 2 + [True] * 3)
    names = np.array(["a"] * 10 + ["b"] * 3)
    table = groups.recall_by_group(right, names)
    assert table.index.tolist() == ["a"]
    assert table.loc["a", "recall"] == 0.8


def test_gap_is_tested_within_classes():
    # Class 1 is hard and group b has more of it: no gap within either class.
    targets = np.array([0] * 40 + [1] * 40)
    names = np.array(["a"] * 30 + ["b"] * 10 + ["a"] * 10 + ["b"] * 30)
    right = np.concatenate([np.ones(40), np.arange(40) % 2]).astype(bool)
    gap, p = groups.gap_test(right, names, targets, shuffles=200)
    assert gap == pytest.approx(0)
    assert p == 1
    unfair = names == "a"
    gap, p = groups.gap_test(unfair, names, targets, shuffles=200)
    assert gap == 1
    assert p == pytest.approx(1 / 201)


def test_without_attributes_one_sentence_says_so(clean_data):
    found = groups.audit_groups(clean_data, [])
    assert not found.available
    assert "no attributes" in found.sentence


def test_counts_are_written_with_their_noun():
    assert count(1, "image") == "1 image"
    assert count(2000, "image") == "2,000 images"
