"""The clean folder depends on the images alone, not on machine, order or settings."""

import json
import os
import subprocess
import sys

import numpy as np
from image_bytes import encoded

from smartclass_utils.config import ROOT
from smartclass_utils.files import sha256

CHILD = """
import locale, os, sys
os.umask(int(sys.argv[3], 8))
try:
    locale.setlocale(locale.LC_ALL, "")
except locale.Error:
    pass  # a system without this language
from smartclass_utils.cleaning import build
from smartclass_utils.cleaning.folder import clean
from smartclass_utils.sources import load
build.SHARD = int(sys.argv[5])
jobs = int(sys.argv[4])
clean(load(sys.argv[1]), sys.argv[2], image_size=16, jobs=jobs, progress=False)
"""
# locale, time zone, hash seed, umask, processes, files in a shard
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


def hashes(folder):
    """Return path → SHA-256 of everything but what clean.json says of the input."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    found = {path.relative_to(folder).as_posix(): sha256(path) for path in files}
    found.pop("clean.json")
    return found


def test_nothing_but_the_images_changes_the_clean_folder(tmp_path):
    content = pictures()
    running, outs = [], []
    for number, (language, zone, seed, umask, jobs, shard) in enumerate(SETTINGS):
        root = tmp_path / str(number) / "raw"
        order = np.random.default_rng(number).permutation(sorted(content))
        for file in order:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_bytes(content[file])
        outs.append(root.parent / "clean")
        arguments = [root, outs[-1], umask, jobs, shard]
        settings = {"LC_ALL": language, "TZ": zone, "PYTHONHASHSEED": seed}
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", CHILD, *map(str, arguments)],
                env={**os.environ, **settings},
                cwd=ROOT,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    for child in running:
        _, errors = child.communicate(timeout=120)
        assert child.returncode == 0, errors
    first, *others = outs
    assert len(hashes(first)) == len(content) - 6 + 4  # doubles and broken; tables
    for out in others:
        assert hashes(out) == hashes(first)
    cards = [json.loads((out / "clean.json").read_text("utf-8")) for out in outs]
    assert len({card["fingerprint"] for card in cards}) == 1
    assert all(card["counts"] == cards[0]["counts"] for card in cards)
