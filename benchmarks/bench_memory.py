"""Peak memory of a whole report on as many images as the original report had."""

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


def run(n_images: int = IMAGES) -> dict:
    """Run the report for one epoch on made-up images; return its peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder, "noise"), Path(folder, "out")
        write_sources(data, n_images, SIZE)
        command = [sys.executable, "-m", "smartclass_utils", "report"]
        command += ["--epochs", "1", "--seeds", "1"]
        start = time.perf_counter()
        process = psutil.Popen(
            [*command, "--data", str(data), "--out", str(out)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TQDM_DISABLE": "1"},
        )
        peak = peak_of(process)
        return {
            "images": n_images,
            "peak memory, MiB": round(peak / 2**20),
            "whole report, 1 epoch, s": round(time.perf_counter() - start),
        }
