"""Cleaning, training and export, killed at random moments and run again.

Whatever stands under a final name must be whole at any moment, and the same command
again must give what an undisturbed run gives.
"""

import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.killing import finish, hashes, kill_after
from benchmarks.made_up import write_photos
from smartclass_utils.checkpoints import load_model, read_cards
from smartclass_utils.cleaning import clean
from smartclass_utils.commands.report import STAGE, run_report
from smartclass_utils.sources import load

KILLS = 50
OLDER_SIZE, SIZE = 20, 24  # pixels; the older clean folder is to be replaced
CLEAN = """
import sys
from smartclass_utils.cleaning import clean
from smartclass_utils.sources import load
photos, folder = sys.argv[1:]
print("ready", flush=True)
clean(load(photos), folder + "/clean", image_size=24)
"""
TRAIN = """
import sys
from pathlib import Path
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from smartclass_utils.checkpoints import train_once
from smartclass_utils.dataset import load_clean, tensors
from smartclass_utils.models import ReportCNN
torch.set_num_threads(1)
data, folder = load_clean(sys.argv[1]), Path(sys.argv[2], "models")
print("ready", flush=True)
for seed in range(3):
    torch.manual_seed(seed)
    arguments = {"n_classes": 2, "image_size": 24}
    model = ReportCNN(**arguments)
    sets = {s: TensorDataset(*tensors(data, s)) for s in ("train", "val")}
    loaders = {s: DataLoader(d, 16) for s, d in sets.items()}
    adam = torch.optim.Adam(model.parameters())
    train_once(folder, "Main CNN", seed, model, arguments, data, loaders, adam,
               nn.CrossEntropyLoss(), 8, log=lambda line: None)
"""
EXPORT = """
import shutil, sys
from pathlib import Path
from smartclass_utils.commands.report import LOCK, STAGE, export, publish
from smartclass_utils.config import workspace_in
from smartclass_utils.files import only_one
made, out = map(Path, sys.argv[1:])
shutil.rmtree(out / STAGE, ignore_errors=True)  # the chapters write it anew
kept = shutil.ignore_patterns("clean", "models")
shutil.copytree(made, out / STAGE, ignore=kept)
print("ready", flush=True)
with only_one(out / LOCK, "busy"):
    export(workspace_in(out / STAGE))
    publish(out / STAGE, out)
"""


def soak(code: str, given: Path, prepare, state, kills: int = KILLS) -> dict:
    """Kill ``code`` at random moments and run it again; count what lay there.

    Args:
        code: takes ``given`` and the folder to write to.
        given: what it works on.
        prepare: lays the older state into a folder.
        state: what stands under final names in a folder, comparable.
        kills: how many.
    """
    moments, found = random.Random(0), Counter()
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary, "out")
        prepare(out)
        old = state(out)
        seconds, _ = finish(code, given, out)
        new = state(out)
        shutil.rmtree(out)
        for _ in range(kills):
            prepare(out)
            found[kill_after(moments.uniform(0, 1.1 * seconds), code, given, out)] += 1
            now = state(out)
            mixed = all(now[k] in (old.get(k), new.get(k)) for k in now)
            found["half"] += not mixed
            finish(code, given, out)
            found["different"] += state(out) != new
            shutil.rmtree(out)
    return {
        "kills": kills,
        "before the end": found["killed"],
        "half a file under its name": found["half"],
        "other result after a rerun": found["different"],
        "undisturbed run, s": round(seconds, 1),
    }


def standing(out: Path) -> dict[str, str]:
    """Return path → SHA-256 of what stands under final names; the rest is hidden."""
    return {
        name: value
        for name, value in hashes(out).items()
        if not any(part.startswith(".") for part in Path(name).parts)
        and not name.startswith(f"{STAGE}/")
    }


def networks(out: Path) -> dict[str, str]:
    """Return the weights of every stored network; a half one raises."""
    if not list(out.glob("models/*.safetensors")):
        return {}
    cards = read_cards(out / "models")
    for card in cards:
        load_model(card)
    return {card["file"].name: card["weights_sha256"] for card in cards}


def run(kills: int = KILLS) -> dict:
    """Soak the three; return what was found, named by what was killed."""
    with tempfile.TemporaryDirectory() as temporary:
        photos, older, made = (Path(temporary, n) for n in ("photos", "older", "made"))
        write_photos(photos)
        clean(load(photos), older / "clean", image_size=OLDER_SIZE)
        clean(load(photos), made / "clean", image_size=SIZE)
        run_report(str(photos), str(made / "report"), epochs=1, seeds=1, image_size=32)

        def with_older_report(out: Path) -> None:
            shutil.copytree(made / "report", out)
            for file in out.rglob("*"):
                if file.is_file():
                    file.write_bytes(file.read_bytes() + b"\nolder")

        whole = {
            "cleaning": (CLEAN, photos, lambda out: shutil.copytree(older, out)),
            "training": (TRAIN, made / "clean", lambda out: out.mkdir()),
            "export": (EXPORT, made / "report", with_older_report),
        }
        found = {}
        for name, (code, given, prepare) in whole.items():
            state = networks if name == "training" else standing
            counts = soak(code, given, prepare, state, kills)
            found |= {f"{name}, {what}": count for what, count in counts.items()}
    return found
