"""One training loop for every network and recipe; it knows nothing of faces."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from smartclass_utils.augmentation import augment
from smartclass_utils.batches import Batches, predict_logits
from smartclass_utils.dataset import CleanData
from smartclass_utils.hardware import (
    mixed_precision,
    pick_device,
    random_state,
    seed_everything,
    set_random_state,
)
from smartclass_utils.journal import note_of, read_note, write_note
from smartclass_utils.memory import keep_freed_memory
from smartclass_utils.recipes import Recipe

WARM_UP = 0.2  # share of a one-cycle's steps in which the rate rises
COLUMNS = ["epoch", "train_loss", "val_loss", "val_accuracy"]


@dataclass(frozen=True)
class Fit:
    """A trained network with the record of its training."""

    model: nn.Module  # with the weights that the recipe keeps
    latest: nn.Module  # with those after the last step, without a running mean
    history: pd.DataFrame  # one row an epoch
    best_epoch: int  # 1…epochs, the one that is kept
    seconds: float  # training and validation, without loading
    images_per_second: float  # training images, over the training part only


@dataclass
class Progress:
    """How far a training has come."""

    rows: list[tuple] = field(default_factory=list)  # of COLUMNS, one an epoch
    kept: dict = field(default_factory=dict)  # the weights to keep, so far
    kept_loss: float = float("inf")  # on the validation split
    kept_epoch: int = 0  # 1…epochs
    busy: float = 0.0  # seconds of training
    seconds: float = 0.0  # with validation


def make_optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return Adam, with decay for the matrices and kernels if the recipe asks."""
    kernels = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": kernels, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, recipe.learning_rate, fused=True)


def make_schedule(
    optimiser: torch.optim.Optimizer, recipe: Recipe, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """Return the course of the learning rate over all ``steps`` of a training."""
    if recipe.schedule == "constant":
        return torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0)
    return torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        recipe.learning_rate,
        total_steps=steps,
        pct_start=WARM_UP,
        div_factor=10,
        final_div_factor=100,
    )


def class_weights(targets: Tensor, n_classes: int, balance: float) -> Tensor:
    """Return the weight of each class in the loss, float32 (K,), mean image 1.

    Args:
        targets: class index of every training image, (n,).
        n_classes: K.
        balance: 0 for equal weights of the images, 1 for equal weights of the classes.
    """
    counts = torch.bincount(targets, minlength=n_classes).clamp_min(1).float()
    weights = counts**-balance
    return weights * counts.sum() / (weights * counts).sum()


def running_mean(decay: float) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Return how a running mean takes in new weights after ``n`` steps.

    Early on the mean forgets faster, so that it does not cling to the fresh weights.
    """

    def update(mean: Tensor, new: Tensor, n: Tensor) -> Tensor:
        kept = min(decay, (1 + int(n)) / (10 + int(n)))
        return kept * mean + (1 - kept) * new

    return update


class Training:
    """What one training carries from step to step.

    Args:
        model: the network, on the device.
        batches: the training images.
        recipe: how to train.
        seed: of the order of the images and of their random changes.
        soft_targets: float32 (n, K), rows add up to 1, to learn from instead of the
            labels; in the order of the batches.
    """

    PARTS = ("model", "optimiser", "schedule", "average")  # what has a state

    def __init__(
        self,
        model: nn.Module,
        batches: Batches,
        recipe: Recipe,
        seed: int,
        soft_targets: Tensor | None = None,
    ):
        self.model, self.batches, self.recipe = model, batches, recipe
        self.optimiser = make_optimiser(model, recipe)
        self.steps = recipe.epochs * -(-len(batches) // recipe.batch_size)
        self.schedule = make_schedule(self.optimiser, recipe, self.steps)
        self.random = torch.Generator().manual_seed(seed)
        self.soft = None if soft_targets is None else soft_targets.to(batches.device)
        self.average: AveragedModel | None = None
        if recipe.averaging:
            mean = running_mean(recipe.averaging)
            self.average = AveragedModel(model, avg_fn=mean, use_buffers=True)
        n_classes = batches.n_classes
        self.weights = class_weights(batches.targets, n_classes, recipe.balance)

    @property
    def result(self) -> nn.Module:
        """The network to judge and to keep: the running mean if there is one."""
        return self.average.module if self.average is not None else self.model

    def loss(self, which: Tensor) -> Tensor:
        """Return the loss of the images at positions ``which``, a scalar."""
        images, targets = self.batches.take(which)
        if self.recipe.augmentation:
            images = augment(images, self.recipe.augmentation, self.random)
        with mixed_precision(self.batches.device, self.recipe.mixed_precision):
            logits = self.model(images)  # (B, K)
        if self.soft is not None:
            targets = self.soft[which.to(self.batches.device)]  # (B, K)
        smoothing = self.recipe.label_smoothing
        return functional.cross_entropy(
            logits.float(), targets, self.weights, label_smoothing=smoothing
        )

    def step(self, which: Tensor) -> Tensor:
        """Take one step on the images at positions ``which``; return their loss."""
        self.model.train()
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.loss(which)
        loss.backward()
        self.optimiser.step()
        self.schedule.step()
        if self.average is not None:
            self.average.update_parameters(self.model)
        return loss.detach()

    def one_epoch(self) -> float:
        """Pass once over the training images; return the mean loss."""
        total = torch.zeros((), device=self.batches.device)
        for which in self.batches.shuffled(self.recipe.batch_size, self.random):
            total += self.step(which) * len(which)
        return float(total) / len(self.batches)

    def state(self) -> dict:
        """Return all that the next step depends on."""
        parts = [(name, getattr(self, name)) for name in self.PARTS]
        return {
            **{name: part.state_dict() for name, part in parts if part is not None},
            "order": self.random.get_state(),
            "random": random_state(self.batches.device),
        }

    def set_state(self, state: dict) -> None:
        """Go on from where :meth:`state` was taken."""
        for name in self.PARTS:
            if name in state:
                getattr(self, name).load_state_dict(state[name])
        self.random.set_state(state["order"])
        set_random_state(state["random"], self.batches.device)


def judge(training: Training, val: Batches) -> tuple[float, float]:
    """Return loss and accuracy (0…1) of a training so far on the validation split."""
    logits = predict_logits(training.result, val)  # (n, K)
    targets = val.targets.cpu()
    loss = float(functional.cross_entropy(logits, targets))
    return loss, float((logits.argmax(1) == targets).double().mean())


def next_epoch(
    training: Training, val: Batches, done: Progress, log: Callable[[str], None]
) -> None:
    """Train for one more epoch, judge it, and note both in ``done``."""
    recipe, epoch = training.recipe, len(done.rows) + 1
    begin = time.perf_counter()
    train_loss = training.one_epoch()
    done.busy += time.perf_counter() - begin
    val_loss, val_accuracy = judge(training, val)
    is_best = val_loss < done.kept_loss or not done.kept
    if is_best if recipe.keep == "best" else epoch == recipe.epochs:
        log("Saving Checkpoint")
        done.kept = copy.deepcopy(training.result.state_dict())
        done.kept_loss, done.kept_epoch = val_loss, epoch
    log(
        f"Epoch [{epoch}/{recipe.epochs}], Validation Loss: {val_loss:.4f}, "
        f"Validation Accuracy: {100 * val_accuracy:.2f}%"
    )
    done.rows.append((epoch, train_loss, val_loss, val_accuracy))
    done.seconds += time.perf_counter() - begin


def quiet(line: str) -> None:
    """Log nothing."""


def fit(
    model: nn.Module,
    data: CleanData,
    recipe: Recipe,
    seed: int,
    device: torch.device | None = None,
    log: Callable[[str], None] = print,
    soft_targets: Tensor | None = None,
    journal: Path | None = None,
) -> Fit:
    """Train ``model`` on the train split; the validation split only judges it.

    The test split is never touched. Only the order of the images, their random
    changes and dropout are drawn here; draw the starting weights with
    :func:`smartclass_utils.hardware.seed_everything` before building the model.

    Args:
        model: a network from :func:`smartclass_utils.models.build`.
        data: the cleaned data set.
        recipe: how to train.
        seed: of the order of the images, their changes and dropout.
        device: default :func:`smartclass_utils.hardware.pick_device`.
        log: called with each line of the report's terminal output.
        soft_targets: see :class:`Training`.
        journal: a folder for notes, so that a training that was stopped goes on after
            its last epoch when it is called again, and ends in the same weights.

    Returns:
        The network with the weights that the recipe keeps, on the CPU, and the record
        of the training.
    """
    device = device or pick_device()
    keep_freed_memory()
    model = model.to(device)
    train, val = Batches(data, "train", device), Batches(data, "val", device)
    seed_everything(seed)
    training, done = Training(model, train, recipe, seed, soft_targets), Progress()
    note = journal and note_of(journal, model, data, recipe, seed, soft_targets)
    found = read_note(note) if note else None
    if found:
        training.set_state(found["training"])
        done = Progress(**found["done"])
        log(f"Going on after epoch {len(done.rows)}")
    while len(done.rows) < recipe.epochs:
        next_epoch(training, val, done, log)
        if note:
            write_note(note, {"training": training.state(), "done": vars(done)})
    kept = copy.deepcopy(model)
    kept.load_state_dict(done.kept)
    return Fit(
        model=kept.to("cpu"),
        latest=model.to("cpu"),
        history=pd.DataFrame(done.rows, columns=COLUMNS),
        best_epoch=done.kept_epoch,
        seconds=done.seconds,
        images_per_second=recipe.epochs * len(train) / done.busy,
    )
