"""``python -m drawing``, from ``data/demo``: draw all faces, write ``faces.zip``."""

import tempfile
from pathlib import Path

from .archive import write_archive
from .tree import draw_tree

ARCHIVE = Path(__file__).resolve().parent.parent / "faces.zip"

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        write_archive(draw_tree(Path(folder)), ARCHIVE)
    print(f"{ARCHIVE}: {ARCHIVE.stat().st_size / 1e6:.1f} MB")
