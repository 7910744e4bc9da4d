import numpy as np
import pytest
from conftest import write_clean

from smartclass_utils.config import CLASSES, SmartClassError
from smartclass_utils.dataset import load_clean


def test_splits_are_disjoint_and_complete(clean_data):
    parts = [clean_data.rows(split) for split in ("train", "val", "test")]
    together = np.sort(np.concatenate(parts))
    assert together.tolist() == list(range(80))
    assert clean_data.split_sizes() == {"train": 48, "val": 16, "test": 16}


def test_targets_follow_the_class_order(clean_data):
    labels = [CLASSES[k] for k in clean_data.targets]
    assert labels == clean_data.labels["label"].tolist()


def test_images_are_mapped_not_held(clean_data):
    assert isinstance(clean_data.images, np.memmap)
    assert clean_data.images.shape == (80, 16, 16)
    assert clean_data.image_size == 16


def test_missing_folder_names_the_chapter_to_run(tmp_path):
    with pytest.raises(SmartClassError, match="run chapter 01 first"):
        load_clean(tmp_path)


def test_array_of_other_length_is_refused(tmp_path):
    folder = write_clean(tmp_path)
    np.save(folder / "images.npy", np.zeros((3, 16, 16), np.uint8))
    with pytest.raises(SmartClassError, match=r"images.npy.*run chapter 01 again"):
        load_clean(folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("clean.json", b"{"),
        ("clean.json", b"[]"),
        ("clean.json", b'{"name": "x"}'),
        ("clean.json", b'{"name": "x", "fingerprint": "y", "classes": [1]}'),
        ("clean.json", b'{"name": "<b>", "fingerprint": "y", "classes": ["happy"]}'),
        ("labels.csv", b""),
        ("labels.csv", b"\xff\xfe"),
        ("labels.csv", b"file,label\na,happy\n"),
        ("labels.csv", b"file,label,split\na,happy,dev\n"),
        ("labels.csv", b'file,label,split\n"a,happy,dev\n'),
        ("images.npy", b""),
        ("images.npy", b"\x93NUMPY\x01\x00"),
        ("images.npy", b"\x80\x04K\x01."),  # a pickle
    ],
)
def test_a_harmed_file_is_one_sentence(tmp_path, name, content):
    folder = write_clean(tmp_path, classes=("happy", "sad"))
    (folder / name).write_bytes(content)
    with pytest.raises(SmartClassError) as caught:
        load_clean(folder)
    assert str(folder) in str(caught.value)
    assert "run chapter 01 again" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_array_that_claims_more_than_it_holds_is_refused(tmp_path):
    folder = write_clean(tmp_path)
    whole = (folder / "images.npy").read_bytes()
    (folder / "images.npy").write_bytes(whole.replace(b"(80, 16, 16)", b"(8e9,16,16)"))
    with pytest.raises(SmartClassError, match=r"images.npy cannot be read"):
        load_clean(folder)
    (folder / "images.npy").write_bytes(whole[:-100])
    with pytest.raises(SmartClassError, match=r"images.npy cannot be read"):
        load_clean(folder)


def test_label_none_stays_text(tmp_path):
    data = load_clean(write_clean(tmp_path, classes=("None", "null")))
    assert set(data.labels["label"]) == {"None", "null"}


def test_unknown_split_is_refused(clean_data):
    with pytest.raises(SmartClassError, match="No split 'dev'"):
        clean_data.rows("dev")
