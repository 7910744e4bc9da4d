"""How long the demo report takes, chapter by chapter, and the memory of a large one."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks.made_up import write_sources

IMAGES = 31_708  # the original report's grand total
SIZE = 48
INTERVAL = 0.25  # seconds between two looks at the memory


def held_now(process: psutil.Process) -> int:
    """Return the bytes held by a process and its children, shared pages split."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_full_info().pss
        except (psutil.NoSuchProcess, AttributeError):
            continue
    return total


def peak_of(
    process: psutil.Popen, look: Callable[[psutil.Process], int] = held_now
) -> int:
    """Wait for a process to end; return the most bytes that ``look`` saw.

    Raises:
        RuntimeError: if the process fails.
    """
    peak = 0
    while process.poll() is None:
        peak = max(peak, look(process))
        time.sleep(INTERVAL)
    if process.returncode:
        raise RuntimeError(f"{process.args} ended with code {process.returncode}")
    return peak


def report(data: str | Path, out: Path, *options: str) -> tuple[float, int]:
    """Run the report; return its seconds and its peak memory in MiB."""
    command = [sys.executable, "-m", "smartclass_utils", "report", *options]
    start = time.perf_counter()
    process = psutil.Popen(
        [*command, "--data", str(data), "--out", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TQDM_DISABLE": "1"},
    )
    peak = peak_of(process)
    return time.perf_counter() - start, round(peak / 2**20)


def run() -> dict:
    """Run the report on the demo, and for one epoch on many made-up images."""
    with tempfile.TemporaryDirectory() as folder:
        out, noise = Path(folder, "out"), Path(folder, "noise")
        seconds, peak = report("demo", out)
        text = (out / "chapter_seconds.json").read_text(encoding="utf-8")
        found = {f"chapter {name}, s": s for name, s in json.loads(text).items()}
        found |= {"whole report, s": round(seconds, 1), "peak memory, MiB": peak}
        write_sources(noise, IMAGES, SIZE)
        once = ("--epochs", "1", "--seeds", "1")
        seconds, peak = report(noise, Path(folder, "large"), *once)
        size = f"{IMAGES:,} images, 1 epoch"
        return found | {f"{size}, s": round(seconds), f"{size}, peak MiB": peak}
