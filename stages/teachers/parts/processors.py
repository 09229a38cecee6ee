"""What this machine's processors are, as far as a teacher is run differently on them."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
_DESCRIPTION = Path("/proc/cpuinfo")


def usable_cores() -> int:
    """Return the number of cores that this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # another system than Linux
        return os.cpu_count() or 1


def computes_bfloat16(description: Path = _DESCRIPTION) -> bool:
    """Return whether there are bfloat16 instructions, as far as the system says."""
    try:
        flags = description.read_text(encoding="utf-8").split()
    except OSError:
        return platform.machine() == "arm64"
    return any(name in flags for name in _BFLOAT16)
