"""Two runs at once: the second is refused in a sentence."""

import subprocess
import sys

import pytest
from conftest import refusal, write_photos

from smartclass_utils.commands import report
from smartclass_utils.config import ROOT
from smartclass_utils.files import only_one

HOLD = """
import sys
from pathlib import Path
from smartclass_utils.files import only_one
with only_one(Path(sys.argv[1]), ""):
    print("held", flush=True)
    sys.stdin.read()
"""


def enter(lock):
    with only_one(lock, "busy here"):
        pass


@pytest.fixture
def hold():
    """Return a function that lets another process hold a lock until it is killed."""
    others = []

    def by_another(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-c", HOLD, str(lock)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        others.append(subprocess.Popen(command, cwd=ROOT, text=True, **pipes))
        assert others[-1].stdout.readline() == "held\n"
        return others[-1]

    yield by_another
    for other in others:
        other.kill()
        other.communicate()


def test_a_second_run_is_refused_until_the_first_has_died(tmp_path, hold):
    lock = tmp_path / "new" / ".lock"
    other = hold(lock)
    assert "busy here" in refusal(enter, lock)
    other.kill()
    other.wait()
    enter(lock)


def test_a_second_report_into_the_same_folder_is_refused(tmp_path, hold, smartclass):
    out = tmp_path / "out"
    hold(out / report.LOCK)
    photos = write_photos(tmp_path / "photos")
    said = smartclass("report", "--data", photos, "--out", out)
    assert f"A report is being made in {out}: wait until it is ready" in said
    assert [path.name for path in out.iterdir()] == [report.LOCK]


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = refusal(enter, tmp_path / "file" / ".lock")
    assert "file cannot be written to (" in said and "): make" in said
