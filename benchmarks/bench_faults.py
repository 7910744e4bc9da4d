"""Cleaning, training and export, killed or on a full disk, and run again."""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.bench_scale import train_main_cnn
from benchmarks.made_up import write_photos
from benchmarks.processes import hashes, kill_after, result_of, start
from smartclass_utils.checkpoints import load_model, read_card
from smartclass_utils.cleaning import clean
from smartclass_utils.commands.report import LOCK, STAGE, export, publish, run_report
from smartclass_utils.config import SmartClassError, workspace_in
from smartclass_utils.dataset import load_clean
from smartclass_utils.files import only_one
from smartclass_utils.sources import Manifest, load

KILLS = 50
OLDER_SIZE, SIZE = 20, 24  # pixels; the older clean folder is to be replaced
DISKS = range(16, 3_000, 100)  # KiB
ENOUGH = 20_000  # KiB


def clean_photos(photos: str, out: str) -> None:
    """Clean photos, in a process that is killed, as the next two are."""
    clean(load(Path(photos)), Path(out, "clean"), image_size=SIZE)


def train_networks(clean_folder: str, out: str) -> None:
    """Train three networks."""
    torch.set_num_threads(1)
    data = load_clean(Path(clean_folder))
    for seed in range(3):
        train_main_cnn(data, Path(out, "models"), seed, epochs=8)


def export_report(made: str, out: str) -> None:
    """Write pages and slides of what the chapters left, and publish them."""
    stage = Path(out, STAGE)
    shutil.rmtree(stage, ignore_errors=True)  # the chapters write it anew
    shutil.copytree(made, stage, ignore=shutil.ignore_patterns("clean", "models"))
    with only_one(Path(out, LOCK), "busy"):
        export(workspace_in(stage))
        publish(stage, Path(out))


def soak(name: str, work: Callable, given: Path, older: Path, state: Callable) -> dict:
    """Kill ``work`` where something older lies, run it again, compare what stands."""
    moments, found = random.Random(0), Counter()
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary, "out")
        shutil.copytree(older, out)
        old = state(out)
        process, begin = start(work, given, out), time.perf_counter()
        result_of(process)
        seconds = time.perf_counter() - begin
        new = state(out)
        for _ in range(KILLS):
            shutil.rmtree(out)
            shutil.copytree(older, out)
            moment = moments.uniform(0, 1.1 * seconds)
            found["killed"] += kill_after(moment, work, given, out)
            now = state(out)
            found["half"] += any(now[k] not in (old.get(k), new.get(k)) for k in now)
            result_of(start(work, given, out))
            found["different"] += state(out) != new
    return {
        f"{name}, kills": KILLS,
        f"{name}, before the end": found["killed"],
        f"{name}, half a file under its name": found["half"],
        f"{name}, other result after a rerun": found["different"],
        f"{name}, undisturbed run, s": round(seconds, 1),
    }


def standing(out: Path) -> dict[str, str]:
    """Return path → SHA-256 of what stands under final names; the rest is hidden."""
    final = re.compile(rf"(?!{STAGE}/|\.|.*/\.)")
    return {name: value for name, value in hashes(out).items() if final.match(name)}


def networks(out: Path) -> dict[str, str]:
    """Return the weights of every stored network; a half one raises."""
    cards = [read_card(file) for file in out.glob("models/*.safetensors")]
    for card in cards:
        load_model(card)
    return {card["file"].name: card["weights_sha256"] for card in cards}


def killed() -> dict:
    """Soak the three; return what was found, named by what was killed."""
    with tempfile.TemporaryDirectory() as temporary:
        names = ("photos", "made", "older_clean", "older_report", "nothing")
        photos, made, older_clean, older, nothing = (Path(temporary, n) for n in names)
        write_photos(photos)
        clean(load(photos), older_clean / "clean", image_size=OLDER_SIZE)
        run_report(str(photos), str(made), epochs=1, seeds=1, image_size=SIZE)
        shutil.copytree(made, older)
        for file in older.rglob("*"):
            if file.is_file():
                file.write_bytes(file.read_bytes() + b"\nolder")
        nothing.mkdir()
        return {
            **soak("cleaning", clean_photos, photos, older_clean, standing),
            **soak("training", train_networks, made / "clean", nothing, networks),
            **soak("export", export_report, made, older, standing),
        }


def mount(folder: Path, options: str) -> None:
    """Let ``folder`` be a disk in memory."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    subprocess.run(command, check=True)


def clean_on(disk: Path, manifest: Manifest, size: int, good: dict) -> str:
    """Clean onto a disk of so many KiB, and again when there is room."""
    mount(disk, f"size={size}k")
    out, end = disk / "clean", "fitted"
    try:
        try:
            clean(manifest, out, image_size=SIZE)
        except SmartClassError as error:
            if "cannot be written to (No space left" not in str(error) or out.exists():
                return "wrong"
            end = "sentence"
            mount(disk, f"remount,size={ENOUGH}k")
            clean(manifest, out, image_size=SIZE)
        return end if hashes(out) == good else "wrong"
    except Exception as error:
        print(f"{size} KiB: {error!r}")
        return "wrong"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def disk() -> dict:
    """Clean onto disks of every size, as root; return how it ended."""
    if sys.platform != "linux" or os.geteuid() != 0:
        print("disk: only root of a Linux system may mount a small disk; left out.")
        return {"disks tried": 0}
    with tempfile.TemporaryDirectory() as temporary:
        photos, whole, small = (Path(temporary, n) for n in ("photos", "whole", "disk"))
        write_photos(photos)
        small.mkdir()
        manifest = load(photos)
        clean(manifest, whole, image_size=SIZE)
        good = hashes(whole)
        ends = [clean_on(small, manifest, size, good) for size in DISKS]
    return {
        "disks tried": len(ends),
        "large enough": ends.count("fitted"),
        "full, one sentence, whole after a rerun": ends.count("sentence"),
        "anything else": ends.count("wrong"),
    }
