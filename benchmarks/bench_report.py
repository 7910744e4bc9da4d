"""How long the demo report takes, chapter by chapter, and the memory of a large one."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.made_up import write_images
from benchmarks.processes import peak_of
from smartclass_utils.files import read_json

IMAGES = 31_708  # the original report's grand total
SIZE = 48


def report(data: str | Path, out: Path, *options: str) -> tuple[float, int]:
    """Run the report; return its seconds and its peak memory in MiB."""
    command = [sys.executable, "-m", "smartclass_utils", "report", *options]
    command += ["--data", str(data), "--out", str(out)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    start = time.perf_counter()
    process = psutil.Popen(command, env={**os.environ, "TQDM_DISABLE": "1"}, **quiet)
    peak = peak_of(process, "Pss")
    if process.returncode:
        raise RuntimeError(f"{command} ended with code {process.returncode}")
    return time.perf_counter() - start, round(peak)


def run() -> dict:
    """Run the report on the demo, and for one epoch on many made-up images."""
    with tempfile.TemporaryDirectory() as folder:
        out, noise = Path(folder, "out"), Path(folder, "noise")
        seconds, peak = report("demo", out)
        chapters = read_json(out / "chapter_seconds.json")
        found = {f"chapter {name}, s": taken for name, taken in chapters.items()}
        found |= {"whole report, s": round(seconds, 1), "peak memory, MiB": peak}
        write_images(noise, IMAGES, (SIZE, SIZE), SIZE, "png", compress_level=0)
        once = ("--epochs", "1", "--seeds", "1")
        seconds, peak = report(noise, Path(folder, "large"), *once)
        size = f"{IMAGES:,} images, 1 epoch"
        return found | {f"{size}, s": round(seconds), f"{size}, peak MiB": peak}
