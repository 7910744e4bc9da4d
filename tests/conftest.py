"""Small inputs that several tests share, and how they run a chapter."""

import os
import sys
from itertools import chain
from pathlib import Path

import matplotlib as mpl
import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import ExifTags, Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks import mutations
from smartclass_utils import config
from smartclass_utils.__main__ import main
from smartclass_utils.checkpoints import train_once
from smartclass_utils.commands import report
from smartclass_utils.config import CLASSES, MANIFEST_COLUMNS, SmartClassError
from smartclass_utils.dataset import CleanData, load_clean, tensors
from smartclass_utils.files import fingerprint_of, read_json, write_json
from smartclass_utils.models import ReportCNN

mpl.use("Agg")

# The numbers of a network, and results.json with nothing but them.
ENTRY = {"name": "Main CNN", "accuracy": 0.5, "accuracy_ci95": [0.4, 0.6]}
ENTRY |= {"parameters": 9, "macro_f1": 0.5, "epochs": 1, "seeds": [0], "seconds": 3}
RESULTS = {
    "data": {"name": "demo", "n_images": 9, "image_size": 48, "classes": ["a"]},
    "environment": {"device": "CPU", "python": "3", "torch": "2"},
    "baseline": {**ENTRY, "class": "a", "seconds": None},
    "models": [ENTRY],
}
RESULTS["data"]["split"] = {"test": 3}
RGB = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)  # an image
GREY = RGB[..., 0]
PRIVATE = {  # of a kernel that sees nothing of the reader's own, on one thread
    **dict.fromkeys(("SMARTCLASS_DATA", "SMARTCLASS_STAGE"), ""),
    **{"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
}


def encoded(pixels, form="PNG", mode=None, **options):
    image = Image.fromarray(pixels)
    return mutations.encoded(image.convert(mode) if mode else image, form, **options)


def held(orientation):
    """Return what a camera that was held so writes beside the pixels."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def write_noise(path, seed, size=20, form="PNG"):
    """Write an image of noise, another one for each seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)
    path.write_bytes(encoded(pixels, form))


def write_clean(folder, classes=CLASSES, per_class=20, size=16, name="made up"):
    """Write a clean folder whose classes differ in a bright quarter of the image."""
    generator = np.random.default_rng(0)
    images, rows = [], []
    for k, label in enumerate(classes):
        for i in range(per_class):
            image = generator.integers(0, 90, (size, size), dtype=np.uint8)
            image.reshape(2, size // 2, 2, size // 2)[k // 2 % 2, :, k % 2] += 120
            images.append(image)
            split = ("train", "train", "train", "val", "test")[5 * i // per_class]
            rows.append((f"{label}/{i:03d}.png", label, "made", label, split, "", ""))
    write_json(folder / "clean.json", {"name": name, "classes": list(classes)})
    table = pd.DataFrame(rows, columns=MANIFEST_COLUMNS)
    return rewrite(folder, table, np.stack(images))


def rewrite(folder, table, images=None):
    """Give a clean folder other labels or images, and their fingerprint."""
    table.to_csv(folder / "labels.csv", index=False)
    if images is not None:
        np.save(folder / "images.npy", images)
    card = read_json(folder / "clean.json") | {"fingerprint": fingerprint_of(folder)}
    write_json(folder / "clean.json", card)
    return folder


def write_photos(folder, classes=("cat", "dog", "owl"), per_class=14, colour=False):
    """Write a folder of small images a class, which differ in a band or in colour."""
    shape = (40, 40, 3) if colour else (40, 40)
    generator = np.random.default_rng(0)
    for k, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(per_class):
            pixels = generator.integers(0, 200, shape, dtype=np.uint8)
            part = pixels[..., k] if colour else pixels[: 10 * (k + 1)]
            part //= 4
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    return folder


def small_network(data: CleanData, seed=0, **changes) -> ReportCNN:
    """Return a small network for a data set, with the arguments it was called with."""
    torch.manual_seed(seed)
    sizes = {"n_classes": len(data.classes), "image_size": data.image_size}
    arguments = {**sizes, "channels": (8, 16), "hidden": 32, **changes}
    model = ReportCNN(**arguments)
    model.arguments = arguments
    return model


def loaders_of(data: CleanData, seed=0, size=8) -> dict[str, DataLoader]:
    """Return batches of the train and val split, as chapter 3 makes them."""
    train, val = (TensorDataset(*tensors(data, split)) for split in ("train", "val"))
    order = torch.Generator().manual_seed(seed)
    batches = DataLoader(train, size, shuffle=True, generator=order)
    return {"train": batches, "val": DataLoader(val, size)}


def store(data: CleanData, folder, name="Main CNN", lr=1e-3, **options) -> dict:
    """Train a small network, or ``model``, as the report does; return its card."""
    arguments = options.pop("arguments", {})
    model = options.pop("model", None) or small_network(data, **arguments)
    loaders = loaders_of(data) | options.pop("loaders", {})
    optimizer = options.pop("optimizer", torch.optim.Adam)(model.parameters(), lr=lr)
    usual = {"optimizer": optimizer, "loss": nn.CrossEntropyLoss(), "epochs": 1}
    what = (folder, name, 0, model, model.arguments, data, loaders)
    return train_once(*what, **usual | {"log": str} | options)


def tree(folder: Path) -> dict:
    """Return the files of a folder, each with the time of its last change."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {p: p.stat().st_mtime_ns for p in files if p.suffix != ".lock"}


def refusal(function, *arguments, **options) -> str:
    """Return the one sentence with which a call is refused."""
    with pytest.raises(SmartClassError) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def chapter_of(number: int) -> tuple[str, nbformat.NotebookNode, list]:
    """Return a chapter's name, its notebook and the cells of code in it."""
    [path] = config.NOTEBOOKS.glob(f"{number:02d}_*.ipynb")
    book = nbformat.read(path, as_version=4)
    return path.stem, book, [cell for cell in book.cells if cell.cell_type == "code"]


def run_chapter(number: int, tmp_path: Path, parameters=None, edits=None) -> str:
    """Run a copy of a chapter; return what it prints and shows, which is no warning.

    All its folders lie in ``tmp_path``. ``parameters`` are set below the cell tagged
    so; each of ``edits``, text → other text, must occur in the chapter's code.
    """
    name, book, code = chapter_of(number)
    for old, new in (edits or {}).items():
        assert any(old in cell.source for cell in code), f"{name} lacks: {old}"
        for cell in code:
            cell.source = cell.source.replace(old, new)
    report.set_parameters(book, parameters or {})
    environment = {**PRIVATE, "SMARTCLASS_OUT": str(tmp_path)}
    report.execute(book, name, environment, Path(os.devnull))
    said = []
    for output in chain.from_iterable(cell.outputs for cell in code):
        assert output.get("name") != "stderr", output["text"]
        data = output.get("data", {})
        said += [output.get("text", ""), data.get("text/markdown", "")]
        said.append(data.get("text/plain", ""))
    return "\n".join(said)


@pytest.fixture
def smartclass(monkeypatch, capsys):
    """Return a function that runs a command which ends in one line, and returns it."""

    def run(*words, status=2):
        monkeypatch.setattr(sys, "argv", ["smartclass", *map(str, words)])
        assert main() == status
        [line] = capsys.readouterr().err.splitlines()
        return line

    return run


@pytest.fixture
def clean_data(tmp_path) -> CleanData:
    return load_clean(write_clean(tmp_path / "clean"))


@pytest.fixture
def small(clean_data):
    """Return a small network and the batches it can learn from."""
    return small_network(clean_data), loaders_of(clean_data)
