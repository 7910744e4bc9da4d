"""Activation maps: which places of an image speak for a class.

The gradients come from captum (Kokhlikyan et al. 2020, arXiv:2009.07896).
"""

import numpy as np
import torch
from captum.attr import LayerGradCam, LayerGradientXActivation
from torch import Tensor, nn
from torch.nn import functional

from smartclass_utils.config import SmartClassError
from smartclass_utils.explain.layers import AT_ONCE, as_batch, evaluating

METHODS = ("hirescam", "gradcam")


def last_map_layer(model: nn.Module) -> nn.Module:
    """Return the layer whose output is the last feature map before it is pooled.

    Of a plain network that is the batch normalisation behind the last convolution
    (where there is none, the convolution); of a residual one its last block, shortcut
    included.
    """
    for layer in reversed(list(model.features)):
        if isinstance(layer, nn.BatchNorm2d | nn.Conv2d) or any(layer.children()):
            return layer
    raise SmartClassError("This network has no convolution to draw a map of.")


def activation_maps(
    model: nn.Module,
    images: np.ndarray,
    targets: np.ndarray,
    method: str = "hirescam",
) -> np.ndarray:
    """Return, for each image, how strongly each place speaks for a class.

    Both methods weigh the last feature map by the gradient of the class's logit and
    keep what is positive. Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391) first
    averages the gradient over all places, which is right for networks that average
    their feature maps. HiResCAM (Draelos and Carin 2020, arXiv:2011.08891) does not: it
    suits networks like the report's, whose connected layer weighs every place by
    itself. Where the network averages, the two are the same.

    Args:
        model: a network on the CPU.
        images: grey values, uint8 (n, H, W).
        targets: the class to explain for each image, int (n,).
        method: ``"hirescam"`` or ``"gradcam"``.

    Returns:
        float32 (n, H, W), 0…1, enlarged to the image; the hottest place of each map
        is 1. A map is 0 everywhere where no place speaks for the class.
    """
    if method not in METHODS:
        raise SmartClassError(
            f"No activation map '{method}'; choose from {', '.join(METHODS)}."
        )
    batches = as_batch(images).split(AT_ONCE)
    wanted = torch.as_tensor(targets).split(AT_ONCE)
    with evaluating(model):
        parts = [
            attribute(model, batch, classes, method)
            for batch, classes in zip(batches, wanted, strict=True)
        ]
    maps = torch.cat(parts).relu()  # (n, 1, H', W')
    maps = functional.interpolate(maps, images.shape[1:], mode="bilinear")
    highest = maps.amax(dim=(2, 3), keepdim=True)
    return (maps / highest.clamp_min(1e-12))[:, 0].numpy()


def attribute(model: nn.Module, batch: Tensor, classes: Tensor, method: str) -> Tensor:
    """Return the raw map of a batch, float32 (B, 1, H', W'), of either sign."""
    layer = last_map_layer(model)
    if method == "gradcam":
        found = LayerGradCam(model, layer).attribute(batch, target=classes)
    else:
        explain = LayerGradientXActivation(model, layer)
        found = explain.attribute(batch, target=classes).sum(1, keepdim=True)
    return found.detach().float()


@torch.inference_mode()
def probabilities_of(model: nn.Module, images: np.ndarray) -> np.ndarray:
    """Return the class probabilities of grey images uint8 (n, H, W), float32 (n, K)."""
    with evaluating(model):
        logits = [model(batch).float() for batch in as_batch(images).split(AT_ONCE)]
    return torch.softmax(torch.cat(logits), dim=1).numpy()
