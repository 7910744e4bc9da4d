"""Training speed of the main CNN: against the student loop, and beside busy programs.

Every contestant runs in a process of its own and says what it measured; they take
turns, and the best round of each counts.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from skimage import io
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision import datasets, transforms

from benchmarks.made_up import clean_data_of
from smartclass_utils.config import CLASSES
from smartclass_utils.dataset import tensors
from smartclass_utils.hardware import fast_dtype
from smartclass_utils.models import ReportCNN
from smartclass_utils.training import train

IMAGES, SIZE, BATCH = 3_200, 48, 16
ROUNDS = 3
CPU = torch.device("cpu")
BUSY = "import time\nwhile True: sum(range(10**6))"
WAITING = {
    "waiting threads spin": {"OMP_WAIT_POLICY": "ACTIVE"},
    "waiting threads sleep": {"GOMP_SPINCOUNT": "0"},
    "waiting threads spin, then sleep (ours)": {"GOMP_SPINCOUNT": "10000"},
}


def write_image_folder(folder: Path) -> None:
    """Write grey JPEGs of RAF-DB's size into one folder a class."""
    data = clean_data_of(IMAGES, SIZE)
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
    for i, (image, k) in enumerate(zip(data.images, data.targets, strict=True)):
        enlarged = np.kron(image, np.ones((2, 2), np.uint8))
        path = folder / CLASSES[k] / f"{i}.jpg"
        io.imsave(path, enlarged, check_contrast=False)


def student(folder: str) -> dict:
    """Train for an epoch as most course projects do, default formats throughout."""
    steps = [transforms.Grayscale(), transforms.Resize((SIZE, SIZE))]
    steps += [transforms.ToTensor(), transforms.Lambda(lambda x: 255 * x)]
    data = datasets.ImageFolder(folder, transforms.Compose(steps))
    loader = DataLoader(data, batch_size=BATCH, shuffle=True)
    model, criterion = ReportCNN(len(CLASSES)), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    start = time.perf_counter()
    for images, targets in loader:
        optimizer.zero_grad()
        loss = criterion(model(images), targets)
        loss.backward()
        optimizer.step()
        loss.item()
    return {"images/s": IMAGES / (time.perf_counter() - start)}


def ours(dtype: str) -> dict:
    """Train for an epoch as chapter 3 does; measure a matrix product, too."""
    dtype = getattr(torch, dtype)
    images, labels = tensors(clean_data_of(IMAGES, SIZE), "train")
    loaders = {
        "train": DataLoader(TensorDataset(images, labels), BATCH, shuffle=True),
        "val": DataLoader(TensorDataset(images[:BATCH], labels[:BATCH]), BATCH),
    }
    model = ReportCNN(len(CLASSES)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    options = {"dtype": dtype, "log": lambda line: None}
    start = time.perf_counter()
    train(model, loaders, optimizer, nn.CrossEntropyLoss(), 1, **options)
    rate = IMAGES / (time.perf_counter() - start)
    with FlopCounterMode(display=False) as counter:
        model(images[:BATCH]).sum().backward()
    operations = counter.get_total_flops() / BATCH
    start = time.perf_counter()
    for _ in loaders["train"]:
        pass
    batches = time.perf_counter() - start
    return {
        "images/s": rate,
        "share of the matrix rate": rate * operations / matrix_rate(dtype),
        "share of a step for the batch": batches * rate / IMAGES,
    }


def matrix_rate(dtype: torch.dtype, side: int = 2048, repeats: int = 4) -> float:
    """Return the matrix-product rate in floating-point operations a second."""
    a, b = (torch.randn(side, side).to(dtype) for _ in range(2))
    start = time.perf_counter()
    for _ in range(repeats):
        a @ b
    return 2 * side**3 * repeats / (time.perf_counter() - start)


def measured(contestant: str, argument: str, environment: dict | None = None) -> dict:
    """Run one contestant in a process of its own; return what it measured."""
    command = [sys.executable, "-m", "benchmarks.bench_training", contestant, argument]
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout)


def best(of: list[dict]) -> dict:
    """Return the round with the most images a second."""
    return max(of, key=lambda found: found["images/s"])


def beside_busy_programs(dtype: str) -> dict:
    """Measure ours idle and beside two busy processes, both ways of waiting."""
    found = {}
    for busy in (0, 2):
        others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(busy)]
        try:
            for way, environment in WAITING.items():
                rounds = [measured("ours", dtype, environment) for _ in range(2)]
                beside = f"beside {busy} busy processes" if busy else "idle"
                found[f"{way}, {beside}, images/s"] = round(best(rounds)["images/s"])
        finally:
            for other in others:
                other.kill()
    return found


def run() -> dict:
    """Measure and return images per second and their ratios."""
    dtypes = list(dict.fromkeys(["float32", str(fast_dtype(CPU)).split(".")[1]]))
    rounds: dict[str, list[dict]] = {name: [] for name in ("student", *dtypes)}
    with tempfile.TemporaryDirectory() as folder:
        write_image_folder(Path(folder))
        for _ in range(ROUNDS):
            rounds["student"].append(measured("student", folder))
            for dtype in dtypes:
                rounds[dtype].append(measured("ours", dtype))
    theirs = best(rounds["student"])["images/s"]
    found = {"images in a batch": BATCH, "student loop, images/s": round(theirs)}
    for dtype in dtypes:
        mine = best(rounds[dtype])
        ratio = round(mine["images/s"] / theirs, 2)
        found |= {f"ours in {dtype}, times the student loop": ratio}
        for what, value in mine.items():
            digits = None if what == "images/s" else 3
            found[f"ours in {dtype}, {what}"] = round(value, digits)
    return found | beside_busy_programs(dtypes[-1])


if __name__ == "__main__":
    print(json.dumps({"student": student, "ours": ours}[sys.argv[1]](sys.argv[2])))
