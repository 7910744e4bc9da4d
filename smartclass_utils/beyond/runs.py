"""Trainings as a sweep over steps and seeds, each kept as soon as it is done."""

import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from smartclass_utils.batches import Batches, predict_logits, softmax
from smartclass_utils.beyond.steps import Step
from smartclass_utils.config import SmartClassError
from smartclass_utils.dataset import CleanData, load_clean
from smartclass_utils.files import replacing
from smartclass_utils.hardware import device_name, pick_device, seed_everything
from smartclass_utils.models import build, count_parameters
from smartclass_utils.training import Fit, fit, quiet
from smartclass_utils.transfer import cached_weights, load_imagenet

VIEWS = ("latest", "kept", "flipped")


@dataclass(frozen=True)
class Run:
    """One training as it is kept.

    Attributes:
        about: step, seed, seconds, images_per_second, parameters, device.
        logits: ``"<view>_<split>"`` → float32 (n, K). Views: ``latest`` weights,
            ``kept`` weights (the running mean), ``flipped`` (kept, mean over the image
            and its mirror image). Splits: train (flipped only), val, test.
    """

    about: dict
    logits: dict[str, np.ndarray]


def run_file(folder: Path, step: Step, seed: int) -> Path:
    """Return where one training is kept."""
    return folder / f"{step.name}_seed{seed}.npz"


def write_run(file: Path, run: Run) -> None:
    """Write one training, all of it or nothing."""
    buffer = io.BytesIO()
    about = np.frombuffer(json.dumps(run.about).encode(), np.uint8)
    np.savez_compressed(buffer, about=about, **run.logits)
    with replacing(file) as stream:
        stream.write(buffer.getvalue())


def read_run(file: Path) -> Run:
    """Read one training."""
    with np.load(file, allow_pickle=False) as stored:
        logits = {name: stored[name] for name in stored.files if name != "about"}
        return Run(json.loads(stored["about"].tobytes()), logits)


def logits_of(fitted: Fit, data: CleanData, step: Step) -> dict[str, np.ndarray]:
    """Return what a trained network says, see :class:`Run`.

    The test split is left out for steps that serve a choice.
    """
    device = pick_device()
    splits = ("val",) if step.chooses else ("val", "test")
    found = {}
    for view in VIEWS:
        model = (fitted.latest if view == "latest" else fitted.model).to(device)
        for split in (*splits, *(("train",) if view == "flipped" else ())):
            batches = Batches(data, split, device)
            logits = predict_logits(model, batches, flip=view == "flipped")
            found[f"{view}_{split}"] = logits.numpy()
    return found


def train_step(
    data: CleanData,
    step: Step,
    seed: int,
    soft_targets: Tensor | None = None,
    start: dict | None = None,
) -> tuple[Fit, dict]:
    """Train one step once.

    Args:
        data: the cleaned data set.
        step: what to train.
        seed: of starting weights and training.
        soft_targets: what to learn instead of the labels, float32 (n_train, K).
        start: a state dict to start from instead of fresh weights.

    Returns:
        The trained network, and what a :class:`Run` says about it.
    """
    seed_everything(seed)
    model = build(step.model, len(data.classes), data.image_size, **step.changes)
    if start:
        model.load_state_dict(start)
    begin = time.process_time()
    fitted = fit(model, data, step.recipe, seed, log=quiet, soft_targets=soft_targets)
    about = {
        "step": step.name,
        "seed": seed,
        "epochs": step.recipe.epochs,
        "parameters": count_parameters(fitted.model),
        "seconds": fitted.seconds,
        "cpu_seconds": time.process_time() - begin,
        "images_per_second": fitted.images_per_second,
        "device": device_name(pick_device()),
        "fingerprint": data.fingerprint,
    }
    return fitted, about


def run_step(
    clean: Path, folder: Path, step: Step, seed: int, threads: int | None = None
) -> Path:
    """Train one step once and keep it, unless that was done before.

    Args:
        clean: folder of the clean images.
        folder: where trainings are kept; teachers and starting weights lie there too.
        step: what to train.
        seed: of starting weights and training.
        threads: for torch; default: as many as it has.

    Returns:
        The file of the training.
    """
    file = run_file(folder, step, seed)
    data = load_clean(clean)
    if file.exists() and read_run(file).about["fingerprint"] == data.fingerprint:
        return file
    if threads:
        torch.set_num_threads(threads)
    soft = teacher_says(folder, step.teacher) if step.teacher else None
    start = starting_weights(folder, step, seed, len(data.classes))
    fitted, about = train_step(data, step, seed, soft, start)
    weights = file.with_suffix(".pt")
    with replacing(weights) as stream:
        torch.save(fitted.model.state_dict(), stream)
    write_run(file, Run(about, logits_of(fitted, data, step)))
    return file


def sweep(
    work: list[tuple[Path, Step, int]],
    folder: Path,
    jobs: int = 1,
    log: Callable[[str], None] = print,
) -> list[Path]:
    """Run trainings side by side through joblib, on whatever backend it is given.

    ``with joblib.parallel_config(backend="dask")`` around the call sends them to a
    cluster; all workers must see the folders.

    Args:
        work: clean folder, step and seed of each training.
        folder: where they are kept.
        jobs: processes; each gets its share of the cores.
        log: called once with what is to be done.
    """
    threads = max(1, (joblib.cpu_count() or 1) // jobs) if jobs > 1 else None
    log(f"{len(work)} trainings")
    calls = [
        joblib.delayed(run_step)(clean, folder, step, seed, threads)
        for clean, step, seed in work
    ]
    return joblib.Parallel(n_jobs=jobs)(calls)


def teacher_says(folder: Path, name: str) -> Tensor:
    """Return the mean probabilities of all trainings of a step, float32 (n_train, K).

    Hinton, Vinyals and Dean 2015: a network learns more from what an ensemble holds
    possible than from the label alone.
    """
    files = sorted(folder.glob(f"{name}_seed*.npz"))
    each = [
        softmax(read_run(file).logits["flipped_train"], np.float32) for file in files
    ]
    return torch.from_numpy(np.mean(each, axis=0))


def starting_weights(
    folder: Path, step: Step, seed: int, n_classes: int
) -> dict | None:
    """Return the state dict that a step starts from, ``None`` for fresh weights."""
    if step.start == "pretrained":
        return torch.load(pretrained_file(folder, seed), weights_only=True)
    if step.start == "imagenet":
        seed_everything(seed)
        model = build(step.model, n_classes)
        load_imagenet(model, cached_weights())
        return model.state_dict()
    return None


def pretrained_file(folder: Path, seed: int) -> Path:
    """Return where the weights lie that a pretrained step starts from."""
    return folder / f"pretraining_seed{seed}.pt"


def join(sets: list[CleanData]) -> CleanData:
    """Return several data sets as one: their train and validation splits together.

    Raises:
        SmartClassError: if their classes or image sizes differ.
    """
    first = sets[0]
    if any(
        (s.classes, s.image_size) != (first.classes, first.image_size) for s in sets
    ):
        raise SmartClassError(
            "Only data sets of the same classes and size can be joined."
        )
    rows = [np.flatnonzero(one.labels["split"] != "test") for one in sets]
    images = [one.images[kept] for one, kept in zip(sets, rows, strict=True)]
    labels = [one.labels.iloc[kept] for one, kept in zip(sets, rows, strict=True)]
    return replace(
        first,
        name=" + ".join(one.name for one in sets),
        images=np.concatenate(images),
        labels=pd.concat(labels, ignore_index=True),
        fingerprint=" ".join(one.fingerprint for one in sets),
    )


def pretrain(
    others: list[Path], folder: Path, step: Step, seed: int, threads: int | None = None
) -> Path:
    """Train a network on other data sets and keep its weights as a start."""
    file = pretrained_file(folder, seed)
    if not file.exists():
        if threads:
            torch.set_num_threads(threads)
        fitted, _ = train_step(join([load_clean(o) for o in others]), step, seed)
        with replacing(file) as stream:
            torch.save(fitted.model.state_dict(), stream)
    return file
