import numpy as np
import pandas as pd
import pytest
from PIL import Image

from smartclass_utils.cleaning.folder import clean
from smartclass_utils.cleaning.splits import complete_split, draw_split
from smartclass_utils.config import MANIFEST_COLUMNS, SPLITS, SmartClassError
from smartclass_utils.files import sha256
from smartclass_utils.sources import load


def labels_of(**counts):
    return pd.Series([name for name, n in counts.items() for _ in range(n)])


def nobody(labels):
    return pd.Series([""] * len(labels))


def parts_of(labels, split):
    counts = pd.crosstab(np.asarray(labels), np.asarray(split))
    return {
        label: tuple(row[["train", "val", "test"]]) for label, row in counts.iterrows()
    }


def test_every_class_is_shared_out_70_15_15():
    labels = labels_of(angry=100, engaged=20, happy=200)
    split = draw_split(labels, nobody(labels))
    assert parts_of(labels, split) == {
        "angry": (70, 15, 15),
        "engaged": (14, 3, 3),
        "happy": (140, 30, 30),
    }


def test_the_same_split_every_time_and_not_in_order():
    labels = labels_of(a=50, b=50)
    split = draw_split(labels, nobody(labels))
    np.testing.assert_array_equal(draw_split(labels, nobody(labels)), split)
    assert (split[:35] == "train").mean() < 1
    mixed = labels.sample(frac=1, random_state=0)
    counts = parts_of(mixed, draw_split(mixed, nobody(mixed)))["a"]
    assert counts == pytest.approx((35, 7.5, 7.5), abs=1)


def test_a_subject_is_in_one_part_only():
    labels = pd.Series(["angry", "happy"] * 200)
    subjects = pd.Series([f"p{i // 10}" for i in range(400)])
    split = draw_split(labels, subjects)
    assert pd.Series(split).groupby(subjects).nunique().max() == 1
    shares = pd.Series(split).value_counts(normalize=True)
    assert shares.to_dict() == pytest.approx(
        {"train": 0.7, "val": 0.15, "test": 0.15}, abs=0.03
    )
    counts = parts_of(labels, split)
    assert counts["angry"] == counts["happy"]
    np.testing.assert_array_equal(draw_split(labels, subjects), split)


def test_images_without_a_subject_are_drawn_singly():
    labels = labels_of(angry=140, happy=140)
    subjects = pd.Series([f"p{i // 4}" if i % 140 < 100 else "" for i in range(280)])
    split = draw_split(labels, subjects)
    named = subjects != ""
    assert pd.Series(split)[named].groupby(subjects[named]).nunique().max() == 1
    single = parts_of(labels[~named], split[~named])
    assert single == {"angry": (28, 6, 6), "happy": (28, 6, 6)}


def test_a_few_images_without_a_subject_do_not_stop_the_others():
    labels = labels_of(angry=40, happy=40)
    subjects = pd.Series([f"p{i // 2}" for i in range(80)])
    subjects[[0, 79]] = ""
    split = draw_split(labels, subjects)
    assert list(split[[0, 79]]) == ["train", "train"]
    assert min(parts_of(labels, split)["angry"]) >= 4


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"angry": 40, "happy": 1}, "Class 'happy' has only 1 usable image, too few"),
        ({"angry": 40, "happy": 2}, "Class 'happy' has only 2 usable images"),
        ({"angry": 400, "happy": 3}, "Class 'happy' has only 3 usable images"),
        ({"angry": 3, "happy": 3}, "has only 3 usable images, too few for each of tr"),
    ],
)
def test_a_class_with_too_few_images_is_named(counts, message):
    labels = labels_of(**counts)
    with pytest.raises(SmartClassError, match=message):
        draw_split(labels, nobody(labels))


def test_too_few_subjects_are_one_sentence():
    labels = labels_of(angry=20, happy=20)
    subjects = pd.Series(["p1", "p2"] * 20)
    with pytest.raises(SmartClassError, match="2 subjects are too few for train, val"):
        draw_split(labels, subjects)
    alone = pd.Series(["p1"] * 20 + ["p2"] * 10 + ["p3"] * 10)
    with pytest.raises(SmartClassError, match="Class 'angry' has only 20 usable"):
        draw_split(labels, alone)


def test_a_given_split_is_kept():
    labels = pd.Series(["a", "b"] * 3)
    given = pd.Series(["train", "train", "test", "test", "val", "val"])
    assert list(complete_split(labels, given)) == list(given)
    assert list(given) == ["train", "train", "test", "test", "val", "val"]


def test_val_comes_out_of_train_and_never_of_test():
    labels = pd.Series(["a"] * 200 + ["b"] * 100)
    given = pd.Series((["train"] * 17 + ["test"] * 3) * 15)
    split = complete_split(labels, given)
    assert list(split == "test") == list(given == "test")
    assert parts_of(labels, split) == {"a": (140, 30, 30), "b": (70, 15, 15)}
    assert list(given.unique()) == ["train", "test"]
    np.testing.assert_array_equal(complete_split(labels, given), split)


def test_a_given_split_needs_every_class_in_every_part():
    labels = pd.Series(["a", "b"] * 3)
    given = pd.Series(["train", "train", "test", "train", "val", "val"])
    with pytest.raises(SmartClassError, match="Class 'b' has only 3 usable images"):
        complete_split(labels, given)
    with pytest.raises(SmartClassError, match="too few for each of train, val, test"):
        complete_split(labels[:4], given[:4])


def test_a_given_split_and_its_duplicates_are_kept(tmp_path):
    root, rows = tmp_path / "own", ["file,label,split,glasses"]
    root.mkdir()
    for i in range(12):
        pixels = np.random.default_rng(i % 11).integers(
            0, 256, (20, 20), dtype=np.uint8
        )
        Image.fromarray(pixels).save(root / f"{i}.png")  # 0 and 11 are the same
        rows.append(f"{i}.png,{'ab'[i % 2]},{SPLITS[i // 4]},yes")
    (root / "labels.csv").write_text("\n".join(rows), "utf-8")
    done = clean(load(root), tmp_path / "clean", image_size=16, jobs=1, progress=False)
    assert tuple(done.labels) == (*MANIFEST_COLUMNS, "glasses")
    note = "same image under different labels, kept as the split is given"
    assert list(done.noted["note"]) == [note, note]
    assert set(done.noted["original_file"]) == {"0.png", "11.png"}
    split = done.labels.set_index("sha256")["split"]
    assert all(split[sha256(root / f"{i}.png")] == SPLITS[i // 4] for i in range(1, 11))
    assert len(done.labels) == 12
