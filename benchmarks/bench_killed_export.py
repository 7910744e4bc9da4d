"""The export of a report, killed at random moments and run again.

An older report lies where the new one is to go. Every file of it must be whole at any
moment, the older or the new one, and a rerun must end in the new report.
"""

import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.bench_killed_cleaning import write_photos
from benchmarks.killing import finish, hashes, kill_after
from smartclass_utils.report import STAGE, run_report

KILLS = 50
CHILD = """
import sys
from pathlib import Path
from smartclass_utils.config import workspace_in
from smartclass_utils.report import STAGE, export, publish, the_only_one
place = workspace_in(Path(sys.argv[1]))
print("ready", flush=True)
with the_only_one(place.out):
    export(workspace_in(place.out / STAGE))
    publish(place.out / STAGE, place)
"""
KEPT = ("notebooks", "figures", "models", "results.json", "chapter_seconds.json")


def stage_from(made: Path, out: Path) -> None:
    """Lay what the notebooks left, before its export, where a report keeps it."""
    shutil.rmtree(out / STAGE, ignore_errors=True)
    for name in KEPT:
        target = out / STAGE / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (made / name).is_dir() else shutil.copy
        copy(made / name, target)


def write_older(made: Path, out: Path) -> None:
    """Write an older report, every file of which differs from the new one."""
    shutil.copytree(made, out)
    for file in out.rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes() + b"\nolder")


def report_in(out: Path) -> dict[str, str]:
    """Return path → SHA-256 of what stands under final names."""
    found = hashes(out)
    return {
        name: value
        for name, value in found.items()
        if not any(part.startswith(".") for part in Path(name).parts)
        and not name.startswith((f"{STAGE}/", "clean/"))
    }


def run(n_kills: int = KILLS) -> dict:
    """Kill exports at random moments; return what lay there, then and at the end."""
    moments = random.Random(0)
    states: Counter = Counter()
    with tempfile.TemporaryDirectory() as folder:
        photos, made, out = (Path(folder, n) for n in ("photos", "made", "out"))
        write_photos(photos)
        run_report(str(photos), str(made), epochs=1, seeds=1, image_size=32)
        stage_from(made, out)
        seconds, _ = finish(CHILD, out)
        new = report_in(out)
        shutil.rmtree(out)
        for _ in range(n_kills):
            write_older(made, out)
            old = report_in(out)
            stage_from(made, out)
            moment = moments.uniform(0, 1.1 * seconds)
            states[kill_after(moment, CHILD, out)] += 1
            found = report_in(out)
            states["half"] += any(
                value not in (old.get(name), new.get(name))
                for name, value in found.items()
            )
            states["older"] += found == old
            states["new"] += found == new
            stage_from(made, out)
            finish(CHILD, out)
            states["different"] += report_in(out) != new or (out / STAGE).exists()
            shutil.rmtree(out)
    return {
        "kills": n_kills,
        "before the end": states["killed"],
        "older report whole": states["older"],
        "new report whole": states["new"],
        "between the two, each file whole": n_kills - states["older"] - states["new"],
        "half a file under its name": states["half"],
        "other report after a rerun": states["different"],
        "undisturbed run, s": round(seconds, 1),
    }
