"""Run all benchmarks, or those named: ``python -m benchmarks [cleaning …|soak]``."""

import importlib
import json
import platform
import sys
from pathlib import Path

import psutil
import torch

from smartclass_utils.commands.record import fill
from smartclass_utils.files import write_json, write_text
from smartclass_utils.hardware import environment

BENCHMARKS = ("cleaning", "training", "gpu", "report")
SOAK = ("decoder", "killed", "disk", "scale")  # not about speed, and take minutes
RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).with_name("README.md")


def processor() -> str:
    """Return the processor's name where the system tells it."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    names = [line.split(":")[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor()


def shown(value: float | str) -> str:
    """Return a number with its thousands set apart, a text as it is."""
    return value if isinstance(value, str) else f"{value:,}"


def as_tables(results: dict) -> str:
    """Return what was measured as Markdown, one table a benchmark."""
    lines = []
    for name in (*BENCHMARKS, *SOAK):
        measured = dict(results.get(name, {}))
        if measured:
            lines += ["", f"**{name}**, {measured.pop('machine')}", ""]
            lines += ["| | |", "|---|---:|"]
            lines += [f"| {key} | {shown(value)} |" for key, value in measured.items()]
    return "\n".join([*lines, ""])


def main() -> None:
    """Print what each benchmark measured, and keep it in ``results.json``."""
    chosen = sys.argv[1:] or BENCHMARKS
    chosen = SOAK if chosen == ["soak"] else chosen
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    machine = f"{processor()}, {psutil.cpu_count()} cores, torch {torch.__version__}"
    for name in chosen:
        measured = importlib.import_module(f"benchmarks.bench_{name}").run()
        known[name] = {"machine": machine, **measured}
        print(f"\n{name}: {machine}")
        for key, value in measured.items():
            print(f"  {key:<36} {value}")
    write_json(RESULTS, {**known, "environment": environment()})
    write_text(
        PAGE, fill(PAGE.read_text(encoding="utf-8"), "results", as_tables(known))
    )


if __name__ == "__main__":
    main()
