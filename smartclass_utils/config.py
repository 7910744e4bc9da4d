"""Names, paths, class order, colours and seeds: the one place for each of them."""

import numbers
import os
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
DEMO_FOLDER = ROOT / "data" / "demo"
RAW_FOLDER = ROOT / "data" / "raw"
REPORTED_FOLDER = ROOT / "data" / "reported"
RESULTS_FOLDER = ROOT / "data" / "results"
COMMITTED_FIGURES = ROOT / "figures"
SHIPPED_MODEL = ROOT / "smartclass_utils" / "shipped" / "own.safetensors"

CLASSES = ("angry", "engaged", "happy", "neutral")
# Okabe and Ito's colours, which stay apart for colour-blind readers.
COLOURS = {
    "angry": "#D55E00",
    "engaged": "#0072B2",
    "happy": "#E69F00",
    "neutral": "#6B6B6B",
}
OTHER_COLOURS = ("#009E73", "#CC79A7", "#56B4E9", "#000000", "#B8A600", "#7F3C8D")
# Networks have colours of their own, the same in every chapter.
NETWORK_COLOURS = {
    "Main CNN": "#222222",
    "Variant 1": "#007F5F",
    "Variant 2": "#AA4499",
    "Our own": "#767622",
    "EfficientNet-Lite0": "#332288",
}
OTHER_NETWORK_COLOURS = ("#56B4E9", "#882255", "#44AA99", "#661100")

SPLITS = ("train", "val", "test")
SPLIT_SHARES = {"train": 0.70, "val": 0.15, "test": 0.15}
SPLIT_SEED = 42
IMAGE_SIZE = 48  # pixels, height and width of a clean image
IMAGE_SIZES = range(16, 225)  # pixels, what the networks and the memory can take

MANIFEST_COLUMNS = (
    *("file", "label", "source", "original_label", "split", "subject", "sha256"),
)


class SmartClassError(ValueError):
    """Something the user can mend; the message names it and the remedy."""

    def _render_traceback_(self):  # what IPython shows instead of a traceback
        return [f"SmartClassError: {self}"]


@dataclass(frozen=True)
class Workspace:
    """The folders that a run of the notebooks writes to."""

    clean: Path  # grey images, labels.csv, rejected.csv
    models: Path  # one file per training
    out: Path  # executed notebooks, pages, figures, results.json


def workspace(out: Path | str | None = None) -> Workspace:
    """Return the folders of a run.

    All of them lie in ``out`` or, without it, in the folder that the environment
    variable ``SMARTCLASS_OUT`` names (``make report OUT=…`` sets it). Without both the
    clean images and the models lie in ``data/`` and everything else in ``report/``.
    While ``make report`` is at work, ``SMARTCLASS_STAGE`` names the folder for the
    report until it is complete.
    """
    stage = None if out else os.environ.get("SMARTCLASS_STAGE")
    place = Workspace(ROOT / "data/clean", ROOT / "data/models", ROOT / "report")
    if out := out or os.environ.get("SMARTCLASS_OUT"):
        folder = at_home(out).resolve()
        place = Workspace(folder / "clean", folder / "models", folder)
    return replace(place, out=Path(stage)) if stage else place


def at_home(name: Path | str) -> Path:
    """Return a path with ~ as the home folder, and as it is where nobody has it."""
    return Path(os.path.expanduser(name))  # noqa: PTH111, as it never raises


def check(**values: tuple) -> None:
    """Refuse a parameter of a chapter that cannot work, before anything is computed.

    Each is given as NAME=(value, lowest, highest); where the lowest is a whole number,
    the value must be one.

    Raises:
        SmartClassError: with the name, the value and the range.
    """
    for name, (value, low, high) in values.items():
        kind, what = numbers.Real, "a number"
        if isinstance(low, int):
            kind, what = numbers.Integral, "a whole number"
        is_number = isinstance(value, kind) and not isinstance(value, bool)
        if not (is_number and low <= value <= high):
            reason = f"{name} = {value!r} is not {what} from {low:,} to {high:,}"
            raise SmartClassError(f"{reason}: correct it.")
