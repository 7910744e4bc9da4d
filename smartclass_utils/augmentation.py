"""Random changes of training images, a whole batch at a time, on its device.

torchvision's transforms draw one change for a whole batch, or take one image at a time;
here every image of a batch gets its own, in one call of ``grid_sample``.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional


def augment(
    images: Tensor,
    flip: bool = True,
    degrees: float = 5.0,
    shift: float = 0.03,
    scale: float = 0.05,
    contrast: float = 0.1,
    erase: float = 0.25,
) -> Tensor:
    """Return every image mirrored, turned, moved, scaled and patched at random.

    Random numbers are drawn on the CPU, so that a seed means the same on every device.

    Args:
        images: grey values 0…255 of any type, (N, C, H, W).
        flip: mirror every second image; a face is about as good mirrored.
        degrees: of turning, to either side.
        shift: of moving, as a share of height and width.
        scale: of enlarging or shrinking, as a share of the size.
        contrast: of stretching or squeezing the grey values, as a share.
        erase: share of the images that lose a patch (Zhong et al. 2020).

    Returns:
        float32 (N, C, H, W), grey values; contrast may leave 0…255 by a little.
    """
    images = images.float()
    n, _, height, width = images.shape

    def draw(largest: float) -> Tensor:  # (N,) between -largest and largest
        return (2 * torch.rand(n) - 1) * largest

    # Turn, scale, move and mirror in one step: a 2 × 3 matrix for each image.
    angle, size = draw(math.radians(degrees)), torch.exp(draw(scale))
    mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0) if flip else torch.ones(n)
    cos, sin = size * torch.cos(angle), size * torch.sin(angle)
    across, down = draw(2 * shift), draw(2 * shift)  # the image reaches from -1 to 1
    rows = [mirror * cos, -sin, across, mirror * sin, cos, down]
    matrices = torch.stack(rows, dim=1).view(n, 2, 3).to(images.device)
    grid = functional.affine_grid(matrices, images.shape, align_corners=False)
    images = functional.grid_sample(
        images, grid, padding_mode="border", align_corners=False
    )

    # Stretch the grey values of each image about its own mean.
    factor = torch.exp(draw(contrast)).view(n, 1, 1, 1).to(images.device)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    images = mean + factor * (images - mean)

    # Paint a rectangle of 10 to 40 % of each side grey.
    covered = (torch.rand(n) < erase).view(n, 1, 1, 1)
    for length, shape in ((height, (n, 1, -1, 1)), (width, (n, 1, 1, -1))):
        half = length * (0.05 + 0.15 * torch.rand(n, 1))
        middle = length * torch.rand(n, 1)
        covered = covered & ((torch.arange(length) - middle).abs() < half).view(shape)
    return images.masked_fill(covered.to(images.device), 127.5)
