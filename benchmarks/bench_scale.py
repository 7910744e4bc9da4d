"""Whether cleaning, training and evaluation cost more, an image, of more images."""

import os
import tempfile
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.made_up import write_images
from benchmarks.processes import result_and_peak, start
from smartclass_utils import sources
from smartclass_utils.checkpoints import load_model, read_cards, train_once
from smartclass_utils.cleaning import clean
from smartclass_utils.dataset import CleanData, load_clean, tensors
from smartclass_utils.evaluation import predict
from smartclass_utils.models import ReportCNN

SIZES = (2_000, 20_000, 200_000)  # images
SIZE, FEW = 48, 512  # pixels, height and width of an image; images to warm up


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
    about = (folder, "Main CNN", seed, model, arguments, data)
    options = {"log": lambda line: None}
    train_once(*about, loaders, adam, nn.CrossEntropyLoss(), epochs, **options)
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
    return 1000 * (time.perf_counter() - begin) / images


def run() -> dict:
    """Measure all stages at all sizes; return ms an image and the peak memory."""
    found, noise = {}, {"shape": (SIZE, SIZE), "side": SIZE, "ending": "png"}
    for n_images in SIZES:
        with tempfile.TemporaryDirectory() as temporary:
            for part, n in {"few": FEW, "all": n_images}.items():
                photos = Path(temporary, part, "photos")
                write_images(photos, n, **noise, compress_level=0)
            os.sync()  # writing them is not what is measured
            for stage in STAGES:
                process = start(timed, stage, temporary)
                taken, peak = result_and_peak(process, "Pss_Anon")
                name = f"{stage}, {n_images:,} images"
                found[f"{name}, ms an image"] = round(taken, 2)
                found[f"{name}, peak MiB"] = round(peak)
    return found
