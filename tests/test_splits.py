"""Near-copies are found, and images dealt so that none lies on both sides."""

import io

import numpy as np
import pandas as pd
import pytest
from conftest import encoded, refusal
from PIL import Image
from scipy.ndimage import gaussian_filter, shift
from skimage.util import img_as_ubyte, random_noise

from smartclass_utils import copies, splits
from smartclass_utils.cleaning import clean
from smartclass_utils.config import SPLITS
from smartclass_utils.copies import near_copies
from smartclass_utils.sources import load
from smartclass_utils.splits import deal, freeze, joint_groups


def smooth_images(n, size=48, seed=0):
    """Return images of blurred noise, each unlike the others, uint8."""
    noise = np.random.default_rng(seed).normal(128, 320, (n, size, size))
    return gaussian_filter(noise, (0, 2, 2)).clip(0, 255).astype(np.uint8)


def shifted(images, down, right):
    return shift(images, (0, down, right), order=0, mode="mirror")


def encoded_again(images):
    streams = [io.BytesIO(encoded(image, "JPEG", quality=60)) for image in images]
    return np.stack([np.asarray(Image.open(stream)) for stream in streams])


@pytest.mark.parametrize("copy", [
    lambda x: x,
    lambda x: (x * 0.8 + 20).astype(np.uint8),
    lambda x: img_as_ubyte(random_noise(x, var=(5 / 255) ** 2, rng=1)),
    encoded_again,
    lambda x: x[:, :, ::-1],
    lambda x: shifted(x, 3, -3),
    lambda x: shifted(x, 0, 2)[:, :, ::-1],
    lambda x: encoded_again(shifted(x, -2, 1)[:, :, ::-1]),
], ids=["equal", "darker", "noisy", "encoded again", "mirrored", "shifted",
        "shifted and mirrored", "all of it"])  # fmt: skip
@pytest.mark.parametrize(("size", "times"), [(48, 1), (48, 2), (96, 1)])
def test_copies_are_found_and_nothing_else(copy, size, times):
    images = smooth_images(40, size=size)
    both = np.concatenate([images, copy(images)])
    both = both.repeat(times, axis=1).repeat(times, axis=2)  # compared at 48 pixels
    assert near_copies(both).tolist() == [*range(40), *range(40)]


def test_copies_shifted_by_half_pixels_are_found():
    images = smooth_images(20, size=96)
    both = np.concatenate([images, shifted(images, 5, -3)])
    assert near_copies(both).max() == 19


@pytest.mark.filterwarnings("error")  # of a division by zero
def test_turned_inverted_few_and_flat_images_are_no_copies_unless_equal():
    images = smooth_images(10)
    for other in (images[:, ::-1], images.transpose(0, 2, 1), 255 - images):
        assert near_copies(np.concatenate([images, other])).max() == 19
    for n in (1, 2, 5):
        assert near_copies(smooth_images(n)).tolist() == list(range(n))
    flat = np.repeat(np.uint8([7, 7, 9, 200]), 16 * 16).reshape(4, 16, 16)
    assert near_copies(flat).tolist() == [0, 0, 1, 2]


def test_a_film_is_one_cluster_however_long(monkeypatch):
    noise = np.random.default_rng(0).integers(-3, 4, (300, 48, 48))
    frames = (smooth_images(1)[0].clip(3, 252) + noise).astype(np.uint8)
    others = smooth_images(20, seed=1)
    monkeypatch.setattr(copies, "CHUNK", 7)
    found = near_copies(np.concatenate([others[:10], frames, others[10:]]))
    assert found.tolist() == [*range(10), *[10] * 300, *range(11, 21)]


def test_cleaning_keeps_a_picture_and_its_copies_together(tmp_path):
    for k, image in enumerate(smooth_images(40)):
        folder = tmp_path / "data" / "ab"[k % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{k}.png")
        Image.fromarray(image[:, ::-1]).save(folder / f"{k} mirrored.png")
        Image.fromarray(shifted(image[None], 2, 3)[0]).save(folder / f"{k} moved.png")
    done = clean(load(tmp_path / "data"), tmp_path / "clean")
    groups = near_copies(np.load(done.folder / "images.npy"))
    assert len(groups) == 120
    assert groups.max() == 39
    assert done.labels.groupby(groups)["split"].nunique().max() == 1


def labels_of(**counts):
    return np.array([name for name, n in counts.items() for _ in range(n)], object)


def parts_of(labels, split):
    counts = pd.crosstab(np.asarray(labels), np.asarray(split))
    return {label: tuple(row[[*SPLITS]]) for label, row in counts.iterrows()}


def is_whole(split, groups):
    return pd.Series(split).groupby(groups).nunique().max() == 1


@pytest.mark.parametrize(("counts", "wanted"), [
    ({"angry": 100, "engaged": 20}, {"angry": (70, 15, 15), "engaged": (14, 3, 3)}),
    ({"angry": 6, "happy": 6}, {"angry": (4, 1, 1), "happy": (4, 1, 1)}),
    ({"angry": 400, "happy": 3}, {"angry": (280, 60, 60), "happy": (1, 1, 1)}),
    (dict.fromkeys("abcdefghijklmnopqrst", 6), dict.fromkeys("at", (4, 1, 1))),
])  # fmt: skip
def test_every_class_is_shared_out_70_15_15(counts, wanted):
    labels = labels_of(**counts)
    alone = range(len(labels))
    split = deal(labels, alone)
    assert wanted.items() <= parts_of(labels, split).items()
    assert (deal(labels, alone, seed=1) != split).any()


@pytest.mark.parametrize(("n", "groups", "wanted"), [
    (100, [*range(100), *range(60), *range(160, 200)], (70, 15, 15)),  # 60 have a copy
    (140, [i // 4 if i % 140 < 100 else 1000 + i for i in range(280)], (98, 21, 21)),
], ids=["copies of another class", "people and single images"])  # fmt: skip
def test_groups_of_several_sizes_stay_together(n, groups, wanted):
    labels = labels_of(a=n, b=n)
    split = deal(labels, groups)
    assert is_whole(split, np.array(groups))
    for counts in parts_of(labels, split).values():
        assert counts == pytest.approx(wanted, abs=5)


@pytest.mark.parametrize(("labels", "groups", "wanted"), [
    (list("ab") * 200, np.arange(400) // 10, {"a": (140, 30, 30)}),  # 40 people
    (list("ab") * 30, np.arange(60) // 20, dict.fromkeys("ab", (10, 10, 10))),  # 3
    (np.repeat(["a", "b", "c"], 30), np.arange(90) // 10,
     dict.fromkeys("abc", (10, 10, 10))),  # 3 a class
    # the largest of 3 trains
    (list("ab") * 25, [0] * 40 + [1] * 6 + [2] * 4, {"a": (20, 3, 2)}),
    (list("ab") * 46, [0] * 80 + [1] * 6 + [2] * 6, {"a": (40, 3, 3)}),
    (["a"] * 60 + list("ba") * 15, np.arange(90) // 5, None),  # b on 3 of 12 people
])  # fmt: skip
def test_the_images_of_a_person_stay_together(labels, groups, wanted):
    split = deal(labels, groups)
    assert is_whole(split, np.asarray(groups))
    found = parts_of(labels, split)
    assert min(map(min, found.values())) > 0
    for label, parts in (wanted or {}).items():
        assert sorted(found[label]) == sorted(parts)
        assert found[label][0] == max(parts)


@pytest.mark.parametrize(("labels", "groups", "subjects", "message"), [
    (labels_of(a=40, b=1), range(41), [""] * 41, "'b' has only 1 usable image, to"),
    (labels_of(a=40, b=2), range(42), [""] * 42, "'b' has only 2 usable images"),
    (labels_of(a=60, b=60), np.arange(120) // 60, [""] * 120,
     "Class 'a' has 60 usable images, but near-copies count as one, which lea"),
    (labels_of(a=60, b=60), [0, 1] * 60, ["p1", "p2"] * 60,
     "Class 'a' shows only 2 subjects, too few for each of train, val, test:"),
    (list("ab") * 6 + list("c") * 3, [0] * 6 + [1] * 6 + [2, 3, 4], [""] * 15,
     "Class 'a' has 6 usable images, but near-copies"),
    # 0, 1 and 2 must part for a, 3 goes with 2 for b, and not for c
    (list("aaabbbccc"), [0, 1, 2, 0, 1, 3, 2, 3, 4], [""] * 9,
     "no dealing of these gives every class to each of"),
])  # fmt: skip
def test_without_a_split_the_true_reason_is_said(labels, groups, subjects, message):
    assert message in refusal(deal, labels, groups, subjects=subjects)


def test_joint_groups_link_copies_and_people():
    images = smooth_images(8)
    images[3], images[5] = images[2] * 0.9 + 12, images[4][:, ::-1]
    subjects = ["", "", "ann", "", "ann", "", "bob", "bob"]
    assert joint_groups(images, subjects).tolist() == [0, 1, 2, 2, 2, 2, 3, 3]
    assert joint_groups(images[:3], [""] * 3).tolist() == [0, 1, 2]


class TestGiven:
    @pytest.mark.parametrize(("given", "lacking"), [
        (["train", "train", "test", "train", "val", "val"], "'b' in te"),
        (["test"] * 4, "'a' in tr"),
    ])  # fmt: skip
    def test_a_class_that_it_lacks_is_named(self, given, lacking):
        none, labels = np.zeros((0, 1, 1)), (list("ab") * 3)[: len(given)]
        said = refusal(freeze, none, labels, [""] * len(given), given)
        assert f"no usable image of class {lacking}" in said

    @pytest.mark.parametrize(("given", "wanted"), [
        ((["train"] * 17 + ["test"] * 3) * 15, {"a": (140, 30, 30)}),
        ((["train"] * 17 + ["val"] * 3) * 15, {"b": (70, 15, 15)}),
        (["train"] * 300, {"a": (140, 30, 30), "b": (70, 15, 15)}),
    ])  # fmt: skip
    def test_what_is_missing_comes_out_of_train(self, given, wanted, monkeypatch):
        monkeypatch.setattr(splits, "near_copies", lambda x: np.arange(len(x)))
        labels, given = labels_of(a=200, b=100), np.array(given)
        split = freeze(np.zeros((300, 1, 1)), labels, [""] * 300, given)
        assert (split[given != "train"] == given[given != "train"]).all()
        assert wanted.items() <= parts_of(labels, split).items()

    def test_copies_of_one_picture_are_not_parted(self):
        images = np.repeat(smooth_images(30), 2, axis=0)
        given = ["train"] * 48 + ["test"] * 12
        split = freeze(images, list("ab") * 30, [""] * 60, given)
        assert is_whole(split, np.arange(60) // 2)
