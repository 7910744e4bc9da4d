"""One training loop for all, and the key under which its result is kept."""

import copy
import functools
import hashlib
import inspect
import json
import math
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import chain

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from smartclass_utils import models
from smartclass_utils.hardware import environment


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


def describe(value: object, within: tuple = ()) -> str:
    """Return in words what a result depends on, without addresses in memory."""
    if isinstance(value, functools.partial):
        return describe([value.func, *value.args, *value.keywords.items()])
    if isinstance(value, type) or (inspect.isfunction(value) and value in within):
        return value.__qualname__
    if inspect.isfunction(value):
        within = (*within, value)  # it may call itself
        inside = [cell.cell_contents for cell in value.__closure__ or ()]
        codes = [value.__code__]
        for code in codes:  # and those of comprehensions inside
            codes += filter(inspect.iscode, code.co_consts)
        read = [value.__globals__.get(name) for code in codes for name in code.co_names]
        inside += [one for one in read if not is_known(one)]
        inside += value.__defaults__ or ()
        try:
            code = inspect.getsource(value)
        except OSError:  # typed into a terminal
            code = describe([value.__code__.co_code.hex(), value.__code__.co_consts])
        return f"{code} {[describe(each, within) for each in inside]}"
    if isinstance(value, Tensor | torch.Generator):
        value = value if isinstance(value, Tensor) else value.get_state()
        return hash_of({"": value})[:12]
    if isinstance(value, list | tuple):
        return str([describe(each, within) for each in value])
    classes = [c for c in type(value).__mro__ if c.__module__ == "__main__"]
    own = [vars(c).values() for c in classes]  # of a notebook
    code = "".join(map(describe, filter(inspect.isfunction, chain(*own))))
    if isinstance(value, torch.optim.Optimizer):
        return re.sub(r"\s+", " ", repr(value)) + code
    known = value.state_dict() if hasattr(value, "state_dict") else {}
    if own or isinstance(value, nn.Module | Sampler):
        known |= {k: v for k, v in vars(value).items() if not k.startswith("_")}
    if isinstance(value, nn.Module):
        known |= dict(value.named_children())
    known |= {"lr_lambdas": value.lr_lambdas} if hasattr(value, "lr_lambdas") else {}
    left_out = ("training", "module", "data_source")  # of networks; of a sampler
    if known:
        settings = [
            f"{k}={describe(v, within)}"
            for k, v in sorted(known.items())
            if not k.startswith("module.") and k not in left_out
        ]
        return f"{type(value).__name__}({', '.join(settings)}){code}"
    return re.sub(r" at 0x[0-9a-f]+", "", str(value)) + code


def is_known(value: object) -> bool:
    """Return whether a value is none, a module, or code that no notebook holds."""
    is_code = inspect.isroutine(value) or inspect.isclass(value)
    is_code &= getattr(value, "__module__", None) != "__main__"
    return value is None or inspect.ismodule(value) or is_code


def hash_of(named: dict[str, Tensor]) -> str:
    """Return a hash of tensors and their names, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, value in sorted(named.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()


def tensors_of(dataset: Dataset) -> tuple[Tensor, ...]:
    """Return all images and all labels of a dataset, whatever its class."""
    parts = getattr(dataset, "tensors", None)  # of a TensorDataset
    return parts or default_collate([dataset[i] for i in range(len(dataset))])


def key_of(model: nn.Module, loaders: dict[str, DataLoader], settings: list) -> str:
    """Return a hash of everything that the result of a training depends on.

    That is the network before its first step, the tensors of its loaders and how they
    are drawn, the state of the random numbers, and settings such as the recipe.
    """
    code, own = [], type(model)  # which may be a class in a notebook
    for part in (sys.modules[__name__], models, own, inspect.getmodule(own)):
        with suppress(OSError, TypeError):
            code.append(inspect.getsource(part))
    data = {
        f"{split} {i}": tensor
        for split, loader in loaders.items()
        for i, tensor in enumerate(tensors_of(loader.dataset))
    }
    batches = ((x.batch_sampler, x.collate_fn, x.dataset) for x in loaders.values())
    order = [torch.get_rng_state(), *batches]
    trained = [p.requires_grad for p in model.parameters()]
    parts = [settings, describe(order), trained, repr(model), code, torch.__version__]
    parts += [environment()["device"], hash_of(model.state_dict()), hash_of(data)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
