"""How a command ends: with a status, and a sentence rather than a traceback."""

import importlib
import os
import subprocess
import sys
from unittest.mock import Mock, create_autospec

import pytest
from conftest import left_early

from smartclass_utils import __main__ as cli
from smartclass_utils.config import ROOT, SmartClassError


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


def test_a_reader_that_leaves_early_ends_it_quietly():
    assert left_early("data") == 1


def test_letters_that_a_redirected_output_lacks_are_written_as_codes():
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
