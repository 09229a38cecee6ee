"""Columns that hold a list a row: words, and a label for each of them."""

from __future__ import annotations

import difflib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.heads import Head
from schemas.spans import TagScheme
from stages.label.checked_rows import CheckedRows
from stages.row_logits import positions_of
from stages.spans import broken_at


def words(rows: CheckedRows, name: str) -> pa.Array:
    """Return a feature that is a list of words; a row without any, or with a null, is refused."""
    column = rows.lists(name)
    elements, offsets = positions_of(column)
    missing = np.add.reduceat(np.r_[elements.is_null().to_numpy(zero_copy_only=False), 0], offsets)
    counts = np.diff(offsets)
    empty = pc.is_null(column).to_numpy(zero_copy_only=False) | (counts == 0)
    rows.refuse(pa.array(empty), "no words", lambda _: "every row needs one. Mend it.", name)
    gaps = (missing[:-1] > 0) & (counts > 0)
    rows.refuse(pa.array(gaps), "no word", lambda _: "one of the words is null. Mend it.", name)
    return _lists(pc.fill_null(elements, ""), offsets)


def labels_by_position(rows: CheckedRows, head: Head, *, of: pa.Array) -> pa.Array:
    """Return the labels of a head by position; a row with more or fewer than positions is refused.

    Args:
      rows: under check.
      head: for its column and classes; an empty label is none.
      of: the feature whose positions they are, a list a row.
    """
    name, column = head.corpus_column, rows.lists(head.corpus_column)
    elements, offsets = positions_of(column)
    counts, expected = np.diff(offsets), pc.list_value_length(of).to_numpy(zero_copy_only=False)
    given = column.is_valid().to_numpy(zero_copy_only=False)
    rows.refuse(
        pa.array(given & (counts != expected)),
        "other number of labels",
        lambda row: f"found {counts[row]} for {expected[row]} positions. Mend the row.",
        name,
    )
    elements = pc.if_else(pc.equal(elements, ""), pa.scalar(None, pa.string()), elements)
    known = pc.is_in(elements, value_set=pa.array(head.classes))
    unknown = pc.and_(pc.invert(known), elements.is_valid()).to_numpy(zero_copy_only=False)
    row_of = np.repeat(np.arange(len(counts)), counts)
    first = {int(row_of[at]): int(at) for at in np.flatnonzero(unknown)[::-1]}
    rows.refuse(
        pa.array(np.isin(np.arange(len(counts)), list(first))),
        "unknown class",
        lambda row: unknown_class(elements[first[row]].as_py(), head),
        name,
    )
    found = _lists(elements, offsets, missing=~given)
    if head.tags is not None:
        _refuse_broken(rows, found, head.tags, name)
    return found


def _refuse_broken(rows: CheckedRows, labels: pa.Array, scheme: TagScheme, name: str) -> None:
    """Refuse rows whose tags do not keep to their scheme; those with gaps are passed over."""
    lists = labels.to_pylist()
    places = [None if tags is None or None in tags else broken_at(tags, scheme) for tags in lists]

    def said(row: int) -> str:
        place = places[row] or 0
        before = lists[row][place - 1] if place else "the start"
        found = lists[row][place] if place < len(lists[row]) else "the end"
        return f"found {found!r} after {before!r}, which is not {scheme}. Mend the row or `tags`."

    broken = pa.array([place is not None for place in places])
    rows.refuse(broken, "broken tags", said, name)


def label_type(head: Head) -> pa.DataType:
    """Return the type of a head's label column."""
    return pa.list_(pa.string()) if head.by_position else pa.string()


def unknown_class(found: str, head: Head) -> str:
    """Return what is said of a label that is none of the head's classes."""
    near = difflib.get_close_matches(found, head.classes, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return (
        f"found {found[:80]!r}, expected one of {', '.join(head.classes[:12])}.{hint} "
        "Mend the row or `classes`."
    )


def _lists(elements: pa.Array, offsets: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    mask = pa.array(missing) if missing is not None and missing.any() else None
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), elements, mask=mask)
