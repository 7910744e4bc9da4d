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


def start(
    work: Callable, *arguments: object, in_group: bool = False, **environment: str
) -> psutil.Popen:
    """Start a function that takes texts, and wait until it is imported."""
    code = CODE.format(module=work.__module__, name=work.__name__)
    command = [sys.executable, "-c", code, *map(str, arguments)]
    options = {"env": {**os.environ, "TQDM_DISABLE": "1", **environment}, "text": True}
    options |= {"stdout": subprocess.PIPE, "start_new_session": in_group}
    process = psutil.Popen(command, **options)
    process.stdout.readline()
    return process


def result_of(process: psutil.Popen) -> object:
    """Wait until a function ends; return what it returned."""
    said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{process.args} ended with code {process.returncode}")
    return json.loads(said.splitlines()[-1])


def result_and_peak(
    field: str, work: Callable, *arguments: object
) -> tuple[object, int]:
    """Run a function; return its result and the most MiB its processes held (Linux)."""
    # Pss counts shared pages once; Pss_Anon leaves out files that could be dropped.
    process, peak = start(work, *arguments), 0
    while process.poll() is None:
        held, begin = 0, time.perf_counter()
        for one in [process, *process.children(recursive=True)]:
            with suppress(OSError):  # it has ended
                text = Path(f"/proc/{one.pid}/smaps_rollup").read_text()
                held += int(re.search(rf"{field}:\s+(\d+)", text)[1])
        peak = max(peak, held)
        time.sleep(max(INTERVAL, 40 * (time.perf_counter() - begin)))
    return result_of(process), round(peak / 1024)


def kill_after(seconds: float, work: Callable, *arguments: object) -> bool:
    """Kill a function's processes some time after it began; return if it still ran."""
    process = start(work, *arguments, in_group=True)
    time.sleep(seconds)
    still_ran = process.poll() is None
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return still_ran


def hashes(folder: Path) -> dict[str, str]:
    """Return path → SHA-256 of all files in a folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}
