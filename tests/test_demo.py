import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from smartclass_utils.config import SmartClassError
from smartclass_utils.demo import drawing, plan
from smartclass_utils.files import sha256

SCALE = 0.02
IMAGES = (".jpg", ".png", ".gif", ".webp", ".bmp")
MEANT = {"jpg", "png", "gif", "webp", "bmp"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn") / "demo"
    return drawing.draw_demo(folder, scale=SCALE, jobs=1)


@pytest.fixture(scope="module")
def work():
    return plan.plan_files(1.0, False, 42)


def hashes(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


def with_form(root, form):
    jobs = plan.plan_files(SCALE, False, 42)
    return [root / job.path for job in jobs if job.form == form]


def test_the_full_set_has_its_counts(work):
    intact = [job for job in work if job.form in MEANT]
    drawn = Counter(job.expression for job in intact)
    assert drawn["angry"] == 420
    assert drawn["happy"] == 600
    assert drawn["neutral"] == 425
    assert drawn["agreeing"] + drawn["thinking"] == 404
    assert 1950 <= len(work) <= 2050
    assert len(work) - len(intact) == sum(count for *_, count in plan.FAULTS)


def test_no_two_files_share_a_name(work):
    assert len({job.path.lower() for job in work}) == len(work)


def test_engaged_has_one_camera_unless_shuffled(work):
    engaged = {job.camera for job in work if job.expression in ("agreeing", "thinking")}
    others = {job.camera for job in work if job.expression == "angry"}
    assert engaged == {"webcam"}
    assert others == {"album", "film"}
    shuffled = plan.plan_files(1.0, True, 42)
    for expression in ("angry", "happy", "neutral", "thinking"):
        seen = Counter(job.camera for job in shuffled if job.expression == expression)
        assert len(seen) == 3
        assert min(seen.values()) > 0.2 * seen.total()


def test_two_runs_write_the_same_bytes(root, tmp_path):
    again = drawing.draw_demo(tmp_path / "again", scale=SCALE, jobs=2)
    assert hashes(again) == hashes(root)


def test_rafdb_has_the_layout_of_the_kaggle_copy(root):
    for split, digits in (("train", 5), ("test", 4)):
        table = pd.read_csv(root / "rafdb" / f"{split}_labels.csv")
        assert list(table.columns) == ["image", "label"]
        listed = {f"{row.label}/{row.image}" for row in table.itertuples()}
        folder = root / "rafdb" / "DATASET" / split
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg")}
        assert listed == found
        name = re.compile(rf"[1-7]/{split}_\d{{{digits}}}_aligned\.jpg")
        assert all(name.fullmatch(one) for one in found)
        assert {one[0] for one in found} == set("1234567")


def test_oahega_mixes_types_and_sizes(root, work):
    table = pd.read_csv(root / "oahega" / "data.csv")
    assert list(table.columns) == ["Unnamed: 0", "path", "label"]
    assert all((root / "oahega" / "dataset" / path).is_file() for path in table.path)
    assert list(table.label) == [path.split("/")[0] for path in table.path]
    assert set(table.label) == {"Angry", "Happy", "Neutral", "Sad", "Surprise"}
    forms = Counter(job.form for job in work if job.source == "oahega")
    assert forms.keys() >= MEANT
    sizes = {job.size for job in work if job.source == "oahega"}
    assert min(sizes) == 90
    assert max(sizes) == 160


def test_fed_has_two_parts_with_four_classes(root):
    for split in ("train", "test"):
        found = {path.name for path in (root / "fed2023" / split).iterdir()}
        assert found == {"Agree", "Confusion", "Aversion", "Think"}


def test_intact_files_can_be_read(root):
    jobs = [j for j in plan.plan_files(SCALE, False, 42) if j.form in MEANT]
    for job in jobs:
        with Image.open(root / job.path) as image:
            image.load()
            assert image.size == (job.size, job.size)
            assert image.format == {"jpg": "JPEG"}.get(job.form, job.form.upper())
    assert all(job.size == 100 for job in jobs if job.source == "rafdb")


def test_broken_files_are_broken(root):
    for path in with_form(root, "truncated"):
        with Image.open(path) as image, pytest.raises(OSError, match="truncated"):
            image.load()
    assert [path.stat().st_size for path in with_form(root, "empty")] == [0, 0]
    for path in with_form(root, "html"):
        assert path.suffix == ".jpg"
        assert path.read_text("utf-8").startswith("<!DOCTYPE html>")


def test_odd_files_are_odd(root):
    for form, mode in (("cmyk", "CMYK"), ("rgba", "RGBA")):
        for path in with_form(root, form):
            assert Image.open(path).mode == mode
    for path in with_form(root, "grey16"):
        assert np.asarray(Image.open(path)).max() > 255


def test_duplicates_repeat_bytes_and_one_contradicts_its_label(root):
    jobs = [job for job in plan.plan_files(SCALE, False, 42) if job.copy_of]
    assert Counter(job.form for job in jobs) == {"duplicate": 2, "relabelled": 1}
    for job in jobs:
        assert sha256(root / job.path) == sha256(root / job.copy_of)
        same_folder = job.path.split("/")[2] == job.copy_of.split("/")[2]
        assert same_folder == (job.form == "duplicate")


def test_attributes_name_every_readable_file(root):
    table = pd.read_csv(root / "demo_attributes.csv", keep_default_na=False)
    assert list(table.columns) == ["file", "skin_tone", "hair", "glasses", "beard"]
    jobs = plan.plan_files(SCALE, False, 42)
    readable = [job.path for job in jobs if job.form not in plan.UNREADABLE]
    assert list(table.file) == sorted(readable)
    assert set(table.glasses) == {"yes", "no"}


def test_a_set_is_drawn_again_only_when_its_parameters_change(tmp_path, monkeypatch):
    seeds = []

    def note(root, work, jobs):
        seeds.append(work[0].seed[0])
        for source in plan.SOURCES:
            (root / source).mkdir()
        return [{"file": "a.jpg"}]

    monkeypatch.setattr(drawing, "write_faces", note)
    folder = tmp_path / "demo"
    for seed in (1, 1, 2, 2, 1):
        assert drawing.draw_demo(folder, seed=seed) == folder
    assert seeds == [1, 2, 1]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".demo.lock", "demo"]


def test_a_set_that_fails_halfway_leaves_nothing(tmp_path, monkeypatch):
    def fail(root, *_):
        (root / "half.jpg").write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(drawing, "write_faces", fail)
    with pytest.raises(OSError, match="No space"):
        drawing.draw_demo(tmp_path / "demo", scale=0.001, jobs=1)
    assert [path.name for path in tmp_path.iterdir()] == [".demo.lock"]


def test_somebody_elses_files_are_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine", "utf-8")
    with pytest.raises(SmartClassError, match="no demo set"):
        drawing.draw_demo(tmp_path)
    assert (tmp_path / "thesis.txt").read_text("utf-8") == "mine"


@pytest.mark.parametrize("scale", [0, -1, 1.5])
def test_the_scale_has_its_range(tmp_path, scale):
    with pytest.raises(SmartClassError, match="scale"):
        drawing.draw_demo(tmp_path / "demo", scale=scale)
