"""The hard labels of a corpus's rows, by what the head predicts."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from schemas.head_kinds import HeadKind
from schemas.heads import Head
from stages.corpus.checked_rows import CheckedRows, unknown_class
from stages.corpus.list_columns import labels_by_position, labels_of_one_row
from stages.corpus.pointer_column import spans_of_one_row


def hard_labels(rows: CheckedRows, head: Head, *, of: pa.Array) -> pa.Array:
    """Return the head's label column; null, or an empty cell, is none.

    A string a row; a list of strings where each position has one, or where a row has any number of
    classes, or of answers; a float64 where it is a number. Rows whose label does not fit are
    refused.

    Args:
      rows: under check.
      head: for its kind, column and classes.
      of: the first feature, whose positions those are of a head by position.
    """
    if head.points:
        return spans_of_one_row(rows, head, of=of)
    if head.by_position:
        return labels_by_position(rows, head, of=of)
    return _OF_KINDS[head.kind](rows, head)


def _one_class(rows: CheckedRows, head: Head) -> pa.Array:
    column = rows.text(head.corpus_column)
    column = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    known = pc.is_in(column, value_set=pa.array(head.stated_labels))
    unknown = pc.fill_null(pc.and_(pc.invert(known), pc.is_valid(column)), False)

    rows.refuse(
        unknown,
        "unknown class",
        lambda offset: unknown_class(column[offset].as_py(), head),
        head.corpus_column,
    )
    return pc.if_else(unknown, pa.scalar(None, pa.string()), column)


_OF_KINDS: dict[HeadKind, Callable[[CheckedRows, Head], pa.Array]] = {
    "softmax": _one_class,
    "sigmoid": labels_of_one_row,
    "regression": lambda rows, head: rows.numbers(head.corpus_column),
}
