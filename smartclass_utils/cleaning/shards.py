"""What a worker process of the cleaning does: some files at a time, journalled."""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from smartclass_utils.cleaning import images
from smartclass_utils.files import replacing

SHARD = 256  # files decoded between two notes in the journal


class Verdict(NamedTuple):
    """What became of one file; the texts are ``""`` or empty where not needed."""

    sha256: str
    kind: str  # why it was rejected, in few words
    reason: str  # the same with its details
    notes: list[str]  # what was mended or flagged


def clean_shard(root: str, files: list[str], size: int, part: Path) -> int:
    """Decode some files, write PNG files and, last, ``part``; return how many files.

    Args:
        root: the data root.
        files: paths relative to it.
        size: height and width wanted, pixels.
        part: an ``.npz`` file to write.
    """
    with quiet_libraries():
        arrays, verdicts = decode_files(root, files, size)
    journal = part.with_suffix("")
    journal.mkdir(parents=True, exist_ok=True)
    for k, array in enumerate(arrays):
        write_png(array, f"{journal}/{k}.png")
    pixels = np.array(arrays, np.uint8).reshape(-1, size, size)
    text = json.dumps(verdicts).encode("utf-8")
    with replacing(part) as stream:
        np.savez(stream, images=pixels, verdicts=np.frombuffer(text, np.uint8))
    return len(files)


def decode_files(
    root: str, files: list[str], size: int
) -> tuple[list[np.ndarray], list[Verdict]]:
    """Return the images that can be used, and what became of every file."""
    arrays, verdicts = [], []
    for file in files:
        path = os.path.join(root, file)  # noqa: PTH118, as quick as it can be
        digest = ""
        try:
            content = images.read(path)
            digest = hashlib.sha256(content).hexdigest()
            decoded = images.decode_bytes(
                content, size, is_row=images.csv_row(path) is not None
            )
        except images.Rejected as verdict:
            verdicts.append(Verdict(digest, verdict.kind, str(verdict), []))
            continue
        arrays.append(decoded.array)
        verdicts.append(Verdict(digest, "", "", list(decoded.notes)))
    return arrays, verdicts


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep what C libraries print about broken files out of the notebook.

    libtiff does so, past Python and its exceptions, which say the same.
    """
    kept = os.dup(2)
    with open(os.devnull, "wb") as sink:  # noqa: PTH123
        os.dup2(sink.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def read_verdicts(part: Path, n_files: int) -> list[Verdict] | None:
    """Return a shard's verdicts, ``None`` if it is missing, cut or damaged."""
    try:
        with np.load(part, allow_pickle=False) as content:
            rows = json.loads(content["verdicts"].tobytes())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    verdicts = [Verdict(*row) for row in rows]
    return verdicts if len(verdicts) == n_files else None


def read_images(part: Path) -> np.ndarray:
    """Return the images that a shard keeps, uint8 (n, size, size)."""
    with np.load(part, allow_pickle=False) as content:
        return content["images"]


def write_png(array: np.ndarray, path: str | Path) -> None:
    """Write a grey image without compression, in one go.

    A small face fills one block of the disk either way, and so the bytes do not depend
    on the version of zlib.
    """
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG", compress_level=0)
    with open(path, "wb") as file:  # noqa: PTH123, quicker than pathlib
        file.write(stream.getbuffer())


def move_pngs(part: Path, pixels: np.ndarray, targets: list[str | None]) -> None:
    """Move a shard's images out of the journal, or write those moved before.

    Args:
        part: the shard.
        pixels: its images, uint8 (n, size, size).
        targets: where each belongs, ``None`` if nowhere.
    """
    journal = part.with_suffix("")
    for k, target in enumerate(targets):
        if target is None:
            continue
        try:
            os.replace(f"{journal}/{k}.png", target)  # noqa: PTH105, likewise
        except FileNotFoundError:
            write_png(pixels[k], target)
