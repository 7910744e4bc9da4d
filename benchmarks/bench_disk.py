"""Cleaning onto disks of rising size, some of them too small (Linux, as root)."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.made_up import write_photos
from benchmarks.processes import hashes
from smartclass_utils.cleaning import clean
from smartclass_utils.config import SmartClassError
from smartclass_utils.sources import Manifest, load

SIZES = range(16, 3_000, 100)  # KiB
ENOUGH = 20_000  # KiB
SIZE = 24  # pixels


def mount(folder: Path, options: str) -> None:
    """Let ``folder`` be a disk in memory."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    subprocess.run(command, check=True)


def clean_on(disk: Path, manifest: Manifest, size: int, good: dict) -> str:
    """Clean onto a disk of so many KiB, and again when there is room."""
    mount(disk, f"size={size}k")
    try:
        try:
            clean(manifest, disk / "clean", image_size=SIZE)
            end = "fitted"
        except SmartClassError as error:
            end, said = "sentence", "cannot be written to (No space left"
            if said not in str(error) or (disk / "clean").exists():
                raise
            mount(disk, f"remount,size={ENOUGH}k")
            clean(manifest, disk / "clean", image_size=SIZE)
        return end if hashes(disk / "clean") == good else "wrong"
    except Exception as error:
        print(f"{size} KiB: {error!r}")
        return "wrong"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def run() -> dict:
    """Clean onto disks of every size; return how it ended."""
    if sys.platform != "linux" or os.geteuid() != 0:
        print("disk: only root of Linux may mount a small disk; what is stored stays.")
        return {}
    with tempfile.TemporaryDirectory() as folder:
        photos, disk = Path(folder, "photos"), Path(folder, "disk")
        write_photos(photos)
        disk.mkdir()
        manifest = load(photos)
        clean(manifest, Path(folder, "whole"), image_size=SIZE)
        good = hashes(Path(folder, "whole"))
        ends = [clean_on(disk, manifest, size, good) for size in SIZES]
    return {
        "disks tried": len(ends),
        "large enough": ends.count("fitted"),
        "full, one sentence, whole after a rerun": ends.count("sentence"),
        "anything else": ends.count("wrong"),
    }
