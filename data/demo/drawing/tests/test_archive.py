import hashlib
import io
import re
import zipfile
from collections import Counter
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from drawing import archive, plan, tree

ARCHIVE = Path(__file__).resolve().parents[2] / "faces.zip"
MEANT = {"jpg", "png", "gif", "webp", "bmp"}
TABLES = {
    "demo.json",
    "demo_attributes.csv",
    "oahega/data.csv",
    "rafdb/test_labels.csv",
    "rafdb/train_labels.csv",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(ARCHIVE) as faces:
        faces.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def work():
    return plan.plan_files(1.0, False, 42)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def hashes(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


def with_form(root, work, form):
    return [root / job.path for job in work if job.form == form]


def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), int)


def test_the_archive_is_whole_and_holds_what_is_planned(work):
    with zipfile.ZipFile(ARCHIVE) as faces:
        assert faces.testzip() is None
        names = faces.namelist()
    assert names == sorted(names)
    assert set(names) == {job.path for job in work} | TABLES
    assert len(names) == len(work) + len(TABLES)


def test_names_and_entries_are_safe():
    with zipfile.ZipFile(ARCHIVE) as faces:
        entries = faces.infolist()
    for entry in entries:
        path = PurePosixPath(entry.filename)
        assert re.fullmatch(r"[A-Za-z0-9_./]+", entry.filename)
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert entry.external_attr >> 16 == 0o644  # a plain file, no link
        assert entry.date_time == archive.DATE
    assert ARCHIVE.stat().st_size < 11e6
    assert sum(entry.file_size for entry in entries) < 12e6


def test_the_archive_has_its_counts(work):
    intact = [job for job in work if job.form in MEANT]
    drawn = Counter(job.expression for job in intact)
    assert drawn["angry"] == 420
    assert drawn["happy"] == 600
    assert drawn["neutral"] == 425
    assert drawn["agreeing"] + drawn["thinking"] == 404
    assert len(work) == 1981
    assert len(work) - len(intact) == sum(count for *_, count in plan.FAULTS)


@pytest.mark.parametrize("expression", [row[2] for row in plan.COUNTS])
def test_faces_are_drawn_as_they_lie_in_the_archive(root, work, expression):
    same = [job for job in work if job.expression == expression and job.form in MEANT]
    for job in (same[0], same[-1]):
        stored = (root / job.path).read_bytes()
        away = np.abs(pixels(tree.encoded_face(job)) - pixels(stored))
        assert away.mean() < 0.5  # other processors round otherwise
        assert np.quantile(away, 0.99) <= 8


def test_faces_of_other_seeds_are_told_apart(root, work):
    first, second = [job for job in work if job.source == "rafdb"][:2]
    away = np.abs(
        pixels(tree.encoded_face(first)) - pixels((root / second.path).read_bytes())
    )
    assert away.mean() > 5


def test_two_runs_write_the_same_bytes(tmp_path):
    one = tree.draw_tree(tmp_path / "one", scale=0.005, jobs=1)
    two = tree.draw_tree(tmp_path / "two", scale=0.005, jobs=2)
    assert hashes(one) == hashes(two)
    for folder in (one, two):
        archive.write_archive(folder, folder.with_suffix(".zip"))
    assert sha256(tmp_path / "one.zip") == sha256(tmp_path / "two.zip")
    with zipfile.ZipFile(tmp_path / "one.zip") as faces:
        assert sorted(hashes(one)) == faces.namelist()


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


def test_intact_files_can_be_read(root, work):
    jobs = [job for job in work if job.form in MEANT]
    for job in jobs:
        with Image.open(root / job.path) as image:
            image.load()
            assert image.size == (job.size, job.size)
            assert image.format == {"jpg": "JPEG"}.get(job.form, job.form.upper())
    assert all(job.size == 100 for job in jobs if job.source == "rafdb")


def test_broken_files_are_broken(root, work):
    for path in with_form(root, work, "truncated"):
        with Image.open(path) as image, pytest.raises(OSError, match="truncated"):
            image.load()
    assert [p.stat().st_size for p in with_form(root, work, "empty")] == [0, 0]
    for path in with_form(root, work, "html"):
        assert path.suffix == ".jpg"
        assert path.read_text("utf-8").startswith("<!DOCTYPE html>")


def test_odd_files_are_odd(root, work):
    for form, mode in (("cmyk", "CMYK"), ("rgba", "RGBA")):
        for path in with_form(root, work, form):
            assert Image.open(path).mode == mode
    for path in with_form(root, work, "grey16"):
        assert np.asarray(Image.open(path)).max() > 255


def test_duplicates_repeat_bytes_and_one_contradicts_its_label(root, work):
    jobs = [job for job in work if job.copy_of]
    assert Counter(job.form for job in jobs) == {"duplicate": 5, "relabelled": 1}
    for job in jobs:
        assert sha256(root / job.path) == sha256(root / job.copy_of)
        same_folder = job.path.split("/")[2] == job.copy_of.split("/")[2]
        assert same_folder == (job.form == "duplicate")


def test_attributes_name_every_readable_file(root, work):
    table = pd.read_csv(root / "demo_attributes.csv", keep_default_na=False)
    assert list(table.columns) == ["file", "skin_tone", "hair", "glasses", "beard"]
    readable = [job.path for job in work if job.form not in plan.UNREADABLE]
    assert list(table.file) == sorted(readable)
    assert set(table.glasses) == {"yes", "no"}


def test_skin_and_hair_are_spread_over_the_classes(root, work):
    table = pd.read_csv(root / "demo_attributes.csv", keep_default_na=False)
    drawn = {job.path: job.expression for job in work}
    labels = table.file.map(drawn).replace(["agreeing", "thinking"], "engaged")
    used = labels.isin(["angry", "engaged", "happy", "neutral"])
    light = (table.skin_tone == "light")[used].groupby(labels[used]).mean()
    long = table.hair.isin(["long", "bob", "tied"])[used].groupby(labels[used]).mean()
    assert light.between(0.27, 0.38).all()
    assert long.between(0.32, 0.48).all()


def test_somebody_elses_files_are_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine", "utf-8")
    with pytest.raises(ValueError, match="not empty"):
        tree.draw_tree(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("scale", [0, -1, 1.5])
def test_the_scale_has_its_range(tmp_path, scale):
    with pytest.raises(ValueError, match="scale"):
        tree.draw_tree(tmp_path / "demo", scale=scale)
    assert not (tmp_path / "demo").exists()
