"""Notes of trainings that are not finished, so that they go on where they stopped.

A note holds all that the next epoch depends on, and its name all that the training
depends on. Go on from it, and the weights come out as if nothing had happened.
"""

import hashlib
import io
import json
import os
import shutil
from dataclasses import asdict
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from smartclass_utils.dataset import CleanData
from smartclass_utils.files import replacing
from smartclass_utils.hardware import device_name
from smartclass_utils.recipes import Recipe

DIGEST = 32  # bytes of a SHA-256, which stands before the note


@cache
def code_hash() -> str:
    """Return the SHA-256 of the modules that a training runs through."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def hash_of(tensors: dict[str, Tensor]) -> str:
    """Return the SHA-256 of named tensors, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        digest.update(name.encode("utf-8"))
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def note_of(
    folder: Path,
    model: nn.Module,
    data: CleanData,
    recipe: Recipe,
    seed: int,
    soft_targets: Tensor | None = None,
) -> Path:
    """Return the file for the notes of one training.

    Args:
        folder: of all notes.
        model: the network before its first step, on the device.
        data: the cleaned data set.
        recipe: how to train.
        seed: of the training.
        soft_targets: float32 (n, K) or ``None``, see
            :class:`smartclass_utils.training.Training`.
    """
    device = next(model.parameters()).device
    rows = torch.from_numpy(data.rows("train"))
    soft = {} if soft_targets is None else {"soft": soft_targets}
    parts = [
        *(code_hash(), torch.__version__, device_name(device), data.fingerprint, seed),
        *(asdict(recipe), hash_of(model.state_dict()), hash_of({"rows": rows, **soft})),
    ]
    key = hashlib.sha256(json.dumps(parts).encode("utf-8")).hexdigest()
    return folder / f"{key[:16]}.note"


def write_note(file: Path, content: dict) -> None:
    """Write what is known after an epoch, all of it or nothing."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with replacing(file) as stream:
        stream.write(hashlib.sha256(buffer.getbuffer()).digest())
        stream.write(buffer.getbuffer())


def read_note(file: Path) -> dict | None:
    """Return what was written last, ``None`` if there is nothing or it was damaged."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content[DIGEST:]).digest() != content[:DIGEST]:
        return None
    return torch.load(io.BytesIO(content[DIGEST:]), weights_only=True)


def forget_notes(folder: Path) -> None:
    """Remove the notes, once all models are stored.

    While ``make report`` is at work they stay until the whole report is ready: if it is
    stopped in a later chapter, the next run need not train again.
    """
    if "SMARTCLASS_STAGE" not in os.environ:
        shutil.rmtree(folder, ignore_errors=True)
