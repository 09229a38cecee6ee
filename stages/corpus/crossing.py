"""Inputs that are in several splits: a row that is trained on is then tested on too.

Rows of one input are in one bucket, so each bucket is counted by itself. Where such rows are left
out, the input stays where it is held out most: in test, else in validation. Unlabelled rows of a
labelled text are left out anyway, and count for nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.layout import SPLIT_COLUMN, SPLITS
from stages.corpus.formats.units import ORIGIN_COLUMN
from stages.rows.identity import distinct


def splits_of_inputs(rows: pa.Table) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return int64 [rows] twice: the bit of each row's split, and those of all of its input.

    A later split, which is held out more, has a higher bit. Rows of none of the splits, or of an
    unlabelled corpus, have no bit, and count for nothing.
    """
    if not rows.num_rows:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    place = pc.fill_null(pc.index_in(rows[SPLIT_COLUMN], value_set=pa.array(SPLITS)), -1)
    place = place.to_numpy()
    if ORIGIN_COLUMN in rows.column_names:
        place = np.where(rows[ORIGIN_COLUMN].to_numpy() == 0, place, -1)
    bits = np.where(place >= 0, 1 << np.maximum(place, 0), 0).astype(np.int64)
    first, inputs = distinct(rows["input_digest"])
    whole = np.zeros(len(first), np.int64)
    np.bitwise_or.at(whole, inputs, bits)
    return bits, whole[inputs]


def crossing_inputs(rows: pa.Table) -> dict[str, int]:
    """Return how many inputs are in several splits, by the names of these.

    Args:
      rows: every one of the inputs that it has; views are none of the corpus's, and are left out.
    """
    if "view" in rows.column_names:
        rows = rows.filter(pc.equal(rows["view"], 0))
    first, _ = distinct(rows["input_digest"]) if rows.num_rows else (np.zeros(0, np.int64), None)
    _, whole = splits_of_inputs(rows)
    found, counts = np.unique(whole[first], return_counts=True)
    several = [(int(bits), int(count)) for bits, count in zip(found, counts, strict=True)]
    return dict(sorted((_names(bits), count) for bits, count in several if bits & (bits - 1)))


def less_held_out(rows: pa.Table) -> pa.Array:
    """Return bool [rows]: which are of an input that a split has too which is held out more."""
    bits, whole = splits_of_inputs(rows)
    return pa.array((bits > 0) & (whole >= 2 * bits))


def summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return counts by splits, added up.

    >>> summed([{"train, test": 1}, {}, {"train, test": 2}])
    {'train, test': 3}
    """
    found: dict[str, int] = {}
    for one in counts:
        for names, count in one.items():
            found[names] = found.get(names, 0) + count
    return dict(sorted(found.items()))


def _names(bits: int) -> str:
    return ", ".join(name for place, name in enumerate(SPLITS) if bits >> place & 1)
