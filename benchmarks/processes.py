"""Functions in processes of their own: started, watched, killed at some moment."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from smartclass_utils.files import sha256

INTERVAL = 0.25  # seconds between two looks at the memory, more if they take long
CODE = """
import json, sys
from {module} import {name}
print("ready", flush=True)
print(json.dumps({name}(*sys.argv[1:])))
"""


def start(work: Callable, *arguments: object, **options) -> psutil.Popen:
    """Start a function that takes texts, and wait until its module is imported.

    The options are those of ``Popen``.
    """
    code = CODE.format(module=work.__module__, name=work.__name__)
    command = [sys.executable, "-c", code, *map(str, arguments)]
    usual = {"env": {**os.environ, "TQDM_DISABLE": "1"}, "text": True}
    process = psutil.Popen(command, stdout=subprocess.PIPE, **usual | options)
    process.stdout.readline()
    return process


def result_of(process: psutil.Popen) -> object:
    """Wait until a function ends; return what it returned."""
    said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{process.args} ended with code {process.returncode}")
    return json.loads(said.splitlines()[-1])


def result_and_peak(process: psutil.Popen, field: str) -> tuple[object, float]:
    """Return also the most MiB that all processes of a function held (Linux)."""
    # Pss counts shared pages once; Pss_Anon leaves out files that could be dropped.
    peak = 0
    while process.poll() is None:
        held, begin = 0, time.perf_counter()
        for one in [process, *process.children(recursive=True)]:
            with suppress(OSError):  # it has ended
                text = Path(f"/proc/{one.pid}/smaps_rollup").read_text()
                held += int(re.search(rf"{field}:\s+(\d+)", text)[1])
        peak = max(peak, held)
        time.sleep(max(INTERVAL, 40 * (time.perf_counter() - begin)))
    return result_of(process), peak / 1024


def kill_after(seconds: float, work: Callable, *arguments: object) -> str:
    """Kill a function's processes some time after its start; return what it met."""
    process = start(work, *arguments, start_new_session=True)
    time.sleep(seconds)
    state = "ended before" if process.poll() is not None else "killed"
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return state


def hashes(folder: Path) -> dict[str, str]:
    """Return path → SHA-256 of all files in a folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}
