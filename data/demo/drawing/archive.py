"""One archive of the drawn tree, the same whenever it is written."""

import zipfile
from pathlib import Path

DATE = (1980, 1, 1, 0, 0, 0)  # of every file: the earliest that a ZIP archive can hold


def write_archive(folder: Path, archive: Path) -> None:
    """Store a folder's files in a ZIP archive: sorted names, one date, one mode.

    Args:
        folder: its files are named relative to it.
        archive: the file to write; it takes its name once it is complete.
    """
    paths = (path for path in folder.rglob("*") if path.is_file())
    named = sorted((path.relative_to(folder).as_posix(), path) for path in paths)
    partial = archive.with_name(f".{archive.name}.partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for name, path in named:
            entry = zipfile.ZipInfo(name, DATE)
            entry.create_system = 3  # Unix, on every system
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, path.read_bytes())
    partial.replace(archive)
