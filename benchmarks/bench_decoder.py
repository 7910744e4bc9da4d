"""Mutated image files through the cleaning's decoder, to see whether one does harm."""

import ctypes
import multiprocessing
import re
import time
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.mutations import encoded, mutated
from smartclass_utils import images
from smartclass_utils.files import quiet_libraries

FORK = multiprocessing.get_context("fork")  # with it a process a file costs little

FILES = 10_000
SIZE = 48  # pixels
PATIENCE = 5.0  # seconds for one file
SIDE = 4_990  # pixels; just within the cap


def large_files() -> Iterator[bytes]:
    """Yield sound files that are as large as the cap allows."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (SIDE // 8, SIDE // 8, 4), dtype=np.uint8)
    rgba = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.NEAREST)
    rgb = rgba.convert("RGB")
    quick = {"lossless": True, "quality": 0, "method": 0}
    frames = {"save_all": True, "append_images": [rgba.rotate(90)]}
    yield encoded(rgba, "PNG", compress_level=1)
    yield encoded(rgb, "JPEG", progressive=True, subsampling=0)
    yield encoded(rgb.convert("CMYK"), "JPEG")
    yield encoded(rgb.convert("P"), "GIF")
    yield encoded(rgb.convert("L"), "BMP")
    yield encoded(rgba, "TIFF", compression="tiff_adobe_deflate")
    yield encoded(rgba, "WEBP", **quick, **frames)


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


def peak_memory(forget: bool = False) -> float:
    """Return the most memory held since it was forgotten, MB; outside Linux, 0."""
    status, mark = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not mark.exists():
        return 0.0
    if forget:
        ctypes.CDLL(None).malloc_trim(0)  # what is free goes back to the system
        mark.write_text("5")
    return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) * 1024 / 1e6


def child(content: bytes, answer: Connection) -> None:
    """Decode one file; send seconds, the MB that this took, and the outcome."""
    before, start = peak_memory(forget=True), time.perf_counter()
    with quiet_libraries():
        outcome = outcome_of(content)
    answer.send((time.perf_counter() - start, peak_memory() - before, outcome))


def watched(content: bytes) -> tuple[float, float, str]:
    """Decode one file in a process of its own; return what it sends, or its end."""
    answer, theirs = FORK.Pipe(duplex=False)
    process = FORK.Process(target=child, args=(content, theirs))
    process.start()
    theirs.close()  # so that its end is heard
    try:
        return answer.recv() if answer.poll(PATIENCE) else (PATIENCE, 0.0, "hang")
    except EOFError:
        return 0.0, 0.0, "crash"
    finally:
        process.kill()
        process.join()


def run() -> dict:
    """Decode mutated and large files; return how many did what."""
    files = chain(map(mutated, range(FILES)), large_files())
    table = pd.DataFrame(map(watched, files), columns=["seconds", "MB", "outcome"])
    kinds = table["outcome"].str.split().str[0]
    for seed, outcome in table["outcome"][~kinds.isin(["kept", "rejected"])].items():
        print(f"seed {seed}: {outcome}")
    mutations, large, count = table[:FILES], table[FILES:], Counter(kinds)
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
