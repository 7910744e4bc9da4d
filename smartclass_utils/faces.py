"""Where the faces are in a photograph.

The search is scikit-image's own cascade of local binary patterns (Liao et al. 2007,
doi:10.1007/978-3-540-74549-5_87), trained on upright frontal faces: profiles, tilted
and covered faces are missed. MTCNN (Zhang et al. 2016) finds more, but the package with
its weights asks for an older torch than this project; mediapipe's models find fewer.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image
from skimage.data import lbp_frontal_face_cascade_filename
from skimage.feature import Cascade

SEARCH_SIDE = 480  # pixels; a larger photograph is searched at this size
MIN_FACE = 32  # pixels, at the size that is searched
# Chosen on real faces pasted into photographs. Larger steps are quicker but find fewer;
# with fewer hits needed, the astronaut's gloves and patches count as faces.
SCALE_FACTOR = 1.07  # from one size of the search window to the next
STEP_RATIO = 1.3  # of the window's step, which grows with the window
HITS_NEEDED = 6  # overlapping windows that must agree
OVERLAP = 0.4  # of the smaller of two boxes, from which on both are one face

# Side of the square that is cut out, as a multiple of the box. With 1.05 to 1.1, and no
# shift, the mean of faces cut out of other photographs is most like the mean of the
# FER2013 photographs, tight crops from forehead to chin.
MARGIN = 1.1


class Box(NamedTuple):
    """A rectangle in a photograph, in pixels from its top left corner."""

    top: int
    left: int
    height: int
    width: int


@lru_cache(maxsize=1)
def cascade() -> Cascade:
    """Return scikit-image's detector of frontal faces."""
    return Cascade(lbp_frontal_face_cascade_filename())


def find_faces(photo: np.ndarray) -> list[Box]:
    """Find the frontal faces in a photograph.

    Args:
        photo: uint8, grey (H, W) or RGB (H, W, 3), upright.

    Returns:
        One box a face, in pixels of ``photo``, the largest first. A face narrower than
        a fifteenth of the photograph's longer side is not looked for.
    """
    height, width = photo.shape[:2]
    shrink = max(1.0, max(height, width) / SEARCH_SIDE)
    size = (round(width / shrink), round(height / shrink))
    if min(size) < MIN_FACE:
        return []
    image = Image.fromarray(photo).convert("L").resize(size, Image.Resampling.BILINEAR)
    found = cascade().detect_multi_scale(
        np.asarray(image),
        scale_factor=SCALE_FACTOR,
        step_ratio=STEP_RATIO,
        min_size=(MIN_FACE, MIN_FACE),
        max_size=size[::-1],
        min_neighbor_number=HITS_NEEDED,
    )
    boxes = [Box(*(d[key] for key in ("r", "c", "height", "width"))) for d in found]
    return [Box(*(round(n * shrink) for n in box)) for box in merged(boxes)]


def merged(boxes: list[Box]) -> list[Box]:
    """Drop every box that overlaps a larger one; sort by size, then by place."""
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda b: (-b.height * b.width, b.top, b.left)):
        if all(overlap(box, other) < OVERLAP for other in kept):
            kept.append(box)
    return kept


def overlap(one: Box, other: Box) -> float:
    """Return the shared area of two boxes as a share of the smaller, 0…1."""
    bottom = min(one.top + one.height, other.top + other.height)
    right = min(one.left + one.width, other.left + other.width)
    height = max(0, bottom - max(one.top, other.top))
    width = max(0, right - max(one.left, other.left))
    return height * width / min(one.height * one.width, other.height * other.width)


def square_around(box: Box, margin: float = MARGIN) -> Box:
    """Return the square of ``margin`` times the box around its centre.

    It may reach beyond the photograph.
    """
    side = max(1, round(margin * max(box.height, box.width)))
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
