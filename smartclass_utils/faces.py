"""Where the faces are in a photograph.

The search is YuNet (Wu, Peng and Yu 2023, doi:10.1007/s11633-023-1423-y), a network of
53,000 weights that OpenCV runs; it lies in ``shipped``, under the MIT licence. It finds
more faces than scikit-image's cascade, tilted ones above all; a face that fills a large
picture to its edges may be missed.
"""

from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from smartclass_utils.config import SHIPPED_MODEL

cv2.setNumThreads(1)  # many photographs have a process a core
SEARCH_SIDE = 640  # pixels; a larger photograph is searched at this size
SMALLEST = 32  # pixels; in much smaller pictures the network finds what is not there
SURE = 0.8  # score of a box, 0…1, from which on it counts as a face


class Box(NamedTuple):
    """A rectangle in a photograph, in pixels from its top left corner."""

    top: int
    left: int
    height: int
    width: int


def find_faces(photo: np.ndarray) -> list[Box]:
    """Find the faces in a photograph.

    Args:
        photo: uint8, grey (H, W) or RGB (H, W, 3), upright.

    Returns:
        One box a face, within ``photo``, the largest first. Faces under about 18 of the
        pixels searched are missed; some that lie on their side are found.
    """
    height, width = photo.shape[:2]
    scale = min(1.0, SEARCH_SIDE / max(height, width))
    size = round(scale * width), round(scale * height)
    if min(size) < SMALLEST:
        return []
    image = np.asarray(Image.fromarray(photo).convert("RGB").resize(size))
    weights = np.frombuffer(SHIPPED_MODEL.with_name("yunet.onnx").read_bytes(), "u1")
    none = np.empty(0, np.uint8)
    network = cv2.FaceDetectorYN.create("onnx", weights, none, size, SURE)
    found = network.detect(image[:, :, ::-1].copy())[1]  # blue comes first
    boxes = []
    for x, y, w, h in [] if found is None else found[:, :4].tolist():
        left, right = (round(min(max(0, end / scale), width)) for end in (x, x + w))
        top, bottom = (round(min(max(0, end / scale), height)) for end in (y, y + h))
        boxes.append(Box(top, left, bottom - top, right - left))
    return sorted(boxes, key=lambda box: (-box.height * box.width, box.top, box.left))


def square_around(box: Box) -> Box:
    """Return the square of the box's longer side around its centre.

    FER2013's photographs are cut about so. It may reach beyond the photograph.
    """
    side = max(1, box.height, box.width)
    top = box.top + (box.height - side) // 2
    left = box.left + (box.width - side) // 2
    return Box(top, left, side, side)


def cut(photo: np.ndarray, box: Box) -> np.ndarray:
    """Return the part of a photograph in a box, (height, width) or (…, 3).

    What lies beyond the photograph is filled with its nearest pixel.
    """
    rows = np.arange(box.top, box.top + box.height).clip(0, photo.shape[0] - 1)
    columns = np.arange(box.left, box.left + box.width).clip(0, photo.shape[1] - 1)
    return photo[np.ix_(rows, columns)]
