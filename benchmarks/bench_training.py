"""Training speed of the main CNN against the student loop; beside busy programs."""

import os
import subprocess
import sys
import tempfile
import time
import timeit
from operator import itemgetter
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision import datasets, transforms

from benchmarks.made_up import noise_of, write_images
from benchmarks.processes import result_of, start
from smartclass_utils.config import CLASSES
from smartclass_utils.hardware import fast_dtype
from smartclass_utils.models import ReportCNN
from smartclass_utils.training import train

IMAGES, SIZE, BATCH = 3_200, 48, 16
MATRIX, PRODUCTS = 2048, 4  # side, and how often they are multiplied
ROUNDS = 3  # the contestants take turns; the best round of each counts
BUSY = "import time\nwhile True: sum(range(10**6))"
SPIN = {"GOMP_SPINCOUNT": "300000"}  # as threads wait by default
WAITING = {
    "waiting threads spin": SPIN,
    "waiting threads sleep": {"GOMP_SPINCOUNT": "0"},
    "waiting threads spin, then sleep (ours)": {},  # as the package sets
}


def student(folder: str) -> dict:
    """Train for an epoch as most course projects do, default formats throughout."""
    steps = [transforms.Grayscale(), transforms.Resize((SIZE, SIZE))]
    steps += [transforms.ToTensor(), transforms.Lambda(lambda x: 255 * x)]
    data = datasets.ImageFolder(folder, transforms.Compose(steps))
    loader = DataLoader(data, batch_size=BATCH, shuffle=True)
    model, criterion = ReportCNN(len(CLASSES)), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    begin = time.perf_counter()
    for images, targets in loader:
        optimizer.zero_grad()
        loss = criterion(model(images), targets)
        loss.backward()
        optimizer.step()
        loss.item()
    return {"images/s": IMAGES / (time.perf_counter() - begin)}


def seconds_of(
    model: nn.Module, loader: DataLoader, dtype: torch.dtype, epochs: int = 1
) -> float:
    """Train a network as chapter 3 does, on its device; return the seconds."""
    few = TensorDataset(*loader.dataset[: loader.batch_size])
    loaders = {"train": loader, "val": DataLoader(few, loader.batch_size)}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    options = {"dtype": dtype, "log": lambda line: None}
    begin = time.perf_counter()
    train(model, loaders, optimizer, nn.CrossEntropyLoss(), epochs, **options)
    return time.perf_counter() - begin


def ours(dtype_name: str) -> dict:
    """Train for an epoch as chapter 3 does; measure a matrix product, too."""
    dtype = getattr(torch, dtype_name)
    loader = DataLoader(noise_of(IMAGES, SIZE), BATCH, shuffle=True)
    model = ReportCNN(len(CLASSES)).to(memory_format=torch.channels_last)
    rate = IMAGES / seconds_of(model, loader, dtype)
    with FlopCounterMode(display=False) as counter:
        model(loader.dataset[:BATCH][0]).sum().backward()
    operations = counter.get_total_flops() / BATCH
    batches = timeit.timeit(lambda: list(loader), number=1)
    a, b = torch.randn(2, MATRIX, MATRIX)  # float32, whatever the network trains in
    seconds = timeit.timeit(lambda: a @ b, number=PRODUCTS)
    matrix_rate = 2 * MATRIX**3 * PRODUCTS / seconds  # floating-point operations
    return {
        "images/s": rate,
        "share of the float32 matrix rate": rate * operations / matrix_rate,
        "share of a step for the batch": batches * rate / IMAGES,
    }


def best_rounds(contestants: dict[str, tuple]) -> dict[str, dict]:
    """Return the best round of each: function, argument, environment of a process."""
    best = {}
    for name, (work, argument, environment) in ROUNDS * [*contestants.items()]:
        new = result_of(start(work, argument, env={**os.environ, **environment}))
        best[name] = max(new, best.get(name, new), key=itemgetter("images/s"))
    return best


def beside_busy_programs(dtype: str) -> dict:
    """Measure ours beside none to two busy processes, all ways of waiting."""
    found, ways = {}, {way: (ours, dtype, how) for way, how in WAITING.items()}
    for busy in (0, 1, 2):
        others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(busy)]
        try:
            for way, mine in best_rounds(ways).items():
                name = f"{way}, busy processes beside it: {busy}, images/s"
                found[name] = round(mine["images/s"])
        finally:
            for other in others:
                other.kill()
    return found


def run() -> dict:
    fast = str(fast_dtype(torch.device("cpu"))).removeprefix("torch.")
    dtypes = list(dict.fromkeys(["float32", fast]))
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), IMAGES, (SIZE, SIZE), 2 * SIZE, "jpg")
        contestants = {dtype: (ours, dtype, {}) for dtype in dtypes}
        best = best_rounds({"student": (student, folder, SPIN), **contestants})
    theirs = best.pop("student")["images/s"]
    found = {"images in a batch": BATCH, "student loop, images/s": round(theirs)}
    for dtype, mine in best.items():
        ratio = round(mine["images/s"] / theirs, 2)
        found[f"ours in {dtype}, times the student loop"] = ratio
        for what, value in mine.items():
            digits = None if what == "images/s" else 3
            found[f"ours in {dtype}, {what}"] = round(value, digits)
    return found | beside_busy_programs(dtypes[-1])
