"""Downloads the real sources from Kaggle, once their terms are accepted."""

import re
from pathlib import Path
from typing import NamedTuple

from smartclass_utils import config
from smartclass_utils.config import SmartClassError
from smartclass_utils.layouts import PROVENANCE


def download_sources(accept_terms: bool = False) -> None:
    """Print the terms of the real sources; download them if they are accepted.

    A download stays in kagglehub's cache; ``data/raw`` gets a link to it, which names
    its version, so that the next time the very same version is taken, from the cache
    and without the network.

    Raises:
        SmartClassError: if kagglehub is missing or a download fails.
    """
    for source in PROVENANCE:
        print(f"{source.data_set} · {source.authors} · {source.where}")
        print(f"  {source.terms}")
    if not accept_terms:
        print("\nNothing was downloaded. If you accept these terms:")
        print("  make data ACCEPT_TERMS=1")
        return
    for source in PROVENANCE:
        folder = config.RAW_FOLDER / source.folder
        if folder.is_dir() and not folder.is_symlink():
            print(f"{source.data_set}: {folder.name} is there already, kept.")
        else:
            fetch(source, folder)


def fetch(source: NamedTuple, link: Path) -> None:
    """Download one source or take it from the cache, and link to it."""
    try:
        import kagglehub
    except ImportError as error:
        remedy = "run make data, or pip install '.[download]'"
        raise SmartClassError(f"kagglehub is not installed: {remedy}.") from error
    known = re.search(rf"{source.kaggle}/versions/\d+", link.resolve().as_posix())
    handle = known[0] if known else source.kaggle
    try:
        path = Path(kagglehub.dataset_download(handle))
    except Exception as error:  # kagglehub and its network library have many
        reason = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise SmartClassError(
            f"{source.data_set} could not be downloaded ({reason}): try again with a "
            f"network, or unpack kaggle.com/datasets/{source.kaggle} by hand into "
            f"data/raw/{source.folder}, or run make report DATA=demo without it."
        ) from error
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    try:
        link.symlink_to(path.resolve(), target_is_directory=True)
    except OSError as error:
        what = f"{link} cannot be a link ({error.strerror}): copy {path} there, or turn"
        raise SmartClassError(f"{what} on the developer mode of Windows.") from error
