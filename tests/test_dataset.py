import re

import numpy as np
import pytest
from conftest import refusal, write_clean

from smartclass_utils.config import CLASSES
from smartclass_utils.dataset import load_clean


def test_images_are_mapped_and_their_rows_are_in_one_split_each(clean_data):
    parts = [clean_data.rows(split) for split in ("train", "val", "test")]
    together = np.sort(np.concatenate(parts))
    assert together.tolist() == list(range(80))
    assert clean_data.split_sizes() == {"train": 48, "val": 16, "test": 16}
    assert "No split 'dev'" in refusal(clean_data.rows, "dev")
    labels = [CLASSES[k] for k in clean_data.targets]
    assert labels == clean_data.labels["label"].tolist()
    assert isinstance(clean_data.images, np.memmap)
    assert clean_data.images.shape == (80, 16, 16)
    assert clean_data.image_size == 16


def test_missing_folder_names_the_chapter_to_run(tmp_path):
    assert "run chapter 01 first" in refusal(load_clean, tmp_path)


@pytest.mark.parametrize(("name", "content"), [
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
])  # fmt: skip
def test_a_harmed_file_is_one_sentence(tmp_path, name, content):
    folder = write_clean(tmp_path, classes=("happy", "sad"))
    (folder / name).write_bytes(content)
    said = refusal(load_clean, folder)
    assert str(folder) in said
    assert "run chapter 01 again" in said


def test_an_array_that_does_not_hold_what_it_claims_is_refused(tmp_path):
    file = write_clean(tmp_path) / "images.npy"
    whole = file.read_bytes()
    for content in (whole.replace(b"(80, 16, 16)", b"(8e9,16,16)"), whole[:-100]):
        file.write_bytes(content)
        assert "images.npy cannot be read" in refusal(load_clean, tmp_path)
    np.save(file, np.zeros((3, 16, 16), np.uint8))
    assert re.search("images.npy.*run chapter 01 again", refusal(load_clean, tmp_path))


def test_label_none_stays_text(tmp_path):
    data = load_clean(write_clean(tmp_path, classes=("None", "null")))
    assert set(data.labels["label"]) == {"None", "null"}
