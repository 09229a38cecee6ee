"""How logits are rounded before they are stored; they stay ordinary float32 columns.

`float16` keeps 10 bits of mantissa (round to nearest, ties to even) and the whole exponent of
float32, so nothing overflows; the zeroed low bytes then compress away.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_MANTISSA_BITS = {"float32": 23, "float16": 10}

Logits = npt.NDArray[np.float32]


def is_no_coarser(precision: str, other: str) -> bool:
    """Return whether logits kept at one precision can stand for those kept at another.

    >>> is_no_coarser("float32", "float16"), is_no_coarser("float16", "float32")
    (True, False)
    """
    return _MANTISSA_BITS[precision] >= _MANTISSA_BITS[other]


def round_logits(logits: Logits, *, precision: str) -> Logits:
    """Return logits with the mantissa of the stated precision.

    Args:
      logits: float32 [rows, classes], finite.
      precision: `float32` (as they are) or `float16` (10 mantissa bits, relative error ≤ 2⁻¹¹).

    >>> round_logits(np.array([[1.0001, 100000.0]], np.float32), precision="float16").tolist()
    [[1.0, 99968.0]]
    """
    dropped = 23 - _MANTISSA_BITS[precision]
    if dropped == 0:
        return logits
    bits = logits.astype(np.float32).view(np.uint32)
    half = np.uint32((1 << (dropped - 1)) - 1)
    ties_to_even = (bits >> np.uint32(dropped)) & np.uint32(1)
    mask = np.uint32(~((1 << dropped) - 1) & 0xFFFFFFFF)
    rounded: Logits = ((bits + half + ties_to_even) & mask).view(np.float32)
    return rounded
