"""Two reports at once: side by side in two folders, and a third into one of them."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bench_killed_cleaning import write_photos
from benchmarks.killing import hashes
from smartclass_utils.report import LOCK


def start(photos: Path, out: Path) -> subprocess.Popen:
    """Start a short report."""
    command = [sys.executable, "-m", "smartclass_utils", "report"]
    command += ["--epochs", "1", "--seeds", "1", "--image-size", "32"]
    return subprocess.Popen(
        [*command, "--data", str(photos), "--out", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def made(out: Path) -> dict[str, str]:
    """Return path → SHA-256 of clean images, tables and weights."""
    endings = (".png", ".csv", ".npy", ".pt")
    parts = {name: hashes(out / name) for name in ("clean", "models")}
    return {
        f"{part}/{name}": value
        for part, found in parts.items()
        for name, value in found.items()
        if name.endswith(endings)
    }


def run() -> dict:
    """Run two reports side by side, and one that must be refused."""
    with tempfile.TemporaryDirectory() as folder:
        photos, one, two = (Path(folder, name) for name in ("photos", "one", "two"))
        write_photos(photos)
        both = [start(photos, out) for out in (one, two)]
        while not (one / LOCK).exists() and both[0].poll() is None:
            time.sleep(0.1)
        third = start(photos, one)
        _, sentence = third.communicate()
        ends = [process.communicate() and process.returncode for process in both]
        refused = third.returncode == 2 and sentence.count("\n") == 1
        same = made(one) == made(two)
        return {
            "reports side by side": len(both),
            "ended well": ends.count(0),
            "same images, tables and weights": "yes" if same else "no",
            "a third into the folder of the first": (
                "refused in a sentence" if refused else "not refused"
            ),
        }
