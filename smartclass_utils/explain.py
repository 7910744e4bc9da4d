"""Activation maps: where in an image an answer comes from.

The gradients come from captum (Kokhlikyan et al. 2020, arXiv:2009.07896).
"""

import numpy as np
import torch
from captum.attr import LayerGradientXActivation
from torch import Tensor, nn
from torch.nn import functional

from smartclass_utils.config import SmartClassError

BATCH = 64  # images; fewer than for an answer, as gradients take memory, too


def last_map_layer(model: nn.Module) -> nn.Module:
    """Return the layer whose output is the last feature map before it is pooled."""
    if not any(isinstance(layer, nn.Conv2d) for layer in model.modules()):
        raise SmartClassError("This network has no convolution to draw a map of.")
    ends = ("Pool", "Flatten", "Dropout")  # of a name
    kept = [m for m in model.features if not any(e in type(m).__name__ for e in ends)]
    return kept[-1]


def activation_maps(model: nn.Module, images: Tensor, classes: Tensor) -> np.ndarray:
    """Return how much each place of an image adds to the logit of a class.

    This is HiResCAM (Draelos and Carin 2020, arXiv:2011.08891): the last feature map
    before pooling times the gradient of the logit with respect to it, summed over the
    channels. What speaks against the class is dropped.

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
