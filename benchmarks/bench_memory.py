"""Peak memory of a whole report on as many images as the original report had."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from smartclass_utils.config import CLASSES

IMAGES = 31_708  # the original report's grand total
SIZE = 48
INTERVAL = 0.25  # seconds between two looks at the memory


def write_sources(folder: Path, n_images: int) -> None:
    """Write noise images of four classes, a different one each."""
    generator = np.random.default_rng(0)
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
    for i in range(n_images):
        pixels = generator.integers(0, 256, (SIZE, SIZE), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / CLASSES[i % 4] / f"{i:05d}.png")


def held_now(process: psutil.Process) -> int:
    """Return the bytes held by a process and its children, shared pages split."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_full_info().pss
        except (psutil.NoSuchProcess, AttributeError):
            continue
    return total


def run(n_images: int = IMAGES) -> dict:
    """Run the report for one epoch on made-up images; return its peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder, "noise"), Path(folder, "out")
        write_sources(data, n_images)
        command = [sys.executable, "-m", "smartclass_utils", "report"]
        command += ["--epochs", "1", "--seeds", "1"]
        start = time.perf_counter()
        process = psutil.Popen(
            [*command, "--data", str(data), "--out", str(out)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TQDM_DISABLE": "1"},
        )
        peak = 0
        while process.poll() is None:
            peak = max(peak, held_now(process))
            time.sleep(INTERVAL)
        if process.returncode:
            raise RuntimeError(f"the report ended with code {process.returncode}")
        return {
            "images": n_images,
            "peak memory, MiB": round(peak / 2**20),
            "whole report, 1 epoch, s": round(time.perf_counter() - start),
        }
