"""Writing files so that a reader never meets half of one; and a quiet stderr."""

import errno
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from smartclass_utils.config import SmartClassError

NO_ROOM = ("ENOSPC", "EDQUOT", "EROFS", "EACCES", "ENOTDIR", "EEXIST")
RESERVED = re.compile(  # by Windows; for the tables beside a clean folder's classes
    r"(con|prn|aux|nul|(com|lpt)[\d¹²³])( *\..*)?|.*\.(csv|npy|json)", re.I
)


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn a full or read-only disk, or a file in the way, into one sentence."""
    try:
        yield
    except OSError as error:
        if errno.errorcode.get(error.errno) not in NO_ROOM:
            raise
        raise SmartClassError(
            f"{folder} cannot be written to ({error.strerror}): make room, shut "
            "down notebooks that use it, or choose another OUT=…, and run again."
        ) from error


def safe_name(name: str) -> str:
    """Return a name as one of a file or folder that every system takes."""
    name = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "-", name).strip(" .")[:60].strip(" .")
    return f"{name}_" if RESERVED.fullmatch(name) else name or "unnamed"


@contextmanager
def in_place_of(path: Path) -> Iterator[Path]:
    """Give a place for a file or folder that is moved to ``path`` once it is complete.

    If the body raises, or the process dies, an older one stays whole.
    """
    # What processes of the body still write in must not hide its error.
    place = {"dir": path.parent, "ignore_cleanup_errors": True}
    with disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.new", **place) as hidden:
            new, old = Path(hidden, "new"), Path(hidden, "old")
            yield new
            try:
                if new.is_dir() and path.is_dir():  # nothing replaces a folder
                    path.replace(old)
                new.replace(path)
            finally:  # Ctrl-C, or on Windows a file in use, may come between the two
                if old.exists() and not path.exists():
                    old.replace(path)


@contextmanager
def only_one(lock: Path, busy: str, wait: bool = False) -> Iterator[None]:
    """Keep a second run out while this one is at work, by a file that both lock.

    The system frees the lock however a process ends; the empty file stays. Where
    another run holds it, ``busy`` is said, and this one waits if it is to ``wait``.
    """
    with disk_errors(lock.parent):  # filelock would wait for ever there
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
    try:
        held = FileLock(lock).acquire(timeout=0)
    except Timeout:
        if not wait:
            raise SmartClassError(busy) from None
        print(busy, flush=True)
        held = FileLock(lock).acquire()
    with held:
        yield


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, all of it or nothing."""
    with in_place_of(path) as new:
        new.write_bytes(text.encode("utf-8"))


def write_json(path: Path, content: dict | list) -> None:
    """Write ``content`` as indented JSON, all of it or nothing."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path, remedy: str = "run `make report` again") -> dict:
    """Read a JSON object that somebody may have cut off or changed.

    Raises:
        SmartClassError: with the remedy, if it is missing or no JSON object.
    """
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        what = "cannot be read as a JSON object" if path.exists() else "is missing"
        raise SmartClassError(f"{path} {what}: {remedy}.")
    return content


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fingerprint_of(folder: Path) -> str:
    """Return the SHA-256 of a clean folder's labels and pixels, ``""`` without them."""
    try:
        both = sha256(folder / "labels.csv") + sha256(folder / "images.npy")
    except OSError:
        return ""
    return hashlib.sha256(both.encode()).hexdigest()


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep out of the notebook what libtiff prints, past Python, of broken files."""
    kept = os.dup(2)
    with open(os.devnull, "wb") as sink:  # noqa: PTH123
        os.dup2(sink.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
