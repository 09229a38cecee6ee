"""Rows of lists that lack something are refused."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.inputs.protocol import Rows
from stages.rows.lists import Numbers


def refuse_gaps(
    rows: Rows,
    name: str,
    gaps: npt.NDArray[np.bool_],
    offsets: Numbers,
    *,
    what: str,
    said: str,
) -> None:
    """Refuse rows that have no element, and then those of which one is a gap.

    Args:
      rows: under check.
      name: of the column.
      gaps: bool [elements].
      offsets: int64 [rows + 1], where each row's elements begin.
      what: an element is called.
      said: of a row with a gap.
    """
    counts = np.diff(offsets)
    some = np.add.reduceat(np.r_[gaps, False].astype(np.int64), offsets)[:-1] > 0
    none = pa.array(counts == 0)
    rows.refuse(none, f"no {what}s", lambda _: "every row needs one. Mend it.", name)
    rows.refuse(pa.array(some & (counts > 0)), f"no {what}", lambda _: f"{said} Mend it.", name)
