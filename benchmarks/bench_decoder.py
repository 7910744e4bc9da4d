"""Mutated image files through the cleaning's decoder, to see whether one does harm."""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
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


def peak_memory(forget: bool) -> float:
    """Return the most memory held since it was forgotten, MB; outside Linux, now."""
    status, mark = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not mark.exists():
        return psutil.Process().memory_info().rss / 1e6
    if forget:
        mark.write_text("5")
    return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) * 1024 / 1e6


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
    outcome_of(encoded(Image.new("RGB", (20, 20)), "PNG"))  # loads what is loaded late
    for seed in seeds:
        content = large_file(-1 - seed) if seed < 0 else mutated(seed)
        before = peak_memory(forget=True)
        print("start", seed, flush=True)
        start = time.perf_counter()
        outcome = outcome_of(content)
        seconds = time.perf_counter() - start
        print("end", seconds, peak_memory(False) - before, outcome, flush=True)


def watch(seeds: range, results: dict[int, tuple], code: str = CHILD) -> None:
    """Run children until all seeds have a result: seconds, MB, outcome."""
    # With what the package sets, freed memory stays with the process.
    plain = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    while seeds:
        command = [sys.executable, "-c", code.format(seeds=seeds)]
        process = subprocess.Popen(command, env=plain, **pipes)
        with ThreadPoolExecutor(1) as reader:
            word, outcome = "", ""
            while seeds and not outcome.startswith(("hang", "crash")):
                patience = PATIENCE if word == "start" else 60
                try:
                    line = reader.submit(process.stdout.readline).result(patience)
                except TimeoutError:
                    line = f"end {patience} 0 hang"
                line = line or f"end 0 0 crash {process.wait()}"
                word, *values = line.strip().split(maxsplit=3)
                if word == "end":
                    seconds, memory, outcome = values
                    results[seeds[0]] = (float(seconds), float(memory), outcome)
                    seeds = seeds[1:]
            process.kill()
        process.wait()


def run() -> dict:
    """Decode mutated and large files in child processes; return how many did what."""
    results: dict[int, tuple] = {}
    parts = [range(k, FILES, CHILDREN) for k in range(CHILDREN)]
    parts.append(range(-LARGE_FILES, 0))
    with ThreadPoolExecutor(len(parts)) as threads:
        list(threads.map(watch, parts, [results] * len(parts)))
    columns = ["seconds", "MB", "outcome"]
    table = pd.DataFrame.from_dict(results, "index", columns=columns).sort_index()
    kinds = table["outcome"].str.split().str[0]
    for seed, outcome in table["outcome"][~kinds.isin(["kept", "rejected"])].items():
        print(f"seed {seed}: {outcome}")
    count = Counter(kinds)
    mutations, large = table[table.index >= 0], table[table.index < 0]
    return {
        "mutated files": len(mutations),
        "large sound files": len(large),
        "kept": count["kept"],
        "rejected with a reason": count["rejected"],
        "crashes": count["crash"],
        "hangs": count["hang"],
        "wrong arrays or errors": count["wrong:"],
        "slowest mutated file, s": round(mutations["seconds"].max(), 3),
        "slowest large file, s": round(large["seconds"].max(), 2),
        "most memory, mutated, MB": round(mutations["MB"].max()),
        "most memory, large, MB": round(large["MB"].max()),
    }
