"""How the C library deals with memory that numpy and torch have freed."""

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
LARGEST_KEPT = 32 * 2**20  # bytes of one block; glibc takes no more
KEPT = 2**30  # bytes


def keep_freed_memory() -> bool:
    """Ask glibc to keep freed memory for the next array instead of returning it.

    An array of more than 128 KiB is otherwise taken from the system, page by page, and
    given back, at every step of a training anew. Keeping it changes no result. Where
    there is no glibc, nothing happens.

    Returns:
        Whether the system took the wish.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is None:
        return False
    return bool(mallopt(MMAP_THRESHOLD, LARGEST_KEPT) & mallopt(TRIM_THRESHOLD, KEPT))
