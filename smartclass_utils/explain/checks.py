"""Checks of activation maps: whether they say anything about the network."""

import copy
from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from scipy.stats import spearmanr
from torch import nn

from smartclass_utils.explain.activation import (
    METHODS,
    activation_maps,
    probabilities_of,
)
from smartclass_utils.explain.layers import blocks

# Middle and half axes of the face, in shares of the image's height and width. Of all
# ellipses on a grid of hundredths it is among those that overlap best with the heads
# that the demo draws (tests/test_explain_checks.py measures it).
FACE_MIDDLE, FACE_HEIGHT, FACE_WIDTH = 0.42, 0.54, 0.40
COVER = 0.2  # share of the pixels that the covering check takes away
GREY = 128  # what it puts there


def randomised(model: nn.Module, seed: int) -> Iterator[tuple[str, nn.Module]]:
    """Yield copies of a network that know less and less, from the top down.

    The first copy is as trained. Each next one has the weights of one more part drawn
    anew: the connected layers one by one, then the blocks, last one first.

    Args:
        model: a trained network on the CPU; it is left as it is.
        seed: of the new weights.

    Yields:
        What was drawn last (``"as trained"`` for the first), and the network.
    """
    yield "as trained", model
    network = copy.deepcopy(model)
    linear = [layer for layer in network.classifier if isinstance(layer, nn.Linear)]
    names = ["output layer", *(f"hidden layer {i}" for i in range(1, len(linear)))]
    names[1:] = ["hidden layer"] if len(linear) == 2 else names[1:]
    parts = [(name, (layer,)) for name, layer in zip(names, linear[::-1], strict=True)]
    parts += [(block.name, block.layers) for block in blocks(network)[::-1]]
    for step, (name, layers) in enumerate(parts):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + step)
            for layer in layers:
                for module in layer.modules():
                    if hasattr(module, "reset_parameters"):
                        module.reset_parameters()
        yield name, network


def rank_correlation(maps: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return Spearman's correlation of each pair of maps, float64 (n,), -1…1.

    Two maps of which one is the same everywhere have nothing in common: 0.

    Args:
        maps: float (n, H, W).
        others: likewise.
    """
    found = []
    for one, other in zip(maps, others, strict=True):
        flat = min(np.ptp(one), np.ptp(other)) == 0
        found.append(0.0 if flat else spearmanr(one, other, axis=None).statistic)
    return np.array(found)


def randomisation_check(
    model: nn.Module,
    images: np.ndarray,
    targets: np.ndarray,
    seed: int = 0,
    method: str = "hirescam",
) -> tuple[pd.DataFrame, np.ndarray]:
    """Compare the maps of a network with those of itself with random weights.

    A map that stays the same when the weights are drawn anew shows the image, not what
    the network has learned (Adebayo et al. 2018, arXiv:1810.03292).

    Args:
        model: a trained network on the CPU.
        images: grey values, uint8 (n, H, W).
        targets: the class to explain for each image, int (n,).
        seed: of the random weights.
        method: as in :func:`activation_maps`.

    Returns:
        A table with one row a step: ``part`` drawn last, mean ``correlation`` with the
        map as trained, its standard deviation ``sd`` over the images. And the maps of
        the first image at each step, float32 (steps, H, W).
    """
    original, rows, first = None, [], []
    for part, network in randomised(model, seed):
        maps = activation_maps(network, images, targets, method)
        original = maps if original is None else original
        each = rank_correlation(original, maps)
        rows.append({"part": part, "correlation": each.mean(), "sd": each.std()})
        first.append(maps[0])
    return pd.DataFrame(rows), np.stack(first)


def covering_check(
    model: nn.Module, images: np.ndarray, targets: np.ndarray, maps: np.ndarray
) -> dict[str, float]:
    """Cover the hottest or the coolest fifth of each image and predict again.

    If a map tells the truth, covering its hottest places costs the class more of its
    probability than covering the coolest (in the manner of Samek et al. 2017,
    doi:10.1109/TNNLS.2016.2599820).

    Args:
        model: a trained network on the CPU.
        images: grey values, uint8 (n, H, W).
        targets: the class whose probability counts, int (n,).
        maps: float (n, H, W).

    Returns:
        ``hottest`` and ``coolest``: how far the probability falls, mean over the
        images, -1…1.
    """
    rows = np.arange(len(images))
    before = probabilities_of(model, images)[rows, targets]
    ranks = maps.reshape(len(maps), -1).argsort(axis=1, kind="stable")
    k = round(COVER * ranks.shape[1])
    falls = {}
    for name, places in (("hottest", ranks[:, -k:]), ("coolest", ranks[:, :k])):
        covered = np.array(images).reshape(len(images), -1)
        np.put_along_axis(covered, places, GREY, axis=1)
        after = probabilities_of(model, covered.reshape(images.shape))[rows, targets]
        falls[name] = float((before - after).mean())
    return falls


def face_ellipse(size: int) -> np.ndarray:
    """Return where the face lies in a cropped image, bool (size, size).

    It is one ellipse for all images, as faces are cropped alike: from above the upper
    edge, where the hair is cut off, to the chin.
    """
    axis = (np.arange(size) + 0.5) / size
    down = (axis[:, None] - FACE_MIDDLE) / FACE_HEIGHT
    right = (axis[None, :] - 0.5) / FACE_WIDTH
    return down**2 + right**2 < 1


def share_in_face(maps: np.ndarray) -> np.ndarray:
    """Return the share of each map's heat inside :func:`face_ellipse`, float (n,).

    Values lie in 0…1, NaN for a map without heat. A map that is the same everywhere has
    the ellipse's share of the image.

    Args:
        maps: float (n, H, W), 0 or above, H = W.
    """
    total = maps.sum(axis=(1, 2), dtype=np.float64)
    inside = (maps * face_ellipse(maps.shape[1])).sum(axis=(1, 2), dtype=np.float64)
    return np.divide(inside, total, out=np.full(len(maps), np.nan), where=total > 0)


def covering_table(
    networks: dict[str, nn.Module], images: np.ndarray, answers: dict[str, np.ndarray]
) -> pd.DataFrame:
    """Return :func:`covering_check` for each network and method, one row each.

    Args:
        networks: title → network on the CPU.
        images: grey values, uint8 (n, H, W).
        answers: title → predicted class of each image, int (n,).
    """
    rows = []
    for title, model in networks.items():
        for method in METHODS:
            maps = activation_maps(model, images, answers[title], method)
            falls = covering_check(model, images, answers[title], maps)
            rows.append({"network": title, "map": method, **falls})
    return pd.DataFrame(rows)


def face_table(
    maps: dict[str, np.ndarray], is_right: dict[str, np.ndarray]
) -> pd.DataFrame:
    """Return the mean share of heat in the face, one row a network.

    Args:
        maps: title → activation maps, float (n, H, W).
        is_right: title → whether the network's answer was right, bool (n,).

    Returns:
        Columns ``right answers`` and ``wrong answers`` (0…1, NaN where there is none),
        and ``even heat``, what a map that is the same everywhere would have.
    """
    rows = {}
    for title, each in maps.items():
        shares = pd.Series(share_in_face(each))
        rows[title] = {
            "right answers": shares[is_right[title]].mean(),
            "wrong answers": shares[~is_right[title]].mean(),
            "even heat": face_ellipse(each.shape[1]).mean(),
        }
    return pd.DataFrame(rows).T
