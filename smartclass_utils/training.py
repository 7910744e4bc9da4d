"""One training loop for all, the strong recipe, and the changes of its images."""

import copy
import math
from collections.abc import Callable

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader


def train(
    model: nn.Module,
    loaders: dict[str, DataLoader],
    optimizer: torch.optim.Optimizer,
    loss: Callable,
    epochs: int,
    *,
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
    augment: Callable | None = None,
    average: torch.optim.swa_utils.AveragedModel | None = None,
    keep: str = "best",
    dtype: torch.dtype = torch.float32,
    log: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Train ``model``; the validation images only judge it.

    Args:
        model: the network, on its device; it ends with the weights that are kept.
        loaders: batches under "train" and "val": images uint8 (B, 1, H, W), labels (B,)
        optimizer: of the model's parameters.
        loss: of logits (B, K) and labels, a mean over the batch.
        epochs: passes over the training images.
        schedule: moves the learning rate after every step.
        augment: changes a batch of images at random.
        average: a running mean of the weights, which is then judged and kept.
        keep: "best" keeps the epoch of the lowest validation loss, "last" the last.
        dtype: number format of the convolutions; ``torch.bfloat16`` is quick where the
            hardware has it.
        log: takes each line of the output.

    Returns:
        One row an epoch: epoch, train_loss, val_loss, val_accuracy (0…1).
    """
    device = next(model.parameters()).device
    judged = model if average is None else average.module
    history, kept, lowest = [], None, math.inf
    for epoch in range(1, epochs + 1):
        model.train()
        total = torch.zeros((), device=device)
        for images, labels in loaders["train"]:
            images, labels = images.to(device), labels.to(device)
            if augment is not None:
                images = augment(images)
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                logits = model(images)  # (B, K)
            batch_loss = loss(logits.float(), labels)
            optimizer.zero_grad()
            batch_loss.backward()
            optimizer.step()
            if schedule is not None:
                schedule.step()
            if average is not None:
                average.update_parameters(model)
            total += batch_loss.detach() * len(images)
        train_loss = float(total) / len(loaders["train"].dataset)
        val_loss, val_accuracy = loss_and_accuracy(judged, loaders["val"])
        if kept is None or keep == "last" or val_loss < lowest:
            log("Saving Checkpoint")
            kept, lowest = copy.deepcopy(judged.state_dict()), val_loss
        log(
            f"Epoch [{epoch}/{epochs}], Validation Loss: {val_loss:.4f}, "
            f"Validation Accuracy: {100 * val_accuracy:.2f}%"
        )
        history.append((epoch, train_loss, val_loss, val_accuracy))
    model.load_state_dict(kept)
    columns = ["epoch", "train_loss", "val_loss", "val_accuracy"]
    return pd.DataFrame(history, columns=columns)


@torch.inference_mode()
def loss_and_accuracy(model: nn.Module, loader: DataLoader) -> tuple[float, float]:
    """Return cross entropy and accuracy (0…1) over all images of a loader."""
    model.eval()
    device = next(model.parameters()).device
    batches = [(model(images.to(device)).cpu(), labels) for images, labels in loader]
    logits, labels = (torch.cat(part) for part in zip(*batches, strict=True))
    loss = functional.cross_entropy(logits, labels)
    return float(loss), float((logits.argmax(1) == labels).double().mean())


def augment(
    images: Tensor,
    flip: bool = True,
    degrees: float = 5.0,
    shift: float = 0.03,
    scale: float = 0.05,
    contrast: float = 0.1,
    erase: float = 0.25,
) -> Tensor:
    """Return every image mirrored, turned, moved, scaled and patched at random.

    Each image gets changes of its own: torchvision's transforms draw one change for a
    whole batch, or take one image at a time.

    Random numbers are drawn on the CPU, so that a seed means the same on every device.

    Args:
        images: grey values 0…255 of any type, (N, C, H, W).
        flip: mirror every second image; a face is about as good mirrored.
        degrees: of turning, to either side.
        shift: of moving, as a share of height and width.
        scale: of enlarging or shrinking, as a share of the size.
        contrast: of stretching or squeezing the grey values, as a share.
        erase: share of the images that lose a patch (Zhong et al. 2020).

    Returns:
        float32 (N, C, H, W), grey values; contrast may leave 0…255 by a little.
    """
    images = images.float()
    n, _, height, width = images.shape

    def draw(largest: float) -> Tensor:  # (N,) between -largest and largest
        return (2 * torch.rand(n) - 1) * largest

    # Turn, scale, move and mirror in one step: a 2 × 3 matrix for each image.
    angle, size = draw(math.radians(degrees)), torch.exp(draw(scale))
    mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0) if flip else torch.ones(n)
    cos, sin = size * torch.cos(angle), size * torch.sin(angle)
    across, down = draw(2 * shift), draw(2 * shift)  # the image reaches from -1 to 1
    rows = [mirror * cos, -sin, across, mirror * sin, cos, down]
    matrices = torch.stack(rows, dim=1).view(n, 2, 3).to(images.device)
    grid = functional.affine_grid(matrices, images.shape, align_corners=False)
    images = functional.grid_sample(
        images, grid, padding_mode="border", align_corners=False
    )

    # Stretch the grey values of each image about its own mean.
    factor = torch.exp(draw(contrast)).view(n, 1, 1, 1).to(images.device)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    images = mean + factor * (images - mean)

    # Paint a rectangle of 10 to 40 % of each side grey.
    covered = (torch.rand(n) < erase).view(n, 1, 1, 1)
    for length, shape in ((height, (n, 1, -1, 1)), (width, (n, 1, 1, -1))):
        half = length * (0.05 + 0.15 * torch.rand(n, 1))
        middle = length * torch.rand(n, 1)
        covered = covered & ((torch.arange(length) - middle).abs() < half).view(shape)
    return images.masked_fill(covered.to(images.device), 127.5)


def strong_recipe(
    model: nn.Module,
    loaders: dict[str, DataLoader],
    epochs: int,
    *,
    rate: float = 3e-3,
    augment: Callable | None = augment,
    smoothing: float = 0.1,
    decay: float = 0.05,
    mean: float = 0.99,
) -> dict:
    """Return the objects of chapter 5's recipe, named as :func:`train` takes them.

    Args:
        model: the network, on its device.
        loaders: as :func:`train` takes them.
        epochs: passes over the training images.
        rate: the highest learning rate.
        augment: changes a batch of images at random, or nothing does.
        smoothing: share of the target that is spread over all classes.
        decay: of kernels and matrices; biases and batch normalisation are spared.
        mean: decay of the running mean of the weights a step, 0 for none; less in a
            short training, where the mean is over the last tenth of its steps.
    """
    kernels = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": kernels, "weight_decay": decay}, {"params": others}]
    optimizer = torch.optim.AdamW(groups, lr=rate, weight_decay=0.0)
    steps = max(2, epochs * len(loaders["train"]))  # it can't divide fewer
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=rate,
        total_steps=steps,
        pct_start=max(0.2, 1.5 / steps),
        div_factor=10,
        final_div_factor=100,
    )
    moving = get_ema_multi_avg_fn(max(0.0, min(mean, 1 - 10 / steps)))
    average = AveragedModel(model, multi_avg_fn=moving, use_buffers=True)
    return {
        "optimizer": optimizer,
        "loss": nn.CrossEntropyLoss(label_smoothing=smoothing),
        "epochs": epochs,
        "schedule": schedule,
        "augment": augment,
        "average": average if mean else None,
        "keep": "last",
    }
