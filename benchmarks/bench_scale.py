"""Cleaning, training and evaluation of more and more images: does the cost stay flat.

Every stage runs in a process of its own, first on a few images, so that neither imports
nor the start of workers count, and then on those that are measured.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import pandas as pd
import psutil
from matplotlib.figure import Figure

from benchmarks.bench_memory import peak_of
from benchmarks.made_up import write_sources
from smartclass_utils import models, sources
from smartclass_utils.checkpoints import save_model
from smartclass_utils.cleaning.folder import clean
from smartclass_utils.cleaning.shards import SHARD
from smartclass_utils.dataset import load_clean
from smartclass_utils.evaluation import predict_test, summarise
from smartclass_utils.files import replacing
from smartclass_utils.hardware import seed_everything
from smartclass_utils.plots import use_style
from smartclass_utils.recipes import Recipe
from smartclass_utils.result_plots import MODEL_COLOURS, MODEL_MARKERS
from smartclass_utils.training import fit, quiet

SIZES = (2_000, 20_000, 200_000)  # images
SIZE = 48  # pixels, height and width of an image
PLOT = Path(__file__).with_name("scale.png")


def cleaning(folder: Path) -> int:
    """Clean the photos, on all cores; return how many there are."""
    photos = sources.load(folder / "photos")
    clean(photos, folder / "clean", image_size=SIZE, progress=False)
    return len(photos.table)


def training(folder: Path) -> int:
    """Load the clean images and train for one epoch; return how many it learns from."""
    data, recipe = load_clean(folder / "clean"), Recipe(epochs=1)
    seed_everything(0)
    network = models.build("main", len(data.classes), data.image_size)
    result = fit(network, data, recipe, seed=0, log=quiet)
    save_model(folder / "models", "main", 0, result, recipe, data)
    return len(data.rows("train"))


def evaluation(folder: Path) -> int:
    """Load the clean images and test the network; return the number of test images."""
    data = load_clean(folder / "clean")
    summarise(predict_test(folder / "models", data))
    return len(data.rows("test"))


STAGES = {"cleaning": cleaning, "training": training, "evaluation": evaluation}


def timed(stage: str, folder: Path) -> dict:
    """Run a stage on a few images, then on those to be measured."""
    STAGES[stage](folder / "few")
    start = time.perf_counter()
    images = STAGES[stage](folder / "all")
    return {"ms": 1000 * (time.perf_counter() - start) / images}


def anonymous_now(process: psutil.Process) -> int:
    """Return the bytes that a process and its children hold in anonymous memory.

    Pages of mapped files are not among them: the system drops those when it needs room.
    Pages that a child shares with its parent count once. Linux only.
    """
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            text = Path(f"/proc/{one.pid}/smaps_rollup").read_text()
        except OSError:  # it has ended
            continue
        total += 1024 * int(re.search(r"Pss_Anon:\s+(\d+)", text)[1])
    return total


def measured(stage: str, folder: Path) -> dict:
    """Run a stage in a process of its own; return ms an image and peak MiB."""
    command = [sys.executable, "-m", "benchmarks.bench_scale", stage, str(folder)]
    process = psutil.Popen(command, stdout=subprocess.PIPE)
    peak = peak_of(process, anonymous_now)
    return {"stage": stage, **json.load(process.stdout), "MiB": peak / 2**20}


def draw(found: pd.DataFrame) -> Figure:
    """Draw time an image and peak memory against the number of images.

    Args:
        found: columns ``stage``, ``images``, ``ms`` (an image), ``MiB``.
    """
    fig, axes = plt.subplots(1, 2, figsize=(10, 4.2))
    for which, (stage, own) in enumerate(found.groupby("stage", sort=False)):
        style = {"color": MODEL_COLOURS[which], "marker": MODEL_MARKERS[which]}
        for ax, column in zip(axes, ("ms", "MiB"), strict=True):
            ax.plot(own["images"], own[column], label=stage, **style)
    sizes = sorted(set(found["images"]))
    array = [n * SIZE**2 / 2**20 for n in sizes]
    axes[1].plot(sizes, array, ":", color="#6B6B6B", label="the images themselves")
    axes[0].set_title("Time an image (ms)")
    axes[1].set_title("Peak memory (MiB)")
    for ax in axes:
        ax.set(xscale="log", xlabel="images", ylim=(0, None))
        ax.set_xticks(sizes, [f"{n:,}" for n in sizes])
        ax.minorticks_off()
        ax.grid(axis="y")
    fig.legend(
        *axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=4
    )
    return fig


def run(sizes: tuple[int, ...] = SIZES) -> dict:
    """Measure all stages at all sizes, draw the plot, and return the numbers.

    Args:
        sizes: numbers of images.
    """
    rows = []
    for n_images in sizes:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            write_sources(folder / "few" / "photos", SHARD * joblib.cpu_count(), SIZE)
            write_sources(folder / "all" / "photos", n_images, SIZE)
            os.sync()  # writing them is not what is measured
            rows += [{"images": n_images, **measured(s, folder)} for s in STAGES]
    found = pd.DataFrame(rows)
    use_style()
    with replacing(PLOT) as stream:
        draw(found).savefig(stream, format="png", metadata={"Software": None})
    return as_rows(found)


def as_rows(found: pd.DataFrame) -> dict:
    """Return the numbers by what they mean, stage by stage."""
    by_stage = sorted(
        found.itertuples(), key=lambda row: (list(STAGES).index(row.stage), row.images)
    )
    names = [f"{row.stage}, {row.images:,} images" for row in by_stage]
    times = [round(row.ms, 2) for row in by_stage]
    memory = [round(row.MiB) for row in by_stage]
    return {
        **{f"{name}, ms an image": ms for name, ms in zip(names, times, strict=True)},
        **{f"{name}, peak MiB": mib for name, mib in zip(names, memory, strict=True)},
    }


if __name__ == "__main__":
    print(json.dumps(timed(sys.argv[1], Path(sys.argv[2]))))
