"""What the layers of a network hold and hand on, for any ``features``/``classifier``.

A network is read as a chain of blocks. A block begins with a convolution or is a module
of its own, such as a residual block; the layers behind it up to the next one belong
to it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

AT_ONCE = 128  # images in one forward pass


@dataclass(frozen=True)
class Block:
    """Neighbouring layers of ``features``.

    Attributes:
        name: ``"block 1"`` and so on, counted from the image.
        layers: the layers; the last one's output is the block's output.
    """

    name: str
    layers: tuple[nn.Module, ...]


def blocks(model: nn.Module) -> list[Block]:
    """Return the blocks of ``model.features`` in the order of the forward pass."""
    groups: list[list[nn.Module]] = []
    for layer in model.features:
        has_parts = any(True for _ in layer.children())
        if has_parts or isinstance(layer, nn.Conv2d) or not groups:
            groups.append([])
        groups[-1].append(layer)
    return [Block(f"block {i}", tuple(g)) for i, g in enumerate(groups, start=1)]


def as_batch(images: np.ndarray) -> Tensor:
    """Turn grey images uint8 (n, H, W) into a batch uint8 (n, 1, H, W)."""
    return torch.from_numpy(np.array(images)).unsqueeze(1)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Switch dropout and batch statistics off, and back to what they were."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


@torch.inference_mode()
def outputs_of(
    model: nn.Module, layers: list[nn.Module], images: np.ndarray
) -> list[np.ndarray]:
    """Return what the given layers hand on.

    Args:
        model: a network on the CPU.
        layers: modules of it.
        images: grey values, uint8 (n, H, W).

    Returns:
        One float32 array (n, …) a layer.
    """
    found: dict[nn.Module, list[Tensor]] = {layer: [] for layer in layers}

    def note(layer: nn.Module, _inputs: tuple, output: Tensor) -> None:
        found[layer].append(output.float())

    hooks = [layer.register_forward_hook(note) for layer in layers]
    try:
        with evaluating(model):
            for batch in as_batch(images).split(AT_ONCE):
                model(batch)
    finally:
        for hook in hooks:
            hook.remove()
    return [torch.cat(found[layer]).numpy() for layer in layers]


def feature_maps(model: nn.Module, image: np.ndarray) -> dict[str, np.ndarray]:
    """Return the feature maps of every block for one image.

    Args:
        model: a network with ``features``, on the CPU.
        image: grey values, uint8 (H, W).

    Returns:
        Name of the block → float32 (C, H', W'), nearest to the image first.
    """
    chain = blocks(model)
    maps = outputs_of(model, [block.layers[-1] for block in chain], image[None])
    return {block.name: found[0] for block, found in zip(chain, maps, strict=True)}


def strongest(maps: np.ndarray, how_many: int) -> np.ndarray:
    """Return the channels that differ most from place to place, strongest first.

    Args:
        maps: float (C, H, W).
        how_many: channels wanted; fewer where there are fewer.

    Returns:
        Channel numbers, int64 (how_many,). A channel that is the same everywhere says
        nothing about where something is, however large its value.
    """
    return np.argsort(-maps.std(axis=(1, 2)), kind="stable")[:how_many]


def first_filters(model: nn.Module) -> np.ndarray:
    """Return the kernels of the first convolution, float32 (C, height, width)."""
    first = next(m for m in model.modules() if isinstance(m, nn.Conv2d))
    return first.weight.detach().float().numpy()[:, 0]


def is_edge_filter(filters: np.ndarray, limit: float = 0.5) -> np.ndarray:
    """Tell filters that compare places from those that mostly average, bool (C,).

    A filter whose weights add up to 0 is blind to brightness and answers to edges
    only; one whose weights all have the same sign is a blur. The sum of the weights,
    divided by the sum of their absolute values, is 0 for the first, ±1 for the second.

    Args:
        filters: float (C, height, width).
        limit: largest such ratio of an edge filter, 0…1.
    """
    total = np.abs(filters).sum(axis=(1, 2))
    return np.abs(filters.sum(axis=(1, 2))) <= limit * np.maximum(total, 1e-12)


def penultimate(model: nn.Module, images: np.ndarray) -> np.ndarray:
    """Return what the last connected layer reads, float32 (n, D).

    Args:
        model: a network with ``classifier``, on the CPU.
        images: grey values, uint8 (n, H, W).
    """
    layers = list(model.classifier)
    last = max(i for i, layer in enumerate(layers) if isinstance(layer, nn.Linear))
    # Dropout hands its input on when predicting, so it may stand in between.
    return outputs_of(model, [layers[last - 1]], images)[0]
