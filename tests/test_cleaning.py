import errno
import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from smartclass_utils.cleaning import build, images, shards
from smartclass_utils.cleaning.folder import clean
from smartclass_utils.config import MANIFEST_COLUMNS, SPLITS, SmartClassError
from smartclass_utils.files import sha256
from smartclass_utils.sources import load

N = 12  # good images of each class
SIZE = 16  # pixels


def save(path, seed, size=20):
    path.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (size, size), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def raw(tmp_path):
    """Two classes with good names and odd ones, and eight files with faults."""
    root = tmp_path / "raw"
    names = ["a b.png", "é.png", "空.png", "a.png", "A.PNG"]
    names += [f"{i}.png" for i in range(N - len(names))]
    for k, label in enumerate(("angry", "happy")):
        for i, name in enumerate(names):
            save(root / label / name, (k, i))
    happy = root / "happy"
    (happy / "z1.jpg").write_bytes(b"")
    (happy / "z2.jpg").write_bytes(b"<html>")
    (happy / "z3.jpg").mkdir()
    (happy / "z4.jpg").symlink_to("gone.jpg")
    shutil.copy(happy / "0.png", happy / "z5.png")  # a duplicate
    save(happy / "z6.png", 6)
    shutil.copy(happy / "z6.png", root / "angry" / "z6.png")  # contradicting labels
    Image.new("RGBA", (20, 20), (9, 9, 9, 99)).save(root / "angry" / "z7.png")
    return root


def run(root, out, jobs=1, **options):
    return clean(load(root), out, image_size=SIZE, jobs=jobs, progress=False, **options)


def contents(folder):
    """Return path → hash of all files but clean.json, which holds the input's key."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    names = {path.relative_to(folder).as_posix(): sha256(path) for path in paths}
    names.pop("clean.json")
    return names


def error_of(*arguments):
    with pytest.raises(SmartClassError) as caught:
        run(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_file_is_accounted_for(raw, tmp_path):
    done = run(raw, tmp_path / "clean")
    assert not done.was_done
    counts = [tuple(row) for row in done.counts.itertuples(index=False)]
    assert counts == [
        ("kept", "", 2 * N),
        ("mended", "transparency put on white; one flat colour", 1),
        ("rejected", "duplicate", 1),
        ("rejected", "empty", 1),
        ("rejected", "not a file", 2),
        ("rejected", "not an image", 1),
        ("rejected", "same image under different labels", 2),
    ]
    assert done.counts["images"].sum() == len(load(raw).table)
    assert len(done.labels) == 2 * N + 1
    rejected = pd.read_csv(tmp_path / "clean" / "rejected.csv")
    assert list(rejected) == ["file", "source", "label", "reason"]
    conflict = (
        "same image under different labels: angry/z6.png (angry), happy/z6.png (happy)"
    )
    assert dict(zip(rejected["file"], rejected["reason"], strict=True)) == {
        "angry/z6.png": conflict,
        "happy/z1.jpg": "empty",
        "happy/z2.jpg": "not an image",
        "happy/z3.jpg": "not a file",
        "happy/z4.jpg": "not a file",
        "happy/z5.png": "duplicate of happy/0.png",
        "happy/z6.png": conflict,
    }
    assert done.noted.to_dict("records") == [
        {
            "file": done.noted["file"][0],
            "original_file": "angry/z7.png",
            "note": "transparency put on white; one flat colour",
        }
    ]


def test_labels_csv_keeps_its_contract(raw, tmp_path):
    folder = run(raw, tmp_path / "clean").folder
    labels = pd.read_csv(folder / "labels.csv", keep_default_na=False)
    assert tuple(labels) == MANIFEST_COLUMNS
    assert list(labels["file"]) == sorted(labels["file"])
    assert not labels["file"].duplicated().any()
    assert set(labels["source"]) == {"raw"}
    assert set(labels["split"]) == set(SPLITS)
    for row in labels.itertuples():
        assert row.file == f"{row.label}/raw_{row.sha256[:12]}.png"
    originals = [path for path in raw.rglob("*.*") if path.is_file()]
    assert set(labels["sha256"]) < {sha256(path) for path in originals}
    for name in ("é.png", "空.png", "a b.png", "a.png", "A.PNG"):
        assert sha256(raw / "happy" / name) in set(labels["sha256"])
    card = json.loads((folder / "clean.json").read_text("utf-8"))
    assert card["n_images"] == len(labels) == sum(card["split"].values())
    assert card["classes"] == ["angry", "happy"]
    assert card["image_size"] == SIZE


def test_names_cannot_leave_the_clean_folder(tmp_path):
    labels = ("../../evil", "..", "/etc/evil", "clean.json", "images.npy", ".parts")
    rows = ["file,label,source"]
    for k, label in enumerate(labels):
        for i in range(N):
            save(tmp_path / "raw" / f"{k}_{i}.png", (k, i))
            rows.append(f"{k}_{i}.png,{label},../../{k}")
    (tmp_path / "raw" / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    done = run(tmp_path / "raw", tmp_path / "in" / "clean")
    assert set(done.labels["label"]) == set(labels)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "raw"]
    inside = sorted(path.name for path in (tmp_path / "in").iterdir())
    assert inside == [".clean.lock", "clean"]
    home = done.folder.resolve()
    for file in done.labels["file"]:
        path = (home / file).resolve()
        assert path.is_file()
        assert path.parent.parent == home
    assert (home / "images.npy").is_file()
    assert run(tmp_path / "raw", tmp_path / "in" / "clean").was_done


def test_no_column_of_a_list_is_lost(tmp_path):
    names = ["kind", "reason", "notes", "original_file", "glasses"]
    rows = [",".join(["file", "label", *names])]
    for label in ("a", "b"):
        for i in range(N):
            save(tmp_path / "raw" / f"{label}{i}.png", (ord(label), i))
            rows.append(f"{label}{i}.png,{label},{','.join(names)}")
    (tmp_path / "raw" / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    labels = run(tmp_path / "raw", tmp_path / "clean").labels
    kept = labels[[*(f"{name} given" for name in names[:4]), "glasses"]]
    assert (kept == names).all(axis=None)


def test_the_array_holds_what_the_files_hold(raw, tmp_path):
    done = run(raw, tmp_path / "clean")
    pixels = np.load(done.folder / "images.npy")
    assert pixels.shape == (len(done.labels), SIZE, SIZE)
    of = {sha256(path): path for path in raw.rglob("*.*") if path.is_file()}
    for image, row in zip(pixels, done.labels.itertuples(), strict=True):
        np.testing.assert_array_equal(Image.open(done.folder / row.file), image)
        again = images.decode(of[row.sha256], SIZE).array
        np.testing.assert_array_equal(again, image)


def test_the_bytes_depend_on_neither_cores_nor_shards_nor_place(
    raw, tmp_path, monkeypatch
):
    one = run(raw, tmp_path / "one")
    moved = shutil.copytree(raw, tmp_path / "elsewhere" / "raw", symlinks=True)
    for path in moved.rglob("*.png"):
        os.utime(path, (1, 1))
    monkeypatch.setattr(build, "SHARD", 7)
    two = run(moved, tmp_path / "two", jobs=2)
    assert contents(two.folder) == contents(one.folder)
    assert two.fingerprint == one.fingerprint
    assert {path.name for path in two.folder.iterdir()} == {
        *("angry", "happy", "clean.json", "images.npy"),
        *("labels.csv", "noted.csv", "rejected.csv"),
    }


def test_what_is_done_is_not_done_twice(raw, tmp_path, monkeypatch):
    first = run(raw, tmp_path / "clean")
    with monkeypatch.context() as patch:
        patch.setattr(images, "read", None)
        again = run(raw, tmp_path / "clean")
    assert again.was_done
    assert again.fingerprint == first.fingerprint
    pd.testing.assert_frame_equal(again.labels, first.labels)
    pd.testing.assert_frame_equal(again.counts, first.counts)
    save(raw / "happy" / "new.png", 99)
    more = run(raw, tmp_path / "clean")
    assert not more.was_done
    assert len(more.labels) == len(first.labels) + 1
    save(raw / "happy" / "new.png", 100)
    changed = run(raw, tmp_path / "clean")
    assert not changed.was_done
    assert changed.fingerprint != more.fingerprint


@pytest.mark.parametrize("name", ["rejected.csv", "noted.csv", "images.npy", "png"])
def test_a_harmed_folder_is_made_again(raw, tmp_path, name):
    first = run(raw, tmp_path / "clean")
    whole = contents(first.folder)
    (first.folder / (first.labels["file"][0] if name == "png" else name)).unlink()
    assert not run(raw, tmp_path / "clean").was_done
    assert contents(first.folder) == whole


def stop_after(monkeypatch, files, error):
    """Let the decoding raise after so many files; return the files decoded."""
    seen, read = [], images.read

    def read_some(path):
        if len(seen) >= files:
            raise error
        seen.append(path)
        return read(path)

    monkeypatch.setattr(images, "read", read_some)
    return seen


def test_an_interrupted_run_goes_on_where_it_stopped(raw, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "SHARD", 5)
    total = len(load(raw).table)
    out = tmp_path / "clean"
    older = run(raw, out)
    before = contents(out)
    save(raw / "happy" / "new.png", 99)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_after(patch, 13, KeyboardInterrupt())
        run(raw, out)
    assert contents(out) == before
    assert json.loads((out / "clean.json").read_text())["n_images"] == len(older.labels)
    with monkeypatch.context() as patch:
        seen = stop_after(patch, 10**6, None)
        resumed = run(raw, out)
    assert len(seen) == total + 1 - 10  # two shards of five were in the journal
    assert not list(tmp_path.glob("clean.*"))
    assert contents(resumed.folder) == contents(run(raw, tmp_path / "fresh").folder)


def test_a_run_killed_between_two_renamings_is_mended(raw, tmp_path):
    first = run(raw, tmp_path / "clean")
    first.folder.rename(tmp_path / ".clean.old")
    assert run(raw, tmp_path / "clean").was_done
    assert not (tmp_path / ".clean.old").exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_disk_is_one_sentence(raw, tmp_path, monkeypatch, number):
    run(raw, tmp_path / "clean")
    before = contents(tmp_path / "clean")
    save(raw / "happy" / "new.png", 99)

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(build, "write_images", fail)
    message = error_of(raw, tmp_path / "clean")
    assert f"{tmp_path} cannot be written to ({os.strerror(number)}): make " in message
    assert contents(tmp_path / "clean") == before


def test_folders_that_cannot_be_used_are_refused(raw, tmp_path):
    for out in (raw, raw / "clean", tmp_path):
        assert f"cannot go to {out}, as the data lie in {raw}" in error_of(raw, out)
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    (foreign / "text.tex").write_text("mine", "utf-8")
    assert "thesis holds files that are no clean set" in error_of(raw, foreign)
    assert "text.tex is a file" in error_of(raw, foreign / "text.tex")
    assert (foreign / "text.tex").read_text("utf-8") == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw", "thesis"]
    with pytest.raises(
        SmartClassError, match="IMAGE_SIZE=15 is out of range: choose 16"
    ):
        clean(load(raw), tmp_path / "clean", image_size=15)


def test_a_class_without_enough_images_is_named(raw, tmp_path):
    (raw / "neutral").mkdir()
    (raw / "neutral" / "1.jpg").write_bytes(b"<html>")
    assert "Class 'neutral' has no usable image" in error_of(raw, tmp_path / "clean")
    save(raw / "neutral" / "2.png", 50)
    assert "Class 'neutral' has only 1 usable" in error_of(raw, tmp_path / "clean")
    assert not (tmp_path / "clean").exists()
    for path in raw.rglob("*.[pP]*"):
        path.write_bytes(b"<html>")
    message = error_of(raw, tmp_path / "clean")
    assert "can be used (not an image, …): check the download" in message


def test_c_libraries_print_nothing_into_the_notebook(tmp_path, capfd):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20), dtype=np.uint8)
    path = tmp_path / "a.tif"
    Image.fromarray(pixels).save(path, compression="tiff_adobe_deflate")
    path.write_bytes(path.read_bytes()[:200] + bytes(200) + path.read_bytes()[400:])
    with pytest.raises(images.Rejected):
        images.decode(path, SIZE)
    assert "ZIP" in capfd.readouterr().err  # so there is something to keep quiet
    shards.clean_shard(str(tmp_path), ["a.tif"], SIZE, tmp_path / "00000.npz")
    os.write(2, b"heard again")
    assert capfd.readouterr().err == "heard again"


def test_a_png_that_is_gone_from_the_journal_is_written_again(tmp_path):
    Image.fromarray(np.arange(400, dtype=np.uint8).reshape(20, 20)).save(
        tmp_path / "a.png"
    )
    part = tmp_path / "00000.npz"
    shards.clean_shard(str(tmp_path), ["a.png"], 20, part)
    pixels = shards.read_images(part)
    shards.move_pngs(part, pixels, [str(tmp_path / "moved.png")])
    shards.move_pngs(part, pixels, [str(tmp_path / "again.png")])
    moved, again = (tmp_path / f"{n}.png" for n in ("moved", "again"))
    assert moved.read_bytes() == again.read_bytes()
    assert not (tmp_path / "00000" / "0.png").exists()
