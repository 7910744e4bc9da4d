"""How long the demo report takes, chapter by chapter, drawing included."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from smartclass_utils.demo.drawing import draw_demo


def run() -> dict:
    """Draw the demo sources, run the report on them; return seconds."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        demo = draw_demo(Path(folder, "demo"))
        drawn = time.perf_counter() - start
        command = [sys.executable, "-m", "smartclass_utils", "report"]
        out = Path(folder, "out")
        start = time.perf_counter()
        subprocess.run(
            [*command, "--data", str(demo), "--out", str(out)],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        whole = time.perf_counter() - start
        chapters = json.loads(
            (out / "chapter_seconds.json").read_text(encoding="utf-8")
        )
    return {
        "drawing the demo sources, s": round(drawn, 1),
        **{f"chapter {name}, s": seconds for name, seconds in chapters.items()},
        "whole report without drawing, s": round(whole, 1),
    }
