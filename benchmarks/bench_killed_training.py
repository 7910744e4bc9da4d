"""Training, killed at random moments and run again: are the weights what they would be.

The work is what chapters 3 and 5 do: a network with the report's recipe and one of our
own with the strong one, each stored when it is trained.
"""

import random
import re
import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks.killing import finish, hashes, kill_after
from smartclass_utils import models
from smartclass_utils.checkpoints import load_model, read_card, save_model
from smartclass_utils.config import CLASSES, MANIFEST_COLUMNS, SmartClassError
from smartclass_utils.dataset import load_clean
from smartclass_utils.files import write_json
from smartclass_utils.hardware import seed_everything
from smartclass_utils.journal import forget_notes
from smartclass_utils.recipes import STRONG, Recipe
from smartclass_utils.training import fit

KILLS = 50
IMAGES, SIZE = 480, 32  # images in all; pixels
EPOCHS = 8
RECIPES = {"main": Recipe(EPOCHS), "own": replace(STRONG, epochs=EPOCHS)}
CHILD = """
import sys
from pathlib import Path
from benchmarks.bench_killed_training import train_all
print("ready", flush=True)
train_all(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def write_data(folder: Path) -> None:
    """Write a clean folder of noise."""
    generator = np.random.default_rng(0)
    folder.mkdir()
    images = generator.integers(0, 256, (IMAGES, SIZE, SIZE), dtype=np.uint8)
    np.save(folder / "images.npy", images)
    table = pd.DataFrame("", index=range(IMAGES), columns=list(MANIFEST_COLUMNS))
    table["file"] = [f"{i}.png" for i in range(IMAGES)]
    table["label"] = [CLASSES[i % 4] for i in range(IMAGES)]
    table["split"] = [("train", "val", "test")[i * 3 // IMAGES] for i in range(IMAGES)]
    table.to_csv(folder / "labels.csv", index=False)
    card = {"name": "noise", "classes": CLASSES, "fingerprint": "noise"}
    write_json(folder / "clean.json", card)


def train_all(clean: Path, out: Path) -> None:
    """Train both networks as the chapters do."""
    torch.set_num_threads(1)
    data = load_clean(clean)
    for name, recipe in RECIPES.items():
        seed_everything(0)
        model = models.build(name, len(CLASSES), SIZE)
        result = fit(model, data, recipe, 0, journal=out / "journal")
        save_model(out / "models", name, 0, result, recipe, data)
    forget_notes(out / "journal")


def weights_in(out: Path) -> dict[str, str]:
    """Return path → SHA-256 of the files of weights."""
    found = hashes(out / "models") if (out / "models").exists() else {}
    return {name: value for name, value in found.items() if name[0] != "."}


def all_usable(out: Path) -> bool:
    """Return whether every card that lies there stands for a whole network."""
    try:
        for file in (out / "models").glob("[!.]*.json"):
            load_model(out / "models", read_card(file))
    except SmartClassError:
        return False
    return True


def only_weights(found: dict[str, str]) -> dict[str, str]:
    """Return the files of weights; cards hold seconds, which differ."""
    return {name: value for name, value in found.items() if name.endswith(".pt")}


def run(n_kills: int = KILLS) -> dict:
    """Kill trainings at random moments; return what lay there, then and at the end."""
    moments = random.Random(0)
    states: Counter = Counter()
    with tempfile.TemporaryDirectory() as folder:
        data, whole = Path(folder, "clean"), Path(folder, "whole")
        write_data(data)
        seconds, _ = finish(CHILD, data, whole)
        good = only_weights(weights_in(whole))
        for number in range(n_kills):
            out = Path(folder, str(number))
            moment = moments.uniform(0, 1.1 * seconds)
            states[kill_after(moment, CHILD, data, out)] += 1
            early = only_weights(weights_in(out))
            states["half"] += not (early.items() <= good.items() and all_usable(out))
            _, said = finish(CHILD, data, out)
            states["went on"] += bool(re.search(r"^Going on", said, re.M))
            states["different"] += only_weights(weights_in(out)) != good
            shutil.rmtree(out)
    return {
        "kills": n_kills,
        "before the end": states["killed"],
        "went on after a finished epoch": states["went on"],
        "half a file under its name": states["half"],
        "other weights after a rerun": states["different"],
        "undisturbed run, s": round(seconds, 1),
    }
