import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from errno import EACCES, ENOSPC, EROFS
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from conftest import GREY, encoded, refusal, write_noise, write_photos
from PIL import Image
from test_sources import put_text

from benchmarks import processes
from smartclass_utils import cleaning, images
from smartclass_utils.config import MANIFEST_COLUMNS, ROOT, SPLITS
from smartclass_utils.files import read_json, safe_name, sha256
from smartclass_utils.sources import load

N = 12  # good images of each class
SIZE = 16  # pixels
CONFLICT = "same image under different labels"
CLEAN = """
import locale, sys
from contextlib import suppress
with suppress(locale.Error):  # a system without this language
    locale.setlocale(locale.LC_ALL, "")
from smartclass_utils import cleaning, sources
jobs, cleaning.BATCH = map(int, sys.argv[3:])
cleaning.clean(sources.load(sys.argv[1]), sys.argv[2], image_size=16, jobs=jobs)
"""


def start_cleaning(root, out, jobs=2, batch=256, **options):
    """Clean in a process of its own; the options are those of ``Popen``."""
    command = [sys.executable, "-c", CLEAN, root, out, str(jobs), str(batch)]
    return subprocess.Popen(command, cwd=ROOT, **options)


def hashes(folder):
    """Return path → hash of all files but clean.json, which holds the input's key."""
    return {k: v for k, v in processes.hashes(folder).items() if k != "clean.json"}


@pytest.fixture
def raw(tmp_path):
    """Two classes with good names and odd ones, and eight files with faults."""
    root = tmp_path / "raw"
    names = ["a b.png", "é.png", "空.png", "a.png", "A.PNG"]
    names += [f"{i}.png" for i in range(N - len(names))]
    for k, label in enumerate(("angry", "happy")):
        for i, name in enumerate(names):
            write_noise(root / label / name, (k, i))
    happy = root / "happy"
    (happy / "z1.jpg").write_bytes(b"")
    (happy / "z2.jpg").write_bytes(b"<html>")
    (happy / "z3.jpg").mkdir()
    (happy / "z4.jpg").symlink_to("gone.jpg")
    shutil.copy(happy / "0.png", happy / "z5.png")  # a duplicate
    write_noise(happy / "z6.png", 6)
    shutil.copy(happy / "z6.png", root / "angry" / "z6.png")  # contradicting labels
    Image.new("RGBA", (20, 20), (9, 9, 9, 99)).save(root / "angry" / "z7.png")
    return root


def run(root, out=None, image_size=SIZE, jobs=1, **options):
    """Clean a folder of classes, into the folder clean beside it if not told where."""
    options |= {"image_size": image_size, "jobs": jobs}
    return cleaning.clean(load(root), out or root.parent / "clean", **options)


error_of = partial(refusal, run)


def test_the_clean_folder_keeps_its_contract(raw):
    folder = run(raw).folder
    labels = pd.read_csv(folder / "labels.csv", keep_default_na=False)
    assert tuple(labels) == MANIFEST_COLUMNS
    assert list(labels["file"]) == sorted(set(labels["file"]))
    assert len(labels) == 2 * N + 1  # the last is z7
    assert set(labels["source"]) == {"raw"}
    assert set(labels["split"]) == set(SPLITS)
    original = {sha256(path): path for path in raw.rglob("*.*") if path.is_file()}
    odd = ("é.png", "空.png", "a b.png", "a.png", "A.PNG")
    assert {sha256(raw / "happy" / name) for name in odd} <= set(labels["sha256"])
    assert read_json(folder / "clean.json")["classes"] == ["angry", "happy"]
    pixels = np.load(folder / "images.npy")
    assert pixels.shape == (len(labels), SIZE, SIZE)
    for image, row in zip(pixels, labels.itertuples(), strict=True):
        assert row.file == f"{row.label}/raw_{row.sha256[:12]}.png"
        np.testing.assert_array_equal(Image.open(folder / row.file), image)
        again = images.clean_image(original[row.sha256].read_bytes(), SIZE).pixels
        np.testing.assert_array_equal(again, image)


def test_names_cannot_leave_the_clean_folder(tmp_path):
    raw, home = tmp_path / "raw", tmp_path / "in" / "clean"
    labels = ("../../evil", "..", "/etc/evil", "clean.json", "images.npy", ".rows")
    labels += ("con", "Aux.txt", "a" * 300, "ends. .")
    write_photos(raw, [f"{k:02d}" for k in range(len(labels))], N)
    manifest = load(raw)
    table = manifest.table.assign(label=np.repeat(labels, N), source="../../x")
    manifest = replace(manifest, table=table, classes=labels)
    done = cleaning.clean(manifest, home, image_size=SIZE)
    assert set(done.labels["label"]) == set(labels)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "raw"]
    assert {path.name for path in home.parent.iterdir()} == {".clean.lock", "clean"}
    folders = {file.split("/")[0] for file in done.labels["file"]}
    assert {path.name for path in home.iterdir() if path.is_dir()} == folders
    places = [(home / file).resolve(strict=True) for file in done.labels["file"]]
    assert {place.parent.parent for place in places} == {home.resolve()}
    assert cleaning.clean(manifest, home, image_size=SIZE).was_done


@pytest.mark.parametrize(("name", "safe"), [
    ("happy", "happy"), ("a/b:c", "a-b-c"), ("con", "con_"), ("COM1.x", "COM1.x_"),
    ("lpt² .x", "lpt² .x_"), ("console", "console"), ("labels.csv", "labels.csv_"),
    (" . ", "unnamed"), ("x" * 59 + ". y", "x" * 59),
])  # fmt: skip
def test_a_name_is_one_that_every_system_takes(name, safe):
    assert safe_name(name) == safe


def test_what_is_done_is_not_done_twice(raw, monkeypatch):
    first = run(raw)
    with monkeypatch.context() as patch:
        patch.setattr(images, "read", None)
        again = run(raw)
    assert again.was_done
    assert again.fingerprint == first.fingerprint
    pd.testing.assert_frame_equal(again.labels, first.labels)
    pd.testing.assert_frame_equal(again.counts, first.counts)
    write_noise(raw / "happy" / "new.png", 99)
    more = run(raw)
    assert not more.was_done
    assert len(more.labels) == len(first.labels) + 1
    write_noise(raw / "happy" / "new.png", 100)
    assert run(raw).fingerprint != more.fingerprint


@pytest.mark.parametrize("module", ["images", "cleaning", "copies", "splits"])
def test_a_change_in_the_code_is_noticed(raw, monkeypatch, module):
    before = cleaning.input_key(load(raw), SIZE, None)

    def changed(path):
        return "another" if path.stem == module else sha256(path)

    monkeypatch.setattr(cleaning, "sha256", changed)
    assert cleaning.input_key(load(raw), SIZE, None) != before


LEVEL = 10


def brighter(image):
    return np.clip(image.astype(int) + LEVEL, 0, 255).astype(np.uint8)


def test_a_function_of_the_reader_is_part_of_the_key(raw, tmp_path, monkeypatch):
    plain, out = run(raw, tmp_path / "plain"), tmp_path / "clean"
    monkeypatch.setattr(cleaning, "BATCH", 7)  # so that other processes call it
    first = run(raw, out, prepare=brighter, jobs=2)
    pixels = [np.load(done.folder / "images.npy") for done in (plain, first)]
    np.testing.assert_array_equal(pixels[1], brighter(pixels[0]))
    assert "image.astype(int) + LEVEL" in (out / "clean.json").read_text("utf-8")
    assert run(raw, out, prepare=brighter).was_done
    monkeypatch.setattr(sys.modules[__name__], "LEVEL", 20)  # not in its own lines
    assert not run(raw, out, prepare=brighter).was_done
    assert not run(raw, out).was_done
    before = hashes(out)
    assert "PREPARE returns float64" in error_of(raw, out, prepare=lambda x: x / 2)
    assert hashes(out) == before


def test_processes_of_an_earlier_call_do_not_work_with_its_code(
    raw, tmp_path, monkeypatch
):
    monkeypatch.setattr(cleaning, "BATCH", 7)
    sums, divided = {}, lambda image: image // int(os.environ["DIVISOR"])
    for divisor in "12":
        monkeypatch.setenv("DIVISOR", divisor)  # known to a process from its start
        monkeypatch.setattr(cleaning, "CODE", ("images.py",) * int(divisor))
        done = run(raw, tmp_path / divisor, prepare=divided, jobs=2)
        sums[divisor] = np.load(done.folder / "images.npy").sum()
    assert sums["2"] < 0.6 * sums["1"]


def test_a_process_that_the_system_ends_is_a_sentence(raw, monkeypatch):
    here = os.getpid()

    def fatal(image):
        return image if os.getpid() == here else os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(cleaning, "BATCH", 7)
    assert "The system ended a process" in error_of(raw, prepare=fatal, jobs=2)


@pytest.mark.parametrize("name", ["rejected.csv", "noted.csv", "images.npy", "png", ""])
def test_a_harmed_folder_is_made_again(raw, name):
    first = run(raw)
    whole, card = hashes(first.folder), first.folder / "clean.json"
    if name:
        (first.folder / (first.labels["file"][0] if name == "png" else name)).unlink()
    else:
        card.write_text(card.read_text().replace('"images": 1', '"images": 2', 1))
    assert not run(raw).was_done
    assert hashes(first.folder) == whole


@pytest.mark.parametrize("error", [
    KeyboardInterrupt(), *(OSError(n, os.strerror(n)) for n in (ENOSPC, EROFS)),
], ids=["interrupted", "full disk", "read-only disk"])  # fmt: skip
def test_an_older_folder_stays_whole(raw, tmp_path, monkeypatch, error):
    out = run(raw).folder
    before = hashes(out)
    write_noise(raw / "happy" / "new.png", 99)
    with monkeypatch.context() as patch:
        patch.setattr(cleaning, "write_images", Mock(side_effect=error))
        if isinstance(error, OSError):
            said = f"{tmp_path} cannot be written to ({error.strerror}): "
            assert said in error_of(raw)
        else:
            with pytest.raises(KeyboardInterrupt):
                run(raw)
    assert hashes(out) == before
    assert hashes(run(raw).folder) == hashes(run(raw, tmp_path / "fresh").folder)
    assert {path.name for path in tmp_path.glob(".*")} == {".clean.lock", ".fresh.lock"}


def test_an_older_folder_returns_if_no_new_one_can_take_its_place(raw, monkeypatch):
    out, move = run(raw).folder, Path.replace
    before = hashes(out)
    write_noise(raw / "happy" / "new.png", 99)

    def refuse(path, target):
        if path.name == "new":
            raise PermissionError(EACCES, "in use")
        move(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    assert "cannot be written to (in use): " in error_of(raw)
    assert hashes(out) == before


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is of POSIX")
@pytest.mark.parametrize("seconds", [0, 0.02])
def test_a_killed_run_leaves_nothing_half_and_the_next_ends_well(
    raw, tmp_path, seconds
):
    out = tmp_path / "clean"
    child = start_cleaning(raw, out, start_new_session=True)
    while not list(tmp_path.glob(".clean.new*")) and child.poll() is None:
        time.sleep(0.001)
    time.sleep(seconds)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert not out.exists() or (out / "clean.json").exists()
    assert hashes(run(raw).folder) == hashes(run(raw, tmp_path / "fresh").folder)
    assert {path.suffix for path in tmp_path.glob(".*")} == {".lock"}


def test_a_run_killed_between_two_renamings_is_mended(raw, tmp_path):
    first = run(raw)
    os.renames(first.folder, tmp_path / ".clean.new1/old")
    assert run(raw).was_done
    assert not (tmp_path / ".clean.new1").exists()
    shutil.copytree(first.folder, tmp_path / ".clean.new1/old")  # a moment later
    write_noise(raw / "happy" / "new.png", 99)
    assert not run(raw).was_done
    assert not (tmp_path / ".clean.new1").exists()


def test_a_second_run_waits_and_takes_what_is_there(raw, tmp_path, monkeypatch, capsys):
    out, calls, fill = tmp_path / "clean", [], cleaning.fill
    other = threading.Thread(target=lambda: calls.append(run(raw, out)))

    def slow_fill(*arguments):
        calls.append(arguments)
        other.start()
        other.join(timeout=0.5)  # it cannot end while the lock is held
        return fill(*arguments)

    monkeypatch.setattr(cleaning, "fill", slow_fill)
    first = run(raw, out)
    other.join()
    _, second = calls
    assert second.was_done and not first.was_done
    said = capsys.readouterr().out
    assert f"Another run is cleaning into {out}; this one waits" in said


def test_folders_that_cannot_be_used_are_refused(raw, tmp_path):
    for out in (raw, raw / "clean", tmp_path):
        assert f"cannot go to {out}, as the data lie in {raw}" in error_of(raw, out)
    foreign = put_text(tmp_path / "thesis" / "text.tex", "mine")
    assert "thesis holds files that are no clean set" in error_of(raw, foreign.parent)
    assert "text.tex is a file" in error_of(raw, foreign)
    assert foreign.read_text("utf-8") == "mine\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw", "thesis"]
    for size in (15, 225, "48", 48.0, True):
        said = error_of(raw, image_size=size)
        assert said.startswith(f"IMAGE_SIZE = {size!r} is ") and "16 to 224" in said


def test_a_class_without_usable_images_is_named(raw, tmp_path):
    (raw / "neutral").mkdir()
    (raw / "neutral" / "1.jpg").write_bytes(b"<html>")
    said = "Class 'neutral' has {} (rejected: 1 not an image); train, val"
    assert error_of(raw).startswith(said.format("no usable images"))
    write_noise(raw / "neutral" / "2.png", 50)
    assert error_of(raw).startswith(said.format("1 usable image"))
    assert {path.name for path in tmp_path.iterdir()} == {"raw", ".clean.lock"}


def test_a_given_split_and_its_duplicates_are_kept(tmp_path):
    own = tmp_path / "own"
    for i, seed in enumerate([*range(10), 0, 2]):  # the last two are there before
        write_noise(own / f"{i:02d}.png", seed)
    rows = (f"{i:02d}.png,{'ab'[i % 2]},{SPLITS[i // 4]},yes" for i in range(12))
    put_text(own / "labels.csv", "file,label,split,glasses", *rows)
    done = run(own)
    assert tuple(done.labels) == (*MANIFEST_COLUMNS, "glasses")
    assert done.noted.groupby("note")["original_file"].agg(set).to_dict() == {
        "duplicate, kept as the split is given": {"00.png", "10.png"},
        f"{CONFLICT}, kept as the split is given": {"02.png", "11.png"},
    }
    split = done.labels.set_index("sha256")["split"]
    for i in (1, *range(3, 10)):
        assert split[sha256(own / f"{i:02d}.png")] == SPLITS[i // 4]
    assert len(done.labels) == done.labels["file"].nunique() == 12
    assert done.labels["file"].str.endswith("-2.png").sum() == 1


def test_c_libraries_print_nothing_into_the_notebook(tmp_path, capfd):
    content = encoded(GREY, "TIFF", compression="tiff_adobe_deflate")
    broken = content[:200] + bytes(200) + content[400:]
    with pytest.raises(images.Rejected):
        images.clean_image(broken, SIZE)
    assert "ZIP" in capfd.readouterr().err  # so there is something to keep quiet
    (tmp_path / "a.tif").write_bytes(broken)
    files = [tmp_path / "a.tif"]
    _, [verdict] = cleaning.clean_batch(files, (SIZE, SIZE), None, tmp_path, 0)
    assert verdict[1] == "damaged"
    os.write(2, b"heard again")
    assert capfd.readouterr().err == "heard again"


# locale, time zone, hash seed, umask, processes, files in a batch
SETTINGS = [
    ("C", "UTC", "0", 0o022, 1, 256),
    ("tr_TR.UTF-8", "Asia/Kathmandu", "1", 0o077, 2, 7),
    ("C.UTF-8", "America/St_Johns", "4242", 0o002, 3, 5),
]


def test_nothing_but_the_images_changes_the_clean_folder(raw, tmp_path):
    for i, letter in enumerate("Iiıİ" * 3):
        write_noise(raw / "Öfke" / f"{letter}{i}.jpg", (2, i), form="JPEG")
    nearly = brighter(np.asarray(Image.open(raw / "happy" / "1.png")))
    Image.fromarray(nearly).save(raw / "happy" / "nearly 1.png")
    files = {file for file in raw.glob("*/*") if file.is_file()}
    content = {str(file.relative_to(raw)): file.read_bytes() for file in files}
    running, outs = [], []
    for number, (language, zone, seed, umask, *rest) in enumerate(SETTINGS):
        root = tmp_path / str(number) / "raw"
        for file in np.random.default_rng(number).permutation(sorted(content)):
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_bytes(content[file])
        outs.append(root.parent / "clean")
        settings = {"LC_ALL": language, "TZ": zone, "PYTHONHASHSEED": seed}
        options = {"env": {**os.environ, **settings}, "umask": umask}
        running.append(start_cleaning(root, outs[-1], *rest, **options))
    assert [child.wait(timeout=300) for child in running] == [0, 0, 0]
    first, *others = [hashes(out) for out in outs]
    assert len(first) == len(content) - 5 + 4  # doubles and broken; tables
    assert others == [first, first]
    cards = [read_json(out / "clean.json") for out in outs]
    card, *others = [{k: card[k] for k in ("fingerprint", "counts")} for card in cards]
    assert others == [card, card]
