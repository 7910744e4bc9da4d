"""Run all benchmarks, or those named: ``python -m benchmarks [cleaning …|soak]``."""

import importlib
import json
import platform
import re
import sys
from pathlib import Path

import psutil
import torch

from smartclass_utils.commands.record import fill
from smartclass_utils.files import write_json, write_text

BENCHMARKS = ("cleaning", "training", "gpu", "report")
SOAK = ("decoder", "killed", "disk", "scale")  # not about speed, and take minutes
RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).with_name("README.md")


def processor() -> str:
    """Return the processor's name where the system tells it."""
    file = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:(.*)", file.read_text() if file.exists() else "")
    return found[1].strip() if found else platform.processor()


def as_tables(results: dict) -> str:
    """Return what was measured as Markdown, one table a benchmark."""
    lines = []
    for name in (*BENCHMARKS, *SOAK):
        if measured := dict(results.get(name, {})):
            lines += ["", f"**{name}**, {measured.pop('machine')}", ""]
            lines += ["| | |", "|---|---:|"]
            for key, value in measured.items():
                shown = value if isinstance(value, str) else f"{value:,}"
                lines.append(f"| {key} | {shown} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Print what each benchmark measured, and keep it in ``results.json``."""
    chosen = sys.argv[1:] or BENCHMARKS
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    machine = f"{processor()}, {psutil.cpu_count()} cores, torch {torch.__version__}"
    for name in SOAK if chosen == ["soak"] else chosen:
        if measured := importlib.import_module(f"benchmarks.bench_{name}").run():
            known |= {name: {"machine": machine, **measured}}
            print(as_tables({name: known[name]}))
    write_json(RESULTS, known)
    page = PAGE.read_text(encoding="utf-8")
    write_text(PAGE, fill(page, "results", as_tables(known)))


if __name__ == "__main__":
    main()
