"""How long the report of many images takes, and its memory."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.made_up import write_images
from benchmarks.processes import peak_of

IMAGES = 31_708  # the original report's grand total
SIZE = 48


def run() -> dict:
    with tempfile.TemporaryDirectory() as folder:
        noise, out = Path(folder, "noise"), Path(folder, "out")
        write_images(noise, IMAGES, (SIZE, SIZE), SIZE, "png", compress_level=0)
        command = [sys.executable, "-m", "smartclass_utils", "report"]
        command += ["--data", str(noise), "--out", str(out)]
        command += ["--epochs", "1", "--seeds", "1"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        start, ours = time.perf_counter(), {**os.environ, "TQDM_DISABLE": "1"}
        process = psutil.Popen(command, env=ours, **quiet)
        peak = peak_of(process, "Pss")
        if process.returncode:
            raise RuntimeError(f"{command} ended with code {process.returncode}")
        seconds, size = time.perf_counter() - start, f"{IMAGES:,} images, 1 epoch"
        return {f"{size}, s": round(seconds), f"{size}, peak MiB": round(peak)}
