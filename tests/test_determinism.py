"""The clean folder depends on the images alone, not on machine, order or settings."""

import json
import os
import subprocess
import sys

import numpy as np
from image_bytes import encoded, hashes

from smartclass_utils.config import ROOT

CHILD = """
import locale, os, sys
from pathlib import Path
os.umask(int(sys.argv[3], 8))
try:
    locale.setlocale(locale.LC_ALL, "")
except locale.Error:
    pass  # a system without this language
sys.path.insert(0, "tests")
from image_bytes import manifest_of
from smartclass_utils import cleaning
cleaning.BATCH, jobs = int(sys.argv[5]), int(sys.argv[4])
manifest = manifest_of(Path(sys.argv[1]))
cleaning.clean(manifest, sys.argv[2], image_size=16, jobs=jobs)
"""
# locale, time zone, hash seed, umask, processes, files in a batch
SETTINGS = [
    ("C", "UTC", "0", "022", 1, 256),
    ("tr_TR.UTF-8", "Asia/Kathmandu", "1", "077", 2, 7),
    ("C.UTF-8", "America/St_Johns", "4242", "002", 3, 5),
]


def pictures():
    """Return name → bytes: three classes, doubles, a broken file, foreign letters."""
    generator = np.random.default_rng(0)
    names = ["I.png", "i.jpg", "ı.png", "İ.png", "é.png", "空.png"]
    names += [f"{i}.png" for i in range(10)]
    found = {}
    for label in ("INDIFFERENT", "happy", "Öfke"):
        for name in names:
            pixels = generator.integers(0, 256, (20, 20, 3), dtype=np.uint8)
            form = "JPEG" if name.endswith("jpg") else "PNG"
            found[f"{label}/{name}"] = encoded(pixels, form)
        found[f"{label}/a double.png"] = found[f"{label}/3.png"]
        found[f"{label}/broken.png"] = b"\x89PNG"
        brighter = np.clip(pixels.astype(int) + 2, 0, 255).astype(np.uint8)
        found[f"{label}/nearly the last.png"] = encoded(brighter)
    return found


def test_nothing_but_the_images_changes_the_clean_folder(tmp_path):
    content = pictures()
    running, outs = [], []
    for number, (language, zone, seed, *arguments) in enumerate(SETTINGS):
        root = tmp_path / str(number) / "raw"
        for file in np.random.default_rng(number).permutation(sorted(content)):
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_bytes(content[file])
        outs.append(root.parent / "clean")
        command = [sys.executable, "-c", CHILD, root, outs[-1], *map(str, arguments)]
        settings = {"LC_ALL": language, "TZ": zone, "PYTHONHASHSEED": seed}
        options = {"env": {**os.environ, **settings}, "stderr": subprocess.PIPE}
        running.append(subprocess.Popen(command, cwd=ROOT, text=True, **options))
    for child in running:
        _, errors = child.communicate(timeout=300)
        assert child.returncode == 0, errors
    first = outs[0]
    assert len(hashes(first)) == len(content) - 6 + 4  # doubles and broken; tables
    assert all(hashes(out) == hashes(first) for out in outs)
    cards = [json.loads((out / "clean.json").read_text("utf-8")) for out in outs]
    assert len({card["fingerprint"] for card in cards}) == 1
    assert all(card["counts"] == cards[0]["counts"] for card in cards)
