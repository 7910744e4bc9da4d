"""One training loop for every network; it knows nothing of faces."""

import copy
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from smartclass_utils.config import SmartClassError
from smartclass_utils.dataset import CleanData
from smartclass_utils.memory import keep_freed_memory

EVALUATION_BATCH = 128  # images; large enough to be fast, small enough for any memory


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. The defaults are the report's recipe."""

    epochs: int = 3
    learning_rate: float = 1e-3  # of Adam
    batch_size: int = 16  # images

    def __post_init__(self):
        for name, value in asdict(self).items():
            if not value > 0:
                raise SmartClassError(
                    f"{name.upper()}={value} trains nothing: give a number above 0."
                )


@dataclass(frozen=True)
class Fit:
    """A trained network with the record of its training."""

    model: nn.Module  # with the weights of the best epoch
    history: pd.DataFrame  # one row an epoch
    best_epoch: int  # 1…epochs, the one with the lowest validation loss
    seconds: float  # training and validation, without loading
    images_per_second: float  # training images, over the training part only


def pick_device() -> torch.device:
    """Return CUDA if there is one, else Apple's GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def device_name(device: torch.device) -> str:
    """Return what to call the device in a table, with its number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU (MPS)"
    return f"CPU, {torch.get_num_threads()} threads"


def environment(device: torch.device | None = None) -> dict[str, str]:
    """Return the versions and the hardware that a result depends on."""
    packages = ("torch", "torchvision", "scikit-image", "numpy", "scikit-learn")
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "system": f"{platform.system()} {platform.machine()}",
        "device": device_name(device or pick_device()),
    }


def environment_line() -> str:
    """Return versions and hardware as one line for the top of a chapter."""
    found = environment()
    versions = " · ".join(f"{name} {found[name]}" for name in ("torch", "numpy"))
    return f"Python {found['python']} · {versions} · {found['device']}"


def seed_everything(seed: int) -> None:
    """Seed torch, and ask cuDNN for repeatable algorithms."""
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def mixed_precision(device: torch.device) -> torch.autocast:
    """Return a context that computes in bfloat16 where the GPU has it."""
    use = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=use)


class Batches:
    """Images of one split as a stream of batches on the device.

    On a GPU the whole split lies in its memory. On a CPU it stays mapped on disk and
    only a batch at a time is copied, so that memory does not grow with the data.

    Args:
        data: the cleaned data set.
        split: ``"train"``, ``"val"`` or ``"test"``.
        device: where the batches are wanted.
    """

    def __init__(self, data: CleanData, split: str, device: torch.device):
        self.rows = data.rows(split)  # (n,)
        self.device = device
        self.targets = torch.from_numpy(data.targets[self.rows]).to(device)  # (n,)
        if device.type == "cpu":
            self.images, self.resident = data.images, None
        else:
            held = torch.from_numpy(np.array(data.images[self.rows]))
            self.resident = held.unsqueeze(1).to(device)  # (n, 1, H, W)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: Tensor) -> tuple[Tensor, Tensor]:
        """Return images uint8 (B, 1, H, W) and targets (B,) at positions ``which``."""
        if self.resident is not None:
            which = which.to(self.device)
            return self.resident[which], self.targets[which]
        images = torch.from_numpy(self.images[self.rows[which.numpy()]])  # (B, H, W)
        return images.unsqueeze(1), self.targets[which]

    def in_order(self, size: int = EVALUATION_BATCH):
        """Yield all batches in the order of labels.csv."""
        for which in torch.arange(len(self)).split(size):
            yield self.take(which)

    def shuffled(self, size: int, generator: torch.Generator):
        """Yield all batches in an order drawn from ``generator``."""
        for which in torch.randperm(len(self), generator=generator).split(size):
            yield self.take(which)


@torch.inference_mode()
def predict_logits(model: nn.Module, batches: Batches) -> Tensor:
    """Return the logits of all images of a split, float32 (n, K), on the CPU."""
    model.eval()
    with mixed_precision(batches.device):
        logits = [model(images) for images, _ in batches.in_order()]
    return torch.cat(logits).float().cpu()


def train_one_epoch(
    model: nn.Module,
    batches: Batches,
    optimiser: torch.optim.Optimizer,
    batch_size: int,
    generator: torch.Generator,
) -> float:
    """Pass once over the training images; return the mean training loss."""
    model.train()
    total = torch.zeros((), device=batches.device)
    for images, targets in batches.shuffled(batch_size, generator):
        optimiser.zero_grad(set_to_none=True)
        with mixed_precision(batches.device):
            logits = model(images)  # (B, K)
        loss = functional.cross_entropy(logits.float(), targets)
        loss.backward()
        optimiser.step()
        total += loss.detach() * len(targets)
    return float(total) / len(batches)


def fit(
    model: nn.Module,
    data: CleanData,
    recipe: Recipe,
    seed: int,
    device: torch.device | None = None,
    log: Callable[[str], None] = print,
) -> Fit:
    """Train ``model`` on the train split and keep its best epoch by validation.

    The test split is never touched. Only the order of the images and dropout are
    drawn here; draw the starting weights with :func:`seed_everything` before
    building the model.

    Args:
        model: a network from :func:`smartclass_utils.models.build`.
        data: the cleaned data set.
        recipe: epochs, learning rate and batch size.
        seed: of the order of the images and of dropout.
        device: default :func:`pick_device`.
        log: called with each line of the report's terminal output.

    Returns:
        The network with its best weights, on the CPU, and the record of training.
    """
    device = device or pick_device()
    keep_freed_memory()
    model = model.to(device)
    train, val = Batches(data, "train", device), Batches(data, "val", device)
    optimiser = torch.optim.Adam(model.parameters(), recipe.learning_rate, fused=True)
    seed_everything(seed)
    order = torch.Generator().manual_seed(seed)
    rows, best, best_loss, best_epoch, training = [], {}, float("inf"), 0, 0.0
    start = time.perf_counter()
    for epoch in range(1, recipe.epochs + 1):
        begin = time.perf_counter()
        train_loss = train_one_epoch(model, train, optimiser, recipe.batch_size, order)
        training += time.perf_counter() - begin
        logits = predict_logits(model, val)  # (n, K)
        targets = val.targets.cpu()
        val_loss = float(functional.cross_entropy(logits, targets))
        val_accuracy = float((logits.argmax(1) == targets).double().mean())
        if val_loss < best_loss or not best:
            log("Saving Checkpoint")
            best, best_loss = copy.deepcopy(model.state_dict()), val_loss
            best_epoch = epoch
        log(
            f"Epoch [{epoch}/{recipe.epochs}], Validation Loss: {val_loss:.4f}, "
            f"Validation Accuracy: {100 * val_accuracy:.2f}%"
        )
        rows.append((epoch, train_loss, val_loss, val_accuracy))
    columns = ["epoch", "train_loss", "val_loss", "val_accuracy"]
    model.load_state_dict(best)
    return Fit(
        model=model.to("cpu"),
        history=pd.DataFrame(rows, columns=columns),
        best_epoch=best_epoch,
        seconds=time.perf_counter() - start,
        images_per_second=recipe.epochs * len(train) / training,
    )
