"""Two runs at once: the second is refused in a sentence."""

import subprocess
import sys

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


def test_a_second_run_is_refused_until_the_first_has_died(tmp_path):
    lock = tmp_path / "new" / ".lock"
    command = [sys.executable, "-c", HOLD, str(lock)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as other:
        assert other.stdout.readline() == "held\n"
        assert "busy here" in refusal(enter, lock)
        other.kill()
    enter(lock)


def test_a_second_report_into_the_same_folder_is_refused(tmp_path, smartclass):
    out, photos = tmp_path / "out", write_photos(tmp_path / "photos")
    with only_one(out / report.LOCK, ""):
        said = smartclass("report", "--data", photos, "--out", out)
    assert f"A report is being made in {out}: wait until it is ready" in said
    assert [path.name for path in out.iterdir()] == [report.LOCK]


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = refusal(enter, tmp_path / "file" / ".lock")
    assert "file cannot be written to (" in said and "): make" in said
