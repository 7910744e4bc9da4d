import numpy as np
import pytest
from conftest import refusal, write_clean

from smartclass_utils.config import CLASSES
from smartclass_utils.dataset import load_clean
from smartclass_utils.files import read_json, write_json


def test_images_are_mapped_and_their_rows_are_in_one_split_each(clean_data):
    parts = [clean_data.rows(split) for split in ("train", "val", "test")]
    assert np.sort(np.concatenate(parts)).tolist() == list(range(80))
    assert clean_data.split_sizes() == {"train": 48, "val": 16, "test": 16}
    assert "No split 'dev'" in refusal(clean_data.rows, "dev")
    labels = [CLASSES[k] for k in clean_data.targets]
    assert labels == clean_data.labels["label"].tolist()
    assert isinstance(clean_data.images, np.memmap)
    assert clean_data.images.shape == (80, 16, 16)
    assert clean_data.image_size == 16


@pytest.mark.parametrize(("name", "content"), [
    ("clean.json", b"{"), ("clean.json", b"[]"), ("labels.csv", b""),
    ("labels.csv", b"file,label,split\na,happy,dev\n"), ("images.npy", b""),
    ("images.npy", b"\x80\x04K\x01."),  # a pickle
])  # fmt: skip
def test_a_harmed_or_missing_file_is_one_sentence(tmp_path, name, content):
    folder = write_clean(tmp_path, classes=("happy", "sad"))
    (folder / name).write_bytes(content)
    said = refusal(load_clean, folder)
    assert str(folder) in said and "run chapter 01 again" in said
    (folder / name).unlink()
    when = "first" if name == "clean.json" else "again"
    assert f"run chapter 01 {when}" in refusal(load_clean, folder)


@pytest.mark.parametrize("change", [
    {"name": None}, {"classes": None}, {"classes": ["happy", "sad", 1]},
    {"classes": ["happy"]}, {"name": "<b>"}, {"fingerprint": None},
], ids=str)  # fmt: skip
def test_a_card_that_cannot_be_is_one_sentence(tmp_path, change):
    folder = write_clean(tmp_path, classes=("happy", "sad"))
    write_json(folder / "clean.json", read_json(folder / "clean.json") | change)
    said = refusal(load_clean, folder)
    assert str(folder) in said and "run chapter 01 again" in said


def test_label_none_stays_text(tmp_path):
    data = load_clean(write_clean(tmp_path, classes=("None", "null")))
    assert set(data.labels["label"]) == {"None", "null"}
