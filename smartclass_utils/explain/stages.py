"""A network read off its own forward pass, stage by stage, for the diagrams."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smartclass_utils.explain.layers import blocks, evaluating
from smartclass_utils.models import count_parameters


@dataclass(frozen=True)
class Stage:
    """One box of an architecture diagram.

    Attributes:
        operations: what happens on the way to this box, in order.
        shape: of one image behind it: (C, H, W), or (D,) once it is flat.
        weights: trainable ones of these operations.
        shortcut: whether the input is added to the output.
    """

    operations: tuple[str, ...]
    shape: tuple[int, ...]
    weights: int
    shortcut: bool = False

    @property
    def channels(self) -> int:
        """Number of channels, or of values once they are flat."""
        return self.shape[0]

    @property
    def side(self) -> int:
        """Height and width in pixels; 1 once the values are flat."""
        return self.shape[1] if len(self.shape) == 3 else 1


def operation(layer: nn.Module) -> str:
    """Return what to call a layer in a diagram; empty if it does nothing worth a word.

    Layers that this project does not use keep the name of their class.
    """
    names = {
        nn.BatchNorm2d: "batch norm",
        nn.Flatten: "",
        nn.Identity: "",
        nn.Dropout: "dropout",
        nn.Linear: "connected",
        nn.AdaptiveAvgPool2d: "channel means",
    }
    if isinstance(layer, nn.Conv2d):
        high, wide = layer.kernel_size
        step = f" step {layer.stride[0]}" if layer.stride[0] > 1 else ""
        return f"conv {high} × {wide}{step}"
    if isinstance(layer, nn.MaxPool2d):
        return f"max pool {layer.kernel_size}"
    return names.get(type(layer), type(layer).__name__)


def operations(layer: nn.Module, called: str = "") -> list[str]:
    """Return the operations inside a layer in order, a shortcut as one of them."""
    if called == "shortcut":
        return ["+ shortcut"]
    parts = list(layer.named_children())
    if not parts:
        return [operation(layer)] if operation(layer) else []
    return [found for name, part in parts for found in operations(part, name)]


def groups_of(model: nn.Module) -> list[tuple[nn.Module, ...]]:
    """Return the layers of each box: the blocks, then one group a connected layer."""
    found = [block.layers for block in blocks(model)]
    waiting: list[nn.Module] = []  # what stands before a connected layer belongs to it
    for layer in model.classifier:
        if isinstance(layer, nn.Linear):
            found.append((*waiting, layer))
            waiting = []
        elif isinstance(layer, nn.LeakyReLU | nn.ReLU) and not waiting:
            found[-1] = (*found[-1], layer)
        else:
            waiting.append(layer)
    return found


def stages(model: nn.Module, image_size: int) -> list[Stage]:
    """Return the boxes of a network's diagram, the image first.

    Shapes are read off a forward pass of one black image.

    Args:
        model: a network with ``features`` and ``classifier``, on the CPU.
        image_size: height and width of the image, in pixels.
    """
    groups = groups_of(model)
    shapes: dict[nn.Module, tuple[int, ...]] = {}

    def note(layer: nn.Module, _inputs: tuple, output: Tensor) -> None:
        shapes[layer] = tuple(output.shape[1:])

    hooks = [group[-1].register_forward_hook(note) for group in groups]
    try:
        with evaluating(model), torch.inference_mode():
            model(torch.zeros(1, 1, image_size, image_size, dtype=torch.uint8))
    finally:
        for hook in hooks:
            hook.remove()
    found = [Stage(("image",), (1, image_size, image_size), 0)]
    for group in groups:
        names = [name for layer in group for name in operations(layer)]
        found.append(
            Stage(
                operations=tuple(names),
                shape=shapes[group[-1]],
                weights=sum(count_parameters(layer) for layer in group),
                shortcut=any(hasattr(layer, "shortcut") for layer in group),
            )
        )
    return found
