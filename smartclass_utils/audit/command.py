"""The whole audit of one data set, with what takes too long for a chapter."""

import math
from pathlib import Path

import numpy as np

from smartclass_utils.audit.calibration import audit_calibration
from smartclass_utils.audit.comparisons import audit_comparisons
from smartclass_utils.audit.confound import audit_confound
from smartclass_utils.audit.findings import Finding, missing
from smartclass_utils.audit.groups import audit_groups, clearest_gap
from smartclass_utils.audit.label_quality import audit_labels
from smartclass_utils.audit.leaks import audit_leaks, find_duplicates
from smartclass_utils.audit.outputs import by_model, read_outputs
from smartclass_utils.audit.reproducibility import audit_reproducibility
from smartclass_utils.audit.spread import audit_mitigation, audit_spread, train_grid
from smartclass_utils.config import RESULTS_FOLDER, workspace
from smartclass_utils.dataset import CleanData, load_clean
from smartclass_utils.files import read_json, write_json
from smartclass_utils.hardware import environment
from smartclass_utils.models import REPORT_MODELS
from smartclass_utils.recipes import Recipe

STORED = "audit.json"
AGAIN = "run `python -m smartclass_utils audit` again"


def plain(value):
    """Return a value as JSON can hold it: no NumPy types, ``None`` for NaN."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return value


def as_content(data: CleanData, found: dict[str, Finding]) -> dict:
    """Return findings as they are stored: the data set, the environment, the checks."""
    return {
        "data": {
            "name": data.name,
            "fingerprint": data.fingerprint,
            "n_images": len(data.labels),
            "split": data.split_sizes(),
        },
        "environment": environment(),
        **{name: plain(finding.as_dict()) for name, finding in found.items()},
    }


def append_audit(path: Path, found: dict[str, Finding]) -> None:
    """Put findings under "audit" into ``results.json``; all else in it stays."""
    content = read_json(path) if path.exists() else {}
    content["audit"] = {name: plain(f.as_dict()) for name, f in found.items()}
    write_json(path, content)


def read_stored(data: CleanData) -> dict | None:
    """Return the stored audit of a data set, or ``None`` if there is none.

    This run's own (``audit.json`` beside the report) goes before the committed one.
    The images must be the very same; only the demo may differ in a few last digits,
    where another type of processor drew it.
    """
    committed = RESULTS_FOLDER / f"{data.name}_audit.json"
    for path in (workspace().out / STORED, committed):
        if path.exists():
            content = read_json(path, AGAIN)
            known = content.get("data", {})
            is_same = known.get("fingerprint") == data.fingerprint
            if is_same or (data.is_demo and known.get("name") == data.name):
                return content
    return None


def stored_check(stored: dict | None, name: str) -> dict:
    """Return one check of a stored audit; without it, a sentence on how to get it."""
    entry = dict((stored or {}).get(name) or {"available": False})
    how = "Not computed for these images: run `python -m smartclass_utils audit`."
    return {**entry, "sentence": entry.get("sentence", entry.get("reason", how))}


def read_all_stored() -> dict[str, dict]:
    """Return every committed audit, by the name of its data set."""
    files = sorted(RESULTS_FOLDER.glob("*_audit.json"))
    contents = [read_json(file, AGAIN) for file in files]
    return {content["data"]["name"]: content for content in contents}


def run_audit(
    clean: str | None = None,
    models: str | None = None,
    out: str | None = None,
    seeds: int = 5,
    splits: int = 4,
    epochs: int = 3,
    jobs: int = 1,
) -> Path:
    """Run all checks on one data set and store them as JSON; return the file's path.

    Args:
        clean: the clean folder; default: this run's.
        models: folder of the trained networks; default: this run's.
        out: file to write; default: ``audit.json`` beside the report.
        seeds: of the trainings on redrawn splits.
        splits: to redraw.
        epochs: of these trainings.
        jobs: processes for these trainings.
    """
    data = load_clean(clean)
    outputs = read_outputs(Path(models) if models else workspace().models, data)
    recipe = Recipe(epochs=epochs)
    doubles = find_duplicates(data)
    first = next(iter(by_model(outputs).values()))
    found = {
        "comparisons": audit_comparisons(outputs),
        "leaks": audit_leaks(data, outputs, doubles),
        "confound": audit_confound(data, outputs),
        "calibration": audit_calibration(outputs),
        "labels": audit_labels(data),
        "groups": audit_groups(data, first),
        "reproducibility": audit_reproducibility(data, outputs),
    }
    grid = (REPORT_MODELS, range(splits), range(seeds), recipe, jobs)
    found["spread"] = audit_spread(train_grid(data, doubles.clusters, *grid))
    found["mitigation"] = (
        audit_mitigation(
            data, clearest_gap(found["groups"].tables["gaps"]), range(seeds), recipe
        )
        if found["groups"].available
        else missing("Without attributes there are no groups to re-weight.")
    )
    path = Path(out) if out else workspace().out / STORED
    write_json(path, as_content(data, found))
    return path
