"""One training loop for every network, optimizer, loss and schedule."""

import copy
import math
from collections.abc import Callable

import pandas as pd
import torch
from torch import nn
from torch.nn import functional
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
