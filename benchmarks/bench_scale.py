"""Many images: the whole report, and whether more of them cost more, an image, each."""

import os
import tempfile
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.made_up import write_images
from benchmarks.processes import result_and_peak
from smartclass_utils import sources
from smartclass_utils.checkpoints import load_model, read_cards, train_once
from smartclass_utils.cleaning import clean
from smartclass_utils.dataset import CleanData, load_clean, tensors
from smartclass_utils.evaluation import predict
from smartclass_utils.models import ReportCNN

REPORTED = 31_708  # images, the original report's grand total
SIZES = (2_000, 20_000, 200_000)  # images
SIZE, FEW = 48, 512  # pixels, height and width of an image; images to warm up


def whole_report(photos: str, out: str) -> None:
    """Run all chapters with one training of a network, for one epoch."""
    from smartclass_utils.commands.report import run_report  # no load on the others

    run_report(photos, out, epochs=1, seeds=1)


def report() -> dict:
    """Run the report on many images; return the seconds and the peak memory."""
    with tempfile.TemporaryDirectory() as temporary:
        photos, out = Path(temporary, "photos"), Path(temporary, "out")
        write_noise(photos, REPORTED)
        begin = time.perf_counter()
        _, peak = result_and_peak("Pss", whole_report, photos, out)
        seconds, size = time.perf_counter() - begin, f"{REPORTED:,} images, 1 epoch"
    return {f"{size}, s": round(seconds), f"{size}, peak MiB": peak}


def write_noise(folder: Path, n_images: int) -> None:
    """Write grey images whose files need no time to be decoded."""
    write_images(folder, n_images, (SIZE, SIZE), SIZE, "png", compress_level=0)


def cleaning(folder: Path) -> int:
    """Clean the photos, on all cores; return how many there are."""
    photos = sources.load(folder / "photos")
    clean(photos, folder / "clean", image_size=SIZE)
    return len(photos.table)


def train_main_cnn(data: CleanData, folder: Path, seed: int, epochs: int) -> int:
    """Train the main CNN and store it; return how many images it learns from."""
    torch.manual_seed(seed)
    arguments = {"n_classes": len(data.classes), "image_size": data.image_size}
    model = ReportCNN(**arguments)
    sets = {split: TensorDataset(*tensors(data, split)) for split in ("train", "val")}
    loaders = {k: DataLoader(v, 16, shuffle=k == "train") for k, v in sets.items()}
    adam = torch.optim.Adam(model.parameters())
    about = (folder, "Main CNN", seed, model, arguments, data, loaders)
    train_once(*about, adam, nn.CrossEntropyLoss(), epochs, log=str)  # prints nothing
    return len(sets["train"])


def training(folder: Path) -> int:
    """Load the clean images and train for one epoch; return how many it learns from."""
    return train_main_cnn(load_clean(folder / "clean"), folder / "models", 0, 1)


def evaluation(folder: Path) -> int:
    """Load the clean images and test the network; return the number of test images."""
    data = load_clean(folder / "clean")
    [card] = read_cards(folder / "models")
    return len(predict(load_model(card, data), tensors(data, "test")[0]))


STAGES = {"cleaning": cleaning, "training": training, "evaluation": evaluation}


def timed(stage: str, folder: str) -> float:
    """Run a stage on a few images, then on all; return ms an image of the latter."""
    # The first run leaves imports and the start of workers out of what is measured.
    STAGES[stage](Path(folder, "few"))
    begin = time.perf_counter()
    images = STAGES[stage](Path(folder, "all"))
    return round(1000 * (time.perf_counter() - begin) / images, 2)


def scale() -> dict:
    """Measure all stages at all sizes; return ms an image and the peak memory."""
    found = {}
    for n_images in SIZES:
        with tempfile.TemporaryDirectory() as temporary:
            write_noise(Path(temporary, "few", "photos"), FEW)
            write_noise(Path(temporary, "all", "photos"), n_images)
            os.sync()  # writing them is not what is measured
            for stage in STAGES:
                cost, peak = result_and_peak("Pss_Anon", timed, stage, temporary)
                name = f"{stage}, {n_images:,} images"
                found |= {f"{name}, ms an image": cost, f"{name}, peak MiB": peak}
    return found
