"""Helpers shared by the notebooks of SmartClass A.I.ssistant."""

import os

__version__ = "2.0.0"

# Before torch loads. Threads that wait spin for some microseconds and then sleep, for
# the sake of busy programs beside them; what it gains and costs varies from machine to
# machine (benchmarks/README.md). And glibc keeps freed memory for the next array; it
# reads that when a process starts, so this is for kernels and workers.
os.environ.setdefault("GOMP_SPINCOUNT", "2000")
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(2**28))  # bytes
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(2**25))
