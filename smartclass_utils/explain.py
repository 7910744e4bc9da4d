"""Activation maps, and a button for photographs.

The gradients come from captum (Kokhlikyan et al. 2020, arXiv:2009.07896).
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from captum.attr import LayerGradientXActivation
from ipywidgets import FileUpload, Output, VBox
from torch import Tensor, nn
from torch.nn import functional

from smartclass_utils.config import SmartClassError
from smartclass_utils.files import safe_name

BATCH = 64  # images; fewer than for an answer, as gradients take memory, too


def last_map_layer(model: nn.Module) -> nn.Module:
    """Return the layer whose output is the last feature map before it is pooled."""
    if not any(isinstance(layer, nn.Conv2d) for layer in model.modules()):
        raise SmartClassError("This network has no convolution to draw a map of.")
    kept = [layer for layer in model.features if "Pool" not in type(layer).__name__]
    return kept[-1]


def activation_maps(model: nn.Module, images: Tensor, classes: Tensor) -> np.ndarray:
    """Return how much each place of an image adds to the logit of a class.

    This is HiResCAM (Draelos and Carin 2020, arXiv:2011.08891): the last feature map
    times the gradient of the logit with respect to it, summed over the channels. What
    speaks against the class is dropped.

    Args:
        model: a network on the CPU, in evaluation mode.
        images: values 0…255, (n, C, H, W).
        classes: index of the class to explain for each image, (n,).

    Returns:
        float32 (n, H, W), 0 or above, in units of the logit, enlarged to the image.
    """
    explain = LayerGradientXActivation(model, last_map_layer(model))
    found = []
    for some, wanted in zip(images.split(BATCH), classes.split(BATCH), strict=True):
        parts = explain.attribute(some.float(), target=wanted)  # (b, C', H', W')
        heat = parts.sum(dim=1, keepdim=True).relu().detach()  # (b, 1, H', W')
        found.append(functional.interpolate(heat, some.shape[2:], mode="bilinear"))
    return torch.cat(found)[:, 0].numpy()


def upload_box(look: Callable[[list[Path]], None]) -> VBox:
    """Return a button that hands uploaded photographs to ``look``; it may print.

    The files lie in a temporary folder while ``look`` runs, and nowhere afterwards.
    """
    button = FileUpload(accept="image/*", multiple=True, description="Photographs")
    below = Output()

    def answer(change: dict) -> None:
        if not change["new"]:  # emptied below
            return
        below.clear_output()
        with below, tempfile.TemporaryDirectory() as folder:
            look(kept(change["new"], Path(folder)))
        button.value = ()  # so that the same photograph can be chosen again

    button.observe(answer, names="value")
    return VBox([button, below])


def kept(uploaded: tuple[dict, ...], folder: Path) -> list[Path]:
    """Write uploads, ``name`` and ``content`` each, into a folder; return their paths.

    Only the last part of a name is used; each file has a sub-folder of its own.
    """
    paths = []
    for number, file in enumerate(uploaded):
        name = file["name"].replace("\\", "/").rpartition("/")[2]
        path = folder / str(number) / safe_name(name)
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(file["content"]))
        paths.append(path)
    return paths
