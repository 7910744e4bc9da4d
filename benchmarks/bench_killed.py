"""Cleaning, training and export, killed at random moments and run again."""

import random
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from benchmarks.bench_scale import train_main_cnn
from benchmarks.made_up import write_photos
from benchmarks.processes import hashes, kill_after, result_of, start
from smartclass_utils.checkpoints import load_model, read_card
from smartclass_utils.cleaning import clean
from smartclass_utils.commands.report import LOCK, STAGE, export, publish, run_report
from smartclass_utils.dataset import load_clean
from smartclass_utils.files import only_one
from smartclass_utils.sources import load

KILLS = 50
OLDER_SIZE, SIZE = 20, 24  # pixels; the older clean folder is to be replaced


def clean_photos(photos: str, out: str) -> None:
    """Clean photos, in a process that is killed, as the next two are."""
    clean(load(Path(photos)), Path(out, "clean"), image_size=SIZE)


def train_networks(clean_folder: str, out: str) -> None:
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
        export(stage)
        publish(stage, Path(out))


def soak(
    name: str, work: Callable, given: Path, prepare: Callable, state: Callable
) -> dict:
    """Kill ``work`` and run it again in prepared folders; compare what stands there."""
    moments, found = random.Random(0), Counter()
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary, "out")
        prepare(out)
        old = state(out)
        process, begin = start(work, given, out), time.perf_counter()
        result_of(process)
        seconds = time.perf_counter() - begin
        new = state(out)
        for _ in range(KILLS):
            shutil.rmtree(out)
            prepare(out)
            found[kill_after(moments.uniform(0, 1.1 * seconds), work, given, out)] += 1
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


def run() -> dict:
    """Soak the three; return what was found, named by what was killed."""
    with tempfile.TemporaryDirectory() as temporary:
        photos, older, made = (Path(temporary, n) for n in ("photos", "older", "made"))
        write_photos(photos)
        clean(load(photos), older / "clean", image_size=OLDER_SIZE)
        clean(load(photos), made / "clean", image_size=SIZE)
        ran = made / "report"
        run_report(str(photos), str(ran), epochs=1, seeds=1, image_size=32)

        def with_older_report(out: Path) -> None:
            shutil.copytree(ran, out)
            for file in out.rglob("*"):
                if file.is_file():
                    file.write_bytes(file.read_bytes() + b"\nolder")

        with_older_clean = partial(shutil.copytree, older)
        return {
            **soak("cleaning", clean_photos, photos, with_older_clean, standing),
            **soak("training", train_networks, made / "clean", Path.mkdir, networks),
            **soak("export", export_report, ran, with_older_report, standing),
        }
