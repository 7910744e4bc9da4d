"""Cleaning, training and evaluation of more and more images: does the cost stay flat.

Every stage runs in a process of its own, first on a few images, so that neither imports
nor the start of workers count, and then on those that are measured.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.bench_report import peak_of
from benchmarks.made_up import write_sources
from smartclass_utils import sources
from smartclass_utils.checkpoints import load_model, read_cards, train_once
from smartclass_utils.cleaning import clean
from smartclass_utils.dataset import load_clean, tensors
from smartclass_utils.evaluation import predict
from smartclass_utils.models import ReportCNN

SIZES = (2_000, 20_000, 200_000)  # images
SIZE, FEW = 48, 512  # pixels, height and width of an image; images to warm up


def cleaning(folder: Path) -> int:
    """Clean the photos, on all cores; return how many there are."""
    photos = sources.load(folder / "photos")
    clean(photos, folder / "clean", image_size=SIZE)
    return len(photos.table)


def training(folder: Path) -> int:
    """Load the clean images and train for one epoch; return how many it learns from."""
    data = load_clean(folder / "clean")
    arguments = {"n_classes": len(data.classes)}
    model = ReportCNN(**arguments)
    sets = {split: TensorDataset(*tensors(data, split)) for split in ("train", "val")}
    loaders = {split: DataLoader(part, 16) for split, part in sets.items()}
    adam = torch.optim.Adam(model.parameters())
    about = (folder / "models", "Main CNN", 0, model, arguments, data)
    options = {"log": lambda line: None}
    train_once(*about, loaders, adam, nn.CrossEntropyLoss(), 1, **options)
    return len(sets["train"])


def evaluation(folder: Path) -> int:
    """Load the clean images and test the network; return the number of test images."""
    data = load_clean(folder / "clean")
    [card] = read_cards(folder / "models")
    return len(predict(load_model(card, data), tensors(data, "test")[0]))


STAGES = {"cleaning": cleaning, "training": training, "evaluation": evaluation}


def timed(stage: str, folder: Path) -> dict:
    """Run a stage on a few images, then on those to be measured."""
    STAGES[stage](folder / "few")
    start = time.perf_counter()
    images = STAGES[stage](folder / "all")
    return {"ms": 1000 * (time.perf_counter() - start) / images}


def anonymous_now(process: psutil.Process) -> int:
    """Return the bytes that a process and its children hold in anonymous memory.

    Pages of mapped files are not among them: the system drops those when it needs room.
    Pages that a child shares with its parent count once. Linux only.
    """
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            text = Path(f"/proc/{one.pid}/smaps_rollup").read_text()
        except OSError:  # it has ended
            continue
        total += 1024 * int(re.search(r"Pss_Anon:\s+(\d+)", text)[1])
    return total


def measured(stage: str, folder: Path) -> dict:
    """Run a stage in a process of its own; return ms an image and peak MiB."""
    command = [sys.executable, "-m", "benchmarks.bench_scale", stage, str(folder)]
    process = psutil.Popen(command, stdout=subprocess.PIPE)
    peak = peak_of(process, anonymous_now)
    return {**json.load(process.stdout), "MiB": peak / 2**20}


def run() -> dict:
    """Measure all stages at all sizes; return ms an image and the peak memory."""
    found = {}
    for n_images in SIZES:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            write_sources(folder / "few" / "photos", FEW, SIZE)
            write_sources(folder / "all" / "photos", n_images, SIZE)
            os.sync()  # writing them is not what is measured
            for stage in STAGES:
                row, name = measured(stage, folder), f"{stage}, {n_images:,} images"
                found[f"{name}, ms an image"] = round(row["ms"], 2)
                found[f"{name}, peak MiB"] = round(row["MiB"])
    return found


if __name__ == "__main__":
    print(json.dumps(timed(sys.argv[1], Path(sys.argv[2]))))
