"""Mutated image files through the cleaning's decoder, to see whether one does harm.

The files are decoded in child processes, so that a crash or a hang is seen and counted.
"""

import io
import os
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from benchmarks.mutations import encoded, mutated
from smartclass_utils import images

FILES = 10_000
SIZE = 48  # pixels
CHILDREN = 2
PATIENCE = 5.0  # seconds for one file
SIDE = 4_990  # pixels; just within the cap
LARGE_FILES = 7
CHILD = "from benchmarks.bench_decoder import child; child({seeds})"


def large_file(number: int) -> bytes:
    """Return a sound file that is as large as the cap allows."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (SIDE // 8, SIDE // 8, 4), dtype=np.uint8)
    rgba = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.NEAREST)
    rgb = rgba.convert("RGB")
    quick = {"lossless": True, "quality": 0, "method": 0}
    frames = {"save_all": True, "append_images": [rgba.rotate(90)]}
    kinds = (
        lambda: encoded(rgba, "PNG", compress_level=1),
        lambda: encoded(rgb, "JPEG", progressive=True, subsampling=0),
        lambda: encoded(rgb.convert("CMYK"), "JPEG"),
        lambda: encoded(rgb.convert("P"), "GIF"),
        lambda: encoded(rgb.convert("L"), "BMP"),
        lambda: encoded(rgba, "TIFF", compression="tiff_adobe_deflate"),
        lambda: encoded(rgba, "WEBP", **quick, **frames),
    )
    return kinds[number]()


def peak_memory(process: psutil.Process) -> float:
    """Return the most memory that a process has held since it was forgotten, MB."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return process.memory_info().rss / 1e6
    lines = status.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if "VmHWM" in line) * 1024 / 1e6


def forget_peak() -> None:
    """Let the system measure the peak anew from here, where it can (Linux)."""
    mark = Path("/proc/self/clear_refs")
    if mark.exists():
        mark.write_text("5")


def outcome_of(content: bytes) -> str:
    """Decode one file; return ``kept``, ``rejected``, or what is wrong."""
    try:
        pixels = images.clean_image(content, SIZE).pixels
    except images.Rejected as verdict:
        return "rejected" if verdict.kind else "wrong: no reason"
    except BaseException as error:
        return f"wrong: {type(error).__name__}"
    good = pixels.shape == (SIZE, SIZE) and pixels.dtype == np.uint8
    return "kept" if good else "wrong: array"


def child(seeds: range) -> None:
    """Decode the files of some seeds; print a line before and after each."""
    process = psutil.Process()
    outcome_of(encoded(Image.new("RGB", (20, 20)), "PNG"))  # loads what is loaded late
    for seed in seeds:
        content = large_file(-1 - seed) if seed < 0 else mutated(seed)[1]
        forget_peak()
        before = peak_memory(process)
        print("start", seed, flush=True)
        start = time.perf_counter()
        outcome = outcome_of(content)
        seconds = time.perf_counter() - start
        print("end", seconds, peak_memory(process) - before, outcome, flush=True)


def watch(
    seeds: range, results: dict[int, tuple[float, float, str]], code: str = CHILD
) -> None:
    """Run children until all seeds have a result: seconds, MB, outcome."""
    position = 0
    while position < len(seeds):
        # With what the package sets, freed memory stays with the process.
        plain = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
        process = subprocess.Popen(
            [sys.executable, "-c", code.format(seeds=seeds[position:])],
            env=plain,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libtiff complains there
            text=True,
        )
        lines: queue.Queue = queue.Queue()
        reader = threading.Thread(target=read_lines, args=(process.stdout, lines))
        reader.start()
        position = follow(process, lines, seeds, position, results)
        process.kill()
        process.wait()
        reader.join()


def read_lines(stream: io.TextIOBase, lines: queue.Queue) -> None:
    """Put every line of a stream into a queue, and ``""`` at its end."""
    for line in stream:
        lines.put(line)
    lines.put("")


def follow(
    process: subprocess.Popen,
    lines: queue.Queue,
    seeds: range,
    position: int,
    results: dict[int, tuple[float, float, str]],
) -> int:
    """Note what a child says to its end, a crash or a hang; return what comes next."""
    busy = False
    while position < len(seeds):
        try:
            line = lines.get(timeout=PATIENCE if busy else 60)
        except queue.Empty:
            results[seeds[position]] = (PATIENCE, 0.0, "hang")
            return position + 1
        if not line:
            results[seeds[position]] = (0.0, 0.0, f"crash {process.wait()}")
            return position + 1
        word, *values = line.split(maxsplit=3)
        busy = word == "start"
        if word == "end":
            results[seeds[position]] = (float(values[0]), float(values[1]), values[2])
            position += 1
    return position


def run(n_files: int = FILES) -> dict:
    """Decode mutated and large files; return how many did what."""
    results: dict[int, tuple[float, float, str]] = {}
    parts = [range(-LARGE_FILES, 0)]
    parts += [range(k, n_files, CHILDREN) for k in range(CHILDREN)]
    threads = [threading.Thread(target=watch, args=(part, results)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kinds = Counter(outcome.strip().split()[0] for *_, outcome in results.values())
    for seed, (_, _, outcome) in sorted(results.items()):
        if outcome.split()[0] not in ("kept", "rejected"):
            print(f"seed {seed}: {outcome}")
    mutations = {seed: value for seed, value in results.items() if seed >= 0}
    large = [value for seed, value in results.items() if seed < 0]
    return {
        "mutated files": len(mutations),
        "large sound files": len(large),
        "kept": kinds["kept"],
        "rejected with a reason": kinds["rejected"],
        "crashes": kinds["crash"],
        "hangs": kinds["hang"],
        "wrong arrays or errors": kinds["wrong:"],
        "slowest mutated file, s": round(max(v[0] for v in mutations.values()), 3),
        "slowest large file, s": round(max((v[0] for v in large), default=0), 2),
        "most memory, mutated, MB": round(max(v[1] for v in mutations.values())),
        "most memory, large, MB": round(max((v[1] for v in large), default=0)),
    }
