"""Features that hold a list a row: words, or numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.corpus.checked_rows import CheckedRows
from stages.rows.lists import lists_from, positions_of


def words(rows: CheckedRows, name: str) -> pa.Array:
    """Return a feature that is a list of words; a row without any, or with a null, is refused."""
    column = rows.lists(name)
    elements, offsets = positions_of(column)
    missing = elements.is_null().to_numpy(zero_copy_only=False)
    _refuse_gaps(rows, name, missing, offsets, what="word", said="one of the words is null.")
    return lists_from(pc.fill_null(elements, ""), offsets)


def numbers(rows: CheckedRows, name: str) -> pa.Array:
    """Return a feature that is a list of numbers, as float32; one that is not finite is refused."""
    elements, offsets = positions_of(rows.number_lists(name))
    values = elements.to_numpy(zero_copy_only=False).astype(np.float32)
    broken = ~np.isfinite(values)
    _refuse_gaps(rows, name, broken, offsets, what="number", said="one is null or not finite.")
    return lists_from(pa.array(values), offsets)


def _refuse_gaps(
    rows: CheckedRows, name: str, gaps: np.ndarray, offsets: np.ndarray, *, what: str, said: str
) -> None:
    """Refuse rows that have no element, and then those of which one, bool [elements], is a gap."""
    counts = np.diff(offsets)
    some = np.add.reduceat(np.r_[gaps, False].astype(np.int64), offsets)[:-1] > 0
    none = pa.array(counts == 0)
    rows.refuse(none, f"no {what}s", lambda _: "every row needs one. Mend it.", name)
    rows.refuse(pa.array(some & (counts > 0)), f"no {what}", lambda _: f"{said} Mend it.", name)
