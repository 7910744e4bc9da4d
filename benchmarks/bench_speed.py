"""Speed of cleaning and training against plain loops, and of training on a GPU."""

import shutil
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from pathlib import Path

import torch
from PIL import Image
from skimage import color, io, transform, util
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision import datasets, transforms

from benchmarks.made_up import write_images
from benchmarks.processes import result_of, start
from smartclass_utils import sources
from smartclass_utils.beyond import ResidualCNN
from smartclass_utils.cleaning import clean
from smartclass_utils.config import CLASSES
from smartclass_utils.efficientnet import EfficientNetLite0
from smartclass_utils.hardware import device_name, fast_dtype
from smartclass_utils.models import REPORT_NETWORKS, ReportCNN
from smartclass_utils.training import train

FILES, SIDE, JOBS = 3_000, 100, 2  # to clean; their pixels, as in RAF-DB; processes
COARSE = (12, 12, 3)  # random values of a file, smoothed to SIDE
IN_MEMORY = Path("/dev/shm")  # where there is one, so that no disk is measured
IMAGES, SIZE, BATCH = 3_200, 48, 16  # to learn from; pixels, also of a clean image
MATRIX, PRODUCTS = 2048, 4  # side, and how often they are multiplied
ROUNDS = 3  # the contestants take turns; the best round of each counts
ON_GPU, GPU_BATCH, EPOCHS = 31_708, 256, 2  # images, the original's grand total
BUSY = "import time\nwhile True: sum(range(10**6))"
WAITING = {
    "waiting threads spin": {"OMP_WAIT_POLICY": "ACTIVE"},
    "waiting threads sleep": {"GOMP_SPINCOUNT": "0"},
    "waiting threads spin, then sleep (ours)": {"GOMP_SPINCOUNT": "10000"},
}


def plain_loop(paths: list[Path], out: Path) -> None:
    """Do what the report describes, one file after the other."""
    for path in paths:
        grey = color.rgb2gray(io.imread(path))
        small = transform.resize(grey, (SIZE, SIZE), anti_aliasing=True)
        target = out / path.parent.name / f"{path.stem}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        io.imsave(target, util.img_as_ubyte(small), check_contrast=False)


def bare_decoding(paths: list[Path]) -> None:
    """Decode with Pillow and do nothing with the pixels."""
    for path in paths:
        with Image.open(path) as image:
            image.load()


def cleaning() -> dict:
    """Return images per second and their ratios; ours is everything in chapter 1."""
    place = IN_MEMORY if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as temporary:
        data, out = Path(temporary, "faces"), Path(temporary, "out")
        paths = write_images(data, FILES, COARSE, SIDE, "jpg", quality=90)
        contestants = {
            "plain": lambda: plain_loop(paths, out),
            "decoding": lambda: bare_decoding(paths),
            "ours": lambda: clean(sources.load(data), out, image_size=SIZE, jobs=JOBS),
        }
        rate = dict.fromkeys(contestants, 0.0)
        for _ in range(ROUNDS):
            for name, work in contestants.items():
                shutil.rmtree(out, ignore_errors=True)
                taken = timeit.timeit(work, number=1)
                rate[name] = max(rate[name], FILES / taken)
    return {
        "images": FILES,
        "plain scikit-image loop, images/s": round(rate["plain"]),
        "bare Pillow decoding, images/s": round(rate["decoding"]),
        f"ours with {JOBS} processes, images/s": round(rate["ours"]),
        "times the plain loop": round(rate["ours"] / rate["plain"], 2),
        "share of bare decoding": round(rate["ours"] / rate["decoding"], 2),
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
    return {"images/s": round(IMAGES / (time.perf_counter() - begin))}


def noise_of(n_images: int) -> TensorDataset:
    """Return random grey images to learn from, and a label for each."""
    images = torch.randint(0, 256, (n_images, 1, SIZE, SIZE), dtype=torch.uint8)
    return TensorDataset(images, torch.arange(n_images) % len(CLASSES))


def seconds_of(
    model: nn.Module, loader: DataLoader, dtype: torch.dtype, epochs: int = 1
) -> float:
    """Train a network as chapter 3 does, on its device; return the seconds."""
    few = TensorDataset(*loader.dataset[: loader.batch_size])
    loaders = {"train": loader, "val": DataLoader(few, loader.batch_size)}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    loss, begin = nn.CrossEntropyLoss(), time.perf_counter()
    train(model, loaders, optimizer, loss, epochs, dtype=dtype, log=str)
    return time.perf_counter() - begin


def ours(dtype_name: str) -> dict:
    """Train for an epoch as chapter 3 does; measure a matrix product, too."""
    dtype = getattr(torch, dtype_name)
    loader = DataLoader(noise_of(IMAGES), BATCH, shuffle=True)
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
        "images/s": round(rate),
        "share of the float32 matrix rate": round(rate * operations / matrix_rate, 3),
        "share of a step for the batch": round(batches * rate / IMAGES, 3),
    }


def best_of(contestants: dict[str, Callable]) -> dict[str, dict]:
    """Start contestants in turns; return of each what its best round measured."""
    best = {name: {"images/s": 0} for name in contestants}
    for _ in range(ROUNDS):
        for name, contestant in contestants.items():
            found = result_of(contestant())
            best[name] = max(best[name], found, key=itemgetter("images/s"))
    return best


def training() -> dict:
    """Measure and return images per second and their ratios."""
    fast = str(fast_dtype(torch.device("cpu"))).removeprefix("torch.")
    own = {dtype: partial(start, ours, dtype) for dtype in ("float32", fast)}
    ways = {k: partial(start, ours, fast, **v) for k, v in WAITING.items()}
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), IMAGES, (SIZE, SIZE), 2 * SIZE, "jpg")
        best = best_of({"student": partial(start, student, folder), **own})
    theirs = best.pop("student")["images/s"]
    found = {"images in a batch": BATCH, "student loop, images/s": theirs}
    for dtype, mine in best.items():
        ratio = round(mine["images/s"] / theirs, 2)
        found[f"ours in {dtype}, times the student loop"] = ratio
        found |= {f"ours in {dtype}, {what}": value for what, value in mine.items()}
    for busy in (0, 2):
        others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(busy)]
        beside = f"beside {busy} busy processes" if busy else "idle"
        try:
            for way, mine in best_of(ways).items():
                found[f"{way}, {beside}, images/s"] = mine["images/s"]
        finally:
            for other in others:
                other.kill()
    return found


def gpu() -> dict:
    """Measure and return seconds; a sentence where there is no GPU."""
    if not torch.cuda.is_available():
        return {"not run": "this machine has no CUDA GPU"}
    device = torch.device("cuda")
    networks = {n: ReportCNN(len(CLASSES), **a) for n, a in REPORT_NETWORKS.items()}
    networks["Our own"] = ResidualCNN(len(CLASSES))
    networks["EfficientNet-Lite0"] = EfficientNetLite0(len(CLASSES))
    loader = DataLoader(noise_of(ON_GPU), GPU_BATCH, shuffle=True)
    found = {"images": ON_GPU, "GPU": device_name(device)}
    for name, model in networks.items():
        model = model.to(device, memory_format=torch.channels_last)
        for dtype in (torch.float32, torch.bfloat16):
            taken = seconds_of(model, loader, dtype, EPOCHS)
            found[f"{name}, {EPOCHS} epochs, {dtype}, s"] = round(taken, 2)
    return found
