"""Running one chapter in a copy, with other parameters and other code."""

import os
import sys
from itertools import chain
from pathlib import Path

import nbformat

from smartclass_utils.commands import report
from smartclass_utils.config import NOTEBOOKS

PRIVATE = {  # of a kernel that sees nothing of the reader's own, on one thread
    **dict.fromkeys(("SMARTCLASS_DATA", "SMARTCLASS_STAGE"), ""),
    **{"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
}


def run_chapter(
    number: int,
    tmp_path: Path,
    parameters: dict[str, object] | None = None,
    edits: dict[str, str] | None = None,
) -> str:
    """Run a copy of a chapter; return what it prints and shows, which is no warning.

    All its folders lie in ``tmp_path``. ``parameters`` are set below the cell tagged
    so; each of ``edits``, text → other text, must occur in the chapter's code.
    """
    [path] = NOTEBOOKS.glob(f"{number:02d}_*.ipynb")
    book = nbformat.read(path, as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    for old, new in (edits or {}).items():
        assert any(old in cell.source for cell in code), f"{path.name} lacks: {old}"
        for cell in code:
            cell.source = cell.source.replace(old, new)
    report.set_parameters(book, parameters or {})
    report.execute(book, path.stem, {**PRIVATE, "SMARTCLASS_OUT": str(tmp_path)})
    said = []
    for output in chain.from_iterable(cell.outputs for cell in code):
        assert output.get("name") != "stderr", output["text"]
        data = output.get("data", {})
        said += [output.get("text", ""), data.get("text/markdown", "")]
        said.append(data.get("text/plain", ""))
    return "\n".join(said)
