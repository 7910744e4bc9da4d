"""Training on a GPU: the report's three networks, and the strong recipe."""

import time

import torch

from benchmarks.made_up import clean_data_of
from smartclass_utils import models
from smartclass_utils.batches import Batches
from smartclass_utils.config import CLASSES
from smartclass_utils.hardware import device_name
from smartclass_utils.recipes import STRONG, Recipe
from smartclass_utils.training import Training

IMAGES = 31_708  # the original report's grand total
SIZE = 48
BATCH = 256  # images; a small batch leaves a GPU idle


def seconds(data, name: str, recipe: Recipe, device: torch.device) -> float:
    """Train one network with one recipe; return the seconds without loading."""
    model = models.build(name, len(CLASSES)).to(device)
    training = Training(model, Batches(data, "train", device), recipe, seed=0)
    training.step(torch.arange(BATCH))  # warm up
    torch.cuda.synchronize(device)
    start = time.perf_counter()
    for _ in range(recipe.epochs):
        training.one_epoch()
    torch.cuda.synchronize(device)
    return time.perf_counter() - start


def run() -> dict:
    """Measure and return seconds; a sentence where there is no GPU.

    The whole data set lies on the GPU, convolutions run in bfloat16 on channels-last
    tensors, and augmentation runs there, too.
    """
    if not torch.cuda.is_available():
        return {"not run": "this machine has no CUDA GPU"}
    device = torch.device("cuda")
    data = clean_data_of(IMAGES, SIZE)
    report = Recipe(batch_size=BATCH)
    strong = Recipe(**{**vars(STRONG), "batch_size": BATCH})
    return {
        "images": IMAGES,
        "GPU": device_name(device),
        "three networks of the report, 3 epochs each, s": round(
            sum(seconds(data, name, report, device) for name in models.REPORT_MODELS), 2
        ),
        f"our own, strong recipe, {STRONG.epochs} epochs, s": round(
            seconds(data, "own", strong, device), 2
        ),
    }
