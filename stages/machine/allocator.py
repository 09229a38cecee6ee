"""Freed memory: kept in the process while a model trains, given back between passes.

A model's step on a CPU frees and takes again the same few megabytes hundreds of times. By
default glibc returns each such block to the kernel, which then clears every page anew: on a
virtual machine that was measured to cost up to half of a training step. Other C libraries
are left as they are.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_SETTINGS = {
    _M_MMAP_MAX: 0,
    _M_TRIM_THRESHOLD: 2**31 - 1,
    _M_TOP_PAD: 2**28,  # more than any thread's heap, so that none is unmapped when it is free
}


def keep_freed_memory() -> bool:
    """Tell glibc to keep what is freed; return whether it was told.

    The process's resident size then stays at its peak.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    return all(mallopt(name, value) == 1 for name, value in _SETTINGS.items())


def return_freed_memory() -> None:
    """Give memory that is in use no more back to the system: cycles, Arrow's pool, the C heap."""
    import pyarrow as pa  # the command's start must not wait for it

    gc.collect()
    pa.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
