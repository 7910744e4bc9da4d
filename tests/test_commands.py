"""How a command ends: with a status and a sentence; what `check` says of folders."""

import importlib
import os
import subprocess
import sys
from unittest.mock import Mock, create_autospec

import numpy as np
import pytest
from conftest import left_early, refusal, write_photos
from image_bytes import write_noise
from PIL import Image, ImageOps

from smartclass_utils import __main__ as cli
from smartclass_utils.commands.check import check_folder
from smartclass_utils.config import ROOT, SmartClassError, check


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


def test_what_reads_the_output_may_leave_early_or_lack_letters():
    assert left_early("data") == 1
    command = [sys.executable, "-m", "smartclass_utils", "data"]
    ours = {**os.environ, "PYTHONIOENCODING": "ascii"}
    assert rb" \xb7 " in subprocess.check_output(command, cwd=ROOT, env=ours)


ARGUMENTS = {
    **{"report": ["--seeds", "1"], "check": ["demo"], "slides": [], "record": []},
    **{"pdf": ["--out", "x"], "predict": ["a.png"], "study": ["demo"], "data": []},
    **{"ship": ["demo"], "unpack": ["fer2013.csv", "x"], "combine": ["a", "b", "c"]},
}


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_takes_what_its_options_give(monkeypatch, command):
    module, name = cli.COMMANDS[command][0].split(".")
    module = importlib.import_module(f"smartclass_utils.commands.{module}")
    given = create_autospec(getattr(module, name), return_value=None)
    monkeypatch.setattr(module, name, given)
    monkeypatch.setattr(sys, "argv", ["smartclass", command, *ARGUMENTS[command]])
    assert cli.main() == 0
    given.assert_called_once()


def test_waiting_threads_sleep_and_freed_memory_is_kept_unless_the_user_says_else():
    show = "import os, smartclass_utils; print(os.environ['GOMP_SPINCOUNT'], end=' ')"
    show += "; print(os.environ['MALLOC_TRIM_THRESHOLD_'])"
    for own, said in (({}, "10000"), ({"GOMP_SPINCOUNT": "7"}, "7")):
        ours = {"PATH": os.environ["PATH"], **own}
        command = [sys.executable, "-c", show]
        output = subprocess.check_output(command, cwd=ROOT, env=ours, text=True)
        assert output == f"{said} 268435456\n"


def test_a_look_says_what_a_report_would_do_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    write_photos(tmp_path / "mine", ("happy", "sad"), 10)
    write_noise(tmp_path / "mine/sad/more.pgm", 0, 48, "PPM")
    (tmp_path / "mine/sad/broken.jpg").write_bytes(b"no picture")
    (tmp_path / "mine/@eaDir").mkdir()
    before = sorted(tmp_path.rglob("*"))
    said = check_folder(str(tmp_path / "mine"))
    assert sorted(tmp_path.rglob("*")) == before
    (tmp_path / "mine").rename(tmp_path / "my $ 1")
    quoted = f"make report DATA='{tmp_path}/my $$ 1'"  # by make, then by the shell
    assert quoted in check_folder(str(tmp_path / "my $ 1"))
    named = "mine: 22 files|happy|sad/broken.jpg: not an image|@eaDir|The split, drawn"
    for part in f"{named}|A report would run|No image has a near-copy".split("|"):
        assert part in said


def test_a_long_video_is_named_before_it_makes_the_parts_uneven(tmp_path):
    write_photos(tmp_path, ("happy", "sad"), 10)
    rows = [f"{k}/{i}.png,{k}," for k in ("happy", "sad") for i in range(10)]
    rows[:5] = [row + "one" for row in rows[:5]]
    rows[5:10] = [row + "Unknown" for row in rows[5:10]]  # is nobody
    (tmp_path / "labels.csv").write_text("\n".join(["file,label,subject", *rows]))
    said = check_folder(str(tmp_path))
    assert "5 images have near-copies or share a subject" in said
    assert "The largest holds 5 of 20" in said


def test_groups_on_both_sides_of_a_given_split_are_counted(tmp_path):
    rows, who = ["file,label,split,subject"], {"a0": 1, "a9": 1, "b1": 2, "b2": 2}
    write_photos(tmp_path, "ab", 10)
    for label in "ab":
        for i, part in enumerate(["train"] * 6 + ["val"] * 2 + ["test"] * 2):
            rows += [f"{label}/{i}.png,{label},{part},{who.get(f'{label}{i}', '')}"]
    ImageOps.mirror(Image.open(tmp_path / "b/0.png")).save(tmp_path / "b/9.png")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
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
