"""How long the report of many images takes, and its memory."""

import tempfile
import time
from pathlib import Path

from benchmarks.made_up import write_images
from benchmarks.processes import result_and_peak, start
from smartclass_utils.commands.report import run_report

IMAGES = 31_708  # the original report's grand total
SIZE = 48


def make_report(data: str, out: str) -> None:
    run_report(data, out, epochs=1, seeds=1)


def run() -> dict:
    with tempfile.TemporaryDirectory() as folder:
        noise, out = Path(folder, "noise"), Path(folder, "out")
        write_images(noise, IMAGES, (SIZE, SIZE), SIZE, "png", compress_level=0)
        process, begin = start(make_report, noise, out), time.perf_counter()
        _, peak = result_and_peak(process, "Pss")
        seconds, size = time.perf_counter() - begin, f"{IMAGES:,} images, 1 epoch"
        return {f"{size}, s": round(seconds), f"{size}, peak MiB": round(peak)}
