"""Training speed of the main CNN against the usual student loop, in one run."""

import functools
import itertools
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from skimage import io
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode
from torchvision import datasets, transforms

from benchmarks.made_up import clean_data_of
from smartclass_utils import models
from smartclass_utils.augmentation import augment
from smartclass_utils.batches import Batches
from smartclass_utils.config import CLASSES
from smartclass_utils.dataset import CleanData
from smartclass_utils.hardware import computes_in_bfloat16
from smartclass_utils.memory import keep_freed_memory
from smartclass_utils.recipes import STRONG, Recipe
from smartclass_utils.training import Training

IMAGES = 3_200
SIZE = 48
ROUNDS = 4  # the contestants take turns; the best round of each counts
CPU = torch.device("cpu")


def write_image_folder(folder: Path, images: np.ndarray, targets: np.ndarray) -> None:
    """Write grey JPEGs of RAF-DB's size into one folder a class."""
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
    for i, (image, k) in enumerate(zip(images, targets, strict=True)):
        enlarged = np.kron(image, np.ones((2, 2), np.uint8))
        path = folder / CLASSES[k] / f"{i}.jpg"
        io.imsave(path, enlarged, check_contrast=False)


@functools.cache
def student(folder: Path, batch_size: int) -> tuple:
    """Return loader, network and optimiser as most course projects have them."""
    model = models.build("main", len(CLASSES)).to(memory_format=torch.contiguous_format)
    optimiser = torch.optim.Adam(model.parameters(), Recipe().learning_rate)
    return student_loader(folder, batch_size), model, optimiser


def student_rate(folder: Path, batch_size: int) -> float:
    """Train for one epoch as most course projects do; return images per second."""
    loader, model, optimiser = student(folder, batch_size)
    criterion = nn.CrossEntropyLoss()
    model.train()
    running = 0.0
    start = time.perf_counter()
    for images, targets in loader:
        optimiser.zero_grad()
        loss = criterion(model(images), targets)
        loss.backward()
        optimiser.step()
        running += loss.item()
    return IMAGES / (time.perf_counter() - start)


def student_loader(folder: Path, batch_size: int) -> DataLoader:
    """Return ImageFolder and DataLoader with the usual transforms."""
    steps = [transforms.Grayscale(), transforms.Resize((SIZE, SIZE))]
    steps += [transforms.ToTensor(), transforms.Lambda(lambda x: 255 * x)]
    data = datasets.ImageFolder(str(folder), transforms.Compose(steps))
    return DataLoader(data, batch_size=batch_size, shuffle=True)


def matrix_rate(dtype: torch.dtype, side: int = 2048, repeats: int = 4) -> float:
    """Return the matrix-product rate in floating-point operations a second."""
    a, b = (torch.randn(side, side).to(dtype) for _ in range(2))
    start = time.perf_counter()
    for _ in range(repeats):
        a @ b
    return 2 * side**3 * repeats / (time.perf_counter() - start)


def operations_per_image(model: nn.Module) -> float:
    """Count the floating-point operations of one training step, per image."""
    images = torch.zeros(32, 1, SIZE, SIZE, dtype=torch.uint8)
    with FlopCounterMode(display=False) as counter:
        loss = functional.cross_entropy(model(images), torch.zeros(32, dtype=int))
        loss.backward()
    return counter.get_total_flops() / 32


def our_training(data: CleanData, name: str, recipe: Recipe) -> Training:
    """Return a training on the CPU, ready for its first step."""
    model = models.build(name, len(CLASSES))
    return Training(model, Batches(data, "train", CPU), recipe, seed=0)


def our_rate(training: Training) -> float:
    """Train for one epoch; return images per second."""
    start = time.perf_counter()
    training.one_epoch()
    return len(training.batches) / (time.perf_counter() - start)


def shares_of_a_step(data: CleanData, steps: int = 60) -> dict[str, float]:
    """Return which share of a strong recipe's step goes into batch and augmentation.

    The two are timed by themselves, on the same batches, beside whole steps.
    """
    training = our_training(data, "own", STRONG)
    training.one_epoch()  # warm up
    spent = dict.fromkeys(("batch", "augmentation", "step"), 0.0)
    random = torch.Generator().manual_seed(0)
    chosen = training.batches.shuffled(STRONG.batch_size, random)
    for which in itertools.islice(chosen, steps):
        begin = time.perf_counter()
        images, _ = training.batches.take(which)
        taken = time.perf_counter()
        augment(images, STRONG.augmentation, random)
        changed = time.perf_counter()
        training.step(which)
        spent["batch"] += taken - begin
        spent["augmentation"] += changed - taken
        spent["step"] += time.perf_counter() - changed
    return {name: spent[name] / spent["step"] for name in ("batch", "augmentation")}


def run() -> dict:
    """Measure and return images per second and their ratios.

    The student loop has a process of its own, so that what ours asks of the memory
    does not help it; while one works, the other waits.
    """
    data, recipe = clean_data_of(IMAGES, SIZE), Recipe()
    keep_freed_memory()
    ours = {
        torch.float32: our_training(
            data, "main", replace(recipe, mixed_precision=False)
        )
    }
    if computes_in_bfloat16(CPU):
        ours[torch.bfloat16] = our_training(data, "main", recipe)
    best: dict = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(1, get_context("spawn")) as other,
    ):
        write_image_folder(Path(folder), data.images, data.targets)
        for _ in range(ROUNDS):
            work = other.submit(student_rate, Path(folder), recipe.batch_size)
            now = {"student": work.result()}
            for dtype, training in ours.items():
                now["matrix", dtype] = matrix_rate(dtype)
                now["ours", dtype] = our_rate(training)
            best = {name: max(best.get(name, 0.0), rate) for name, rate in now.items()}
    found = {
        "images in a batch": recipe.batch_size,
        "student loop, images/s": round(best["student"]),
    }
    operations = operations_per_image(next(iter(ours.values())).model)
    for dtype in ours:
        name, rate = str(dtype).removeprefix("torch."), best["ours", dtype]
        found |= {
            f"ours in {name}, images/s": round(rate),
            f"ours in {name}, times the student loop": round(rate / best["student"], 2),
            f"ours in {name}, GFLOP/s": round(rate * operations / 1e9, 1),
            f"matrix product in {name}, GFLOP/s": round(best["matrix", dtype] / 1e9, 1),
            f"share of the matrix rate in {name}": round(
                rate * operations / best["matrix", dtype], 2
            ),
        }
    for what, share in shares_of_a_step(data).items():
        found[f"strong recipe, share of a step for the {what}"] = round(share, 3)
    return found
