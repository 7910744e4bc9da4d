"""The clean folder depends on the images alone, not on machine, order or settings."""

import json
import os
import subprocess

import numpy as np
from image_bytes import encoded, hashes, start_cleaning

# locale, time zone, hash seed, umask, processes, files in a batch
SETTINGS = [
    ("C", "UTC", "0", 0o022, 1, 256),
    ("tr_TR.UTF-8", "Asia/Kathmandu", "1", 0o077, 2, 7),
    ("C.UTF-8", "America/St_Johns", "4242", 0o002, 3, 5),
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
    for number, (language, zone, seed, umask, *rest) in enumerate(SETTINGS):
        root = tmp_path / str(number) / "raw"
        for file in np.random.default_rng(number).permutation(sorted(content)):
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_bytes(content[file])
        outs.append(root.parent / "clean")
        settings = {"LC_ALL": language, "TZ": zone, "PYTHONHASHSEED": seed}
        options = {"env": {**os.environ, **settings}, "stderr": subprocess.PIPE}
        options |= {"umask": umask, "text": True}
        running.append(start_cleaning(root, outs[-1], *rest, **options))
    for child in running:
        _, errors = child.communicate(timeout=300)
        assert child.returncode == 0, errors
    first = outs[0]
    assert len(hashes(first)) == len(content) - 6 + 4  # doubles and broken; tables
    assert all(hashes(out) == hashes(first) for out in outs)
    cards = [json.loads((out / "clean.json").read_text("utf-8")) for out in outs]
    assert len({card["fingerprint"] for card in cards}) == 1
    assert all(card["counts"] == cards[0]["counts"] for card in cards)
