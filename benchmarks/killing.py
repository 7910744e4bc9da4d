"""Starting a piece of work in a process of its own, and killing it at some moment."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from smartclass_utils.files import sha256


def start(code: str, *arguments: object) -> subprocess.Popen:
    """Start Python code, in a process group of its own, and wait until it is ready.

    Args:
        code: what to run; it must print "ready" when the work begins.
        arguments: its command line.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    process.stdout.readline()
    return process


def finish(code: str, *arguments: object) -> tuple[float, str]:
    """Run such code to its end; return the seconds of work and what it printed."""
    process = start(code, *arguments)
    begin = time.perf_counter()
    said, complained = process.communicate()
    if process.returncode:
        raise RuntimeError(f"code {process.returncode}: {complained[-2000:]}")
    return time.perf_counter() - begin, said


def kill_after(seconds: float, code: str, *arguments: object) -> str:
    """Start such code and kill it (SIGKILL to all its processes) after some time.

    Returns:
        "killed", or "ended before".
    """
    process = start(code, *arguments)
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
