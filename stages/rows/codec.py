"""How a teacher's logits become columns of the table, and columns logits again.

Rounded logits stay float32: `float16` keeps 10 bits of mantissa and `bfloat16` 7 (round to
nearest, ties to even), both the whole exponent, so nothing overflows; the zeroed low bytes
compress away. With `top_k` the largest logits are kept, largest first, beside the log of the
summed exponentials of the others: the teacher's probability of each kept class stays what it
was, and what is left over is known as a whole.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.layout import Encoding, Layout
from stages.rows.columns import logits_lists, logits_matrix
from stages.rows.lists import positions_of
from stages.rows.row_logits import RowLogits, by_position

_MANTISSA_BITS = {"float32": 23, "float16": 10, "bfloat16": 7}

Logits = npt.NDArray[np.float32]


def encode(answers: RowLogits, layout: Layout) -> dict[str, pa.Array]:
    """Return the columns that hold logits, by name.

    Args:
      answers: of the rows; finite, but for positions that were not seen.
      layout: the table's.
    """
    if answers.offsets is None:
        return _encode_lines(answers.values, layout)
    seen = answers.seen
    columns = _encode_lines(answers.values[seen], layout)
    return {name: by_position(lines, seen, answers.offsets) for name, lines in columns.items()}


def decode(rows: pa.Table, layout: Layout) -> RowLogits:
    """Return the logits of the columns that `encode` made.

    Classes that `top_k` dropped share the mass of the tail equally, since no more is known.
    """
    if not layout.head.by_position:
        return RowLogits(_decode_lines(rows.select(layout.logit_columns), layout))
    lines = {}
    for name in layout.logit_columns:
        positions, offsets = positions_of(rows[name])
        seen = positions.is_valid()
        lines[name] = positions.filter(seen)
    values = np.full((len(positions), len(layout.head.classes)), np.nan, np.float32)
    values[seen.to_numpy(zero_copy_only=False)] = _decode_lines(pa.table(lines), layout)
    return RowLogits(values, offsets)


def _encode_lines(logits: Logits, layout: Layout) -> dict[str, pa.Array]:
    rounded = round_logits(logits, precision=layout.encoding.precision)
    top_k = layout.encoding.top_k
    if top_k is None:
        return dict(zip(layout.logit_columns, [logits_lists(rounded)], strict=True))
    classes = _largest(rounded, top_k)
    kept = np.take_along_axis(rounded, classes, axis=1)
    rest = logits.astype(np.float64)
    np.put_along_axis(rest, classes, -np.inf, axis=1)
    tail = np.logaddexp.reduce(rest, axis=1).astype(np.float32)
    columns = [logits_lists(kept), logits_lists(classes, pa.int32()), pa.array(tail)]
    return dict(zip(layout.logit_columns, columns, strict=True))


def _decode_lines(rows: pa.Table, layout: Layout) -> Logits:
    """Return float32 [lines, classes]."""
    columns = [rows[name] for name in layout.logit_columns]
    kept = logits_matrix(columns[0])
    top_k, classes = layout.encoding.top_k, len(layout.head.classes)
    if top_k is None or len(kept) == 0:
        return kept.reshape(len(kept), -1 if len(kept) else classes)
    share = columns[2].to_numpy().astype(np.float64) - np.log(classes - top_k)
    logits = np.repeat(share.astype(np.float32)[:, None], classes, axis=1)
    numbers = columns[1].combine_chunks().flatten().to_numpy().reshape(-1, top_k)
    np.put_along_axis(logits, numbers.astype(np.int64), kept, axis=1)
    return logits


def is_no_coarser(encoding: Encoding, other: Encoding) -> bool:
    """Return whether logits kept one way can stand for those kept another.

    >>> is_no_coarser(Encoding(precision="float32"), Encoding(precision="float16", top_k=3))
    True
    >>> is_no_coarser(Encoding(precision="float32", top_k=3), Encoding(precision="float16"))
    False
    """
    if _MANTISSA_BITS[encoding.precision] < _MANTISSA_BITS[other.precision]:
        return False
    return encoding.top_k is None or (other.top_k is not None and other.top_k <= encoding.top_k)


def round_logits(logits: Logits, *, precision: str) -> Logits:
    """Return logits with the mantissa of the stated precision.

    Args:
      logits: float32 [rows, classes], finite.
      precision: `float32` (as they are), `float16` (relative error ≤ 2⁻¹¹) or `bfloat16` (2⁻⁸).

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


def _largest(logits: Logits, top_k: int) -> npt.NDArray[np.int64]:
    """Return int64 [rows, top_k]: the classes of the largest logits, largest first."""
    some = np.sort(np.argpartition(-logits, top_k - 1, axis=1)[:, :top_k], axis=1)
    values = np.take_along_axis(logits, some, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1).astype(np.int64)
