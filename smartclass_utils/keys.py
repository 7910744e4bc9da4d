"""What a training depends on, as a key under which its result is kept."""

import functools
import hashlib
import inspect
import json
import re

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from smartclass_utils import models, training, transfer
from smartclass_utils.hardware import environment


def describe(value: object) -> str:
    """Return in words what a result depends on, without addresses in memory."""
    if isinstance(value, functools.partial):
        return f"{describe(value.func)} {value.args} {value.keywords}"
    if inspect.isfunction(value):
        inside = [cell.cell_contents for cell in value.__closure__ or ()]
        try:
            code = inspect.getsource(value)
        except OSError:  # typed into a terminal
            code = value.__code__.co_code.hex()
        return f"{code} {[describe(each) for each in inside]}"
    if isinstance(value, torch.optim.Optimizer):
        return re.sub(r"\s+", " ", repr(value))
    known = value.state_dict() if hasattr(value, "state_dict") else {}
    if isinstance(value, nn.Module):
        known |= {k: v for k, v in vars(value).items() if not k.startswith("_")}
        known.pop("training", None)
        known = {k: v for k, v in known.items() if not isinstance(v, nn.Module)}
    if known:
        settings = [
            f"{k}={hash_of({k: v})[:12] if isinstance(v, Tensor) else describe(v)}"
            for k, v in sorted(known.items())
            if not k.startswith("module.")
        ]
        return f"{type(value).__name__}({', '.join(settings)})"
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))


def hash_of(named: dict[str, Tensor]) -> str:
    """Return a hash of tensors and their names, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, value in sorted(named.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()


def key_of(model: nn.Module, loaders: dict[str, DataLoader], settings: list) -> str:
    """Return a hash of everything that the result of a training depends on.

    That is the network before its first step, the tensors of its loaders, and numbers
    and words, such as the seed and the recipe.
    """
    try:
        own_code = inspect.getsource(type(model))  # also of a class in a notebook
    except (OSError, TypeError):
        own_code = ""
    data = {
        f"{split} {i}": tensor
        for split, loader in loaders.items()
        for i, tensor in enumerate(loader.dataset.tensors)
    }
    parts = [
        *(settings, repr(model), own_code, torch.__version__, environment()["device"]),
        *(hash_of(model.state_dict()), hash_of(data)),
        *map(inspect.getsource, (models, training, transfer)),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
