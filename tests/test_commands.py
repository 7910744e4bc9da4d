"""How a command ends, in a sentence; what `check`, `data` and `combine` do."""

import importlib
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from unittest.mock import Mock, create_autospec

import numpy as np
import pandas as pd
import pytest
from conftest import refusal, write_noise, write_photos
from PIL import Image, ImageOps
from test_sources import put_text

from smartclass_utils import __main__ as cli
from smartclass_utils import config
from smartclass_utils.commands.check import check_folder
from smartclass_utils.commands.combine import combine
from smartclass_utils.commands.download import download_sources
from smartclass_utils.config import ROOT, SmartClassError, check
from smartclass_utils.layouts import PROVENANCE


@pytest.mark.parametrize(("error", "said"), [
    (SmartClassError("Mend it."), "Mend it."),
    (PermissionError(13, "Permission denied", "x/y.npy"), "x/y.npy cannot be used"),
    (OSError(28, "No space left on device"), "output cannot be used (No space"),
])  # fmt: skip
def test_what_can_be_mended_is_one_line(monkeypatch, smartclass, error, said):
    monkeypatch.setattr(cli, "run", Mock(side_effect=error))
    line = smartclass("predict", "a.png")
    assert line.startswith("smartclass: ") and said in line


def test_a_fault_of_the_program_is_not_hidden(monkeypatch, smartclass):
    monkeypatch.setattr(cli, "run", Mock(side_effect=ZeroDivisionError))
    with pytest.raises(ZeroDivisionError):
        smartclass("predict", "a.png")


ARGUMENTS = {
    **{"report": ["--seeds", "1"], "check": ["demo"], "slides": [], "record": []},
    **{"pdf": ["--out", "x"], "predict": ["a.png"], "study": ["demo"], "data": []},
    **{"ship": ["demo"], "unpack": ["fer2013.csv", "x"], "combine": ["a", "b", "c"]},
}


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_takes_what_its_options_give(monkeypatch, command):
    module, name = cli.COMMANDS[command][0].split(":")
    module = importlib.import_module(f"smartclass_utils.commands.{module}")
    given = create_autospec(getattr(module, name), return_value=None)
    monkeypatch.setattr(module, name, given)
    monkeypatch.setattr(sys, "argv", ["smartclass", command, *ARGUMENTS[command]])
    assert cli.main() == 0
    given.assert_called_once()


def test_waiting_threads_sleep_and_freed_memory_is_kept_unless_the_user_says_else():
    show = "import os, smartclass_utils; print(os.environ['GOMP_SPINCOUNT'], end=' ')"
    show += "; print(os.environ['MALLOC_TRIM_THRESHOLD_'])"
    for own, said in (({}, "2000"), ({"GOMP_SPINCOUNT": "7"}, "7")):
        ours = {"PATH": os.environ["PATH"], **own}
        command = [sys.executable, "-c", show]
        output = subprocess.check_output(command, cwd=ROOT, env=ours, text=True)
        assert output == f"{said} 268435456\n"


def test_a_look_says_what_a_report_would_do_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    write_photos(tmp_path / "mine", ("all", "sad"), 10)
    write_noise(tmp_path / "mine/sad/more.pgm", 0, 48, "PPM")
    (tmp_path / "mine/sad/broken.jpg").write_bytes(b"no picture")
    (tmp_path / "mine/@eaDir").mkdir()
    before = sorted(tmp_path.rglob("*"))
    said = check_folder(str(tmp_path / "mine"))
    assert sorted(tmp_path.rglob("*")) == before
    (tmp_path / "mine").rename(tmp_path / "my $ 1")
    quoted = f"make report DATA='{tmp_path}/my $$ 1'"  # by make, then by the shell
    assert quoted in check_folder(str(tmp_path / "my $ 1"))
    named = "mine: 22 files|all|sad/broken.jpg: not an image|@eaDir|The split, drawn"
    for part in f"{named}|A report would run|No image has a near-copy".split("|"):
        assert part in said


def test_a_long_video_is_named_before_it_makes_the_parts_uneven(tmp_path):
    write_photos(tmp_path, ("happy", "sad"), 10)
    rows = [f"{k}/{i}.png,{k}," for k in ("happy", "sad") for i in range(10)]
    rows[:5] = [row + "one" for row in rows[:5]]
    rows[5:10] = [row + "Unknown" for row in rows[5:10]]  # is nobody
    put_text(tmp_path / "labels.csv", "file,label,subject", *rows)
    said = check_folder(str(tmp_path))
    assert "5 images have near-copies or share a subject" in said
    assert "The largest holds 5 of 20" in said


def test_groups_on_both_sides_of_a_given_split_are_counted(tmp_path):
    rows, who = [], {"a0": 1, "a9": 1, "b1": 2, "b2": 2}
    write_photos(tmp_path, "ab", 10)
    for label in "ab":
        for i, part in enumerate(["train"] * 6 + ["val"] * 2 + ["test"] * 2):
            rows += [f"{label}/{i}.png,{label},{part},{who.get(f'{label}{i}', '')}"]
    ImageOps.mirror(Image.open(tmp_path / "b/0.png")).save(tmp_path / "b/9.png")
    put_text(tmp_path / "labels.csv", "file,label,split,subject", *rows)
    said = "groups on both sides of the given split, in test and outside it: 2 of 3."
    assert said in check_folder(str(tmp_path))


@pytest.mark.parametrize("value", ["5", 5.0, True, None, 0, 11, np.float64(5)])
def test_a_value_that_is_no_whole_number_in_range_is_one_sentence(value):
    told = f"EPOCHS = {value!r} is not a whole number from 1 to 10: correct it."
    assert refusal(check, SEEDS=(3, 1, 10), EPOCHS=(value, 1, 10)) == told


def test_a_range_of_fractions_takes_whole_numbers_too():
    check(RATE=(1, 0.0, 1.0), EPOCHS=(np.int64(3), 1, 10))
    for value in ("0.1", float("nan")):
        said = refusal(check, RATE=(value, 0.0, 1.0))
        assert said.startswith(f"RATE = {value!r} is not a number from 0.0")


KAGGLE = [source.kaggle for source in PROVENANCE]
PINNED = [f"{slug}/versions/7" for slug in KAGGLE]
error_of = partial(refusal, download_sources, accept_terms=True)


@pytest.fixture
def raw(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "RAW_FOLDER", tmp_path / "project/raw")
    return tmp_path / "project/raw"


@pytest.fixture
def hub(tmp_path, monkeypatch, raw):
    """Stand in for kagglehub: keep what is asked of it, and a cache on disk."""

    def dataset_download(handle):
        module.asked.append(handle)
        folder = tmp_path / "cache" / handle.removesuffix("/versions/7") / "versions/7"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "here.txt").touch()
        return str(folder)

    module = Mock(asked=[], dataset_download=Mock(side_effect=dataset_download))
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    return module


def test_nothing_is_downloaded_before_the_terms_are_accepted(hub, raw, capsys):
    download_sources()
    printed = capsys.readouterr().out
    for source in PROVENANCE:
        assert source.terms in printed
        assert source.authors in printed
    assert "require a signed agreement" in printed
    assert printed.endswith("make data ACCEPT_TERMS=1\n")
    assert hub.asked == []
    assert not raw.exists()


def test_the_version_is_recorded_and_asked_for_the_next_time(hub, raw, tmp_path):
    download_sources(accept_terms=True)
    names = ("rafdb", "fed2023", "oahega")
    assert all((raw / name / "here.txt").is_file() for name in names)
    assert hub.asked == KAGGLE
    download_sources(accept_terms=True)
    assert hub.asked == KAGGLE + PINNED
    shutil.rmtree(tmp_path / "cache")  # now the links lead nowhere
    download_sources(accept_terms=True)
    assert hub.asked == KAGGLE + PINNED + PINNED


def test_a_failing_network_is_one_sentence_and_what_came_stays(hub, raw):
    download_sources(accept_terms=True)
    gone = ConnectionError("Max retries exceeded\nwith url: …")
    hub.dataset_download.side_effect = [gone, TimeoutError()]
    assert error_of() == (
        "RAF-DB could not be downloaded (Max retries exceeded): try again with a "
        "network, or unpack kaggle.com/datasets/shuvoalok/raf-db-dataset by hand into "
        "data/raw/rafdb, or run make report DATA=demo without it."
    )
    assert (raw / "rafdb" / "here.txt").is_file()
    assert "downloaded (TimeoutError)" in error_of()


def test_ones_own_copy_is_kept_and_a_foreign_link_names_no_version(hub, raw, capsys):
    (raw / "rafdb").mkdir(parents=True)
    (raw / "rafdb" / "mine.txt").write_text("mine", "utf-8")
    (raw / "fed2023").symlink_to("/someone/else/versions/1")
    download_sources(accept_terms=True)
    assert hub.asked == KAGGLE[1:]
    assert (raw / "rafdb" / "mine.txt").read_text("utf-8") == "mine"
    assert "rafdb is there already, kept" in capsys.readouterr().out


def test_without_links_or_kagglehub_the_remedy_is_named(hub, raw, monkeypatch):
    monkeypatch.setattr("pathlib.Path.symlink_to", Mock(side_effect=OSError(1, "no")))
    assert re.search(r"\(no\): copy \S+7 there, or turn", error_of())
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    assert "kagglehub is not installed: run make" in error_of()


def write_set(folder, rows):
    """Write noise images with labels.csv; rows are name, seed, label, split."""
    for file, seed, *_ in rows:
        write_noise(folder / file, seed, 48)
    lines = (f"{file},{label},{split}" for file, _, label, split in rows)
    put_text(folder / "labels.csv", "file,label,split", *lines)
    return folder


def test_two_sets_become_one_without_what_lies_on_both_sides(tmp_path):
    faces = [(f"a/{i}.png", i, "angry", "train") for i in range(7)]
    faces += [("t/8.png", 8, "happy", "test"), ("t/9.png", 9, "sad", "test")]
    other = [
        ("e/0.png", 0, "engaged", "train"),  # the same face as a/0
        ("e/1.png", 20, "engaged", "test"),
        ("h/2.png", 2, "angry", "test"),  # it will be tested on
        ("h/3.png", 3, "angry", "train"),
        ("x/0.png", 30, "angry", "val"),
    ]
    first = write_set(tmp_path / "fer2013", faces)
    second = write_set(tmp_path / "other", other)
    folder = combine(first, second, tmp_path / "both")
    table = pd.read_csv(folder / "labels.csv")
    assert table.groupby(["label", "split"]).size().to_dict() == {
        ("angry", "train"): 5,  # 1, 3, 4, 5, 6
        ("engaged", "test"): 1,
        ("engaged", "train"): 1,
        ("happy", "test"): 1,
    }
    assert all((folder / file).exists() for file in table["file"])
    assert "exists: name a new folder" in refusal(combine, first, second, folder)
    new = tmp_path / "new"
    assert "has no class engaged: name another" in refusal(combine, first, first, new)
    (first / "t/8.png").write_bytes(b"no image")
    said = refusal(combine, first, second, new)
    assert "t/8.png: not an image: remove it" in said and not new.exists()
    without = pd.read_csv(second / "labels.csv").drop(columns="split")
    without.to_csv(second / "labels.csv", index=False)
    assert "has no split: give it" in refusal(combine, first, second, new)
