"""A button to upload photographs with, where the notebook is run by a person."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from ipywidgets import FileUpload, Output, VBox

SERVER_SETS = "JPY_SESSION_NAME"  # by the Jupyter server, for a notebook in the browser


def is_live() -> bool:
    """Return whether a person has this notebook open in a browser."""
    return SERVER_SETS in os.environ


def kept(uploaded: tuple[dict, ...], folder: Path) -> list[Path]:
    """Write uploaded files into a folder and return their paths.

    Args:
        uploaded: the value of a ``FileUpload``: ``name`` and ``content`` each.
        folder: where to put them; only the last part of a name is used.
    """
    paths = []
    for number, file in enumerate(uploaded):
        name = Path(file["name"].replace("\\", "/")).name.lstrip(".")
        path = folder / str(number) / (name or "photo")
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(file["content"]))
        paths.append(path)
    return paths


def upload_box(look: Callable[[list[Path]], None]) -> VBox:
    """Return a button that hands every upload to ``look`` and shows what it prints.

    The files lie in a temporary folder while ``look`` runs, and nowhere afterwards.

    Args:
        look: called with the paths of the uploaded files.
    """
    button = FileUpload(accept="image/*", multiple=True, description="Photographs")
    below = Output()

    def answer(change: dict) -> None:
        below.clear_output()
        with below, tempfile.TemporaryDirectory() as folder:
            look(kept(change["new"], Path(folder)))

    button.observe(answer, names="value")
    return VBox([button, below])
