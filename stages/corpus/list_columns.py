"""Columns that hold a list a row: words, a label for each of them, or several labels of one row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.heads import Head
from schemas.spans import TagScheme
from stages.corpus.checked_rows import CheckedRows, unknown_class
from stages.heads.spans import broken_at
from stages.rows.lists import offsets_of, positions_of


def words(rows: CheckedRows, name: str) -> pa.Array:
    """Return a feature that is a list of words; a row without any, or with a null, is refused."""
    column = rows.lists(name)
    elements, offsets = positions_of(column)
    missing = elements.is_null().to_numpy(zero_copy_only=False)
    _refuse_gaps(rows, name, missing, offsets, what="word", said="one of the words is null.")
    return _lists(pc.fill_null(elements, ""), offsets)


def numbers(rows: CheckedRows, name: str) -> pa.Array:
    """Return a feature that is a list of numbers, as float32; one that is not finite is refused."""
    elements, offsets = positions_of(rows.number_lists(name))
    values = elements.to_numpy(zero_copy_only=False).astype(np.float32)
    broken = ~np.isfinite(values)
    _refuse_gaps(rows, name, broken, offsets, what="number", said="one is null or not finite.")
    return _lists(pa.array(values), offsets)


def _refuse_gaps(
    rows: CheckedRows, name: str, gaps: np.ndarray, offsets: np.ndarray, *, what: str, said: str
) -> None:
    """Refuse rows that have no element, and then those of which one, bool [elements], is a gap."""
    counts = np.diff(offsets)
    some = np.add.reduceat(np.r_[gaps, False].astype(np.int64), offsets)[:-1] > 0
    none = pa.array(counts == 0)
    rows.refuse(none, f"no {what}s", lambda _: "every row needs one. Mend it.", name)
    rows.refuse(pa.array(some & (counts > 0)), f"no {what}", lambda _: f"{said} Mend it.", name)


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
    _refuse_unknown(rows, elements, counts, head)
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


def labels_of_one_row(rows: CheckedRows, head: Head) -> pa.Array:
    """Return the classes of each row, a list in the order of the head; null where none is stated.

    An empty list says that it has none of them. In text, labels stand between white space, or as a
    JSON list (`["New York"]`, `[]`). Of one class alone, 0 and 1 (or false and true) say the same.
    """
    if len(head.classes) == 1 and rows.is_number(head.corpus_column):
        return _labels_of_flags(rows, head)
    column = rows.label_lists(head.corpus_column)
    elements, offsets = positions_of(column)
    counts = np.diff(offsets)
    names = head.classes
    if len(names) == 1:
        names, elements = (*names, "0"), _as_classes(elements, names[0])
    _refuse_unknown(rows, pc.fill_null(elements, ""), counts, head, classes=names)
    has = np.zeros((len(column), len(names)), np.bool_)
    places = pc.fill_null(pc.index_in(elements, value_set=pa.array(names)), -1)
    places = places.to_numpy(zero_copy_only=False)
    owners = np.repeat(np.arange(len(column)), counts)
    has[owners[places >= 0], places[places >= 0]] = True
    given = column.is_valid().to_numpy(zero_copy_only=False)
    return _labels_of(has[:, : len(head.classes)], given, head)


def _as_classes(elements: pa.Array, name: str) -> pa.Array:
    """Return flags that are text as the one class, or as `0`."""
    flags = {"1": name, "1.0": name, "true": name, "0": "0", "0.0": "0", "false": "0"}
    coded = elements.dictionary_encode()
    found = coded.dictionary.to_pylist()
    stands_for = [one if one == name else flags.get(one.lower(), one) for one in found]
    return pa.array(stands_for, pa.string()).take(coded.indices)


def _labels_of_flags(rows: CheckedRows, head: Head) -> pa.Array:
    flags = rows.numbers(head.corpus_column).to_numpy(zero_copy_only=False)
    given = ~np.isnan(flags)
    rows.refuse(
        pa.array(given & ~np.isin(flags, (0, 1))),
        "no label",
        lambda row: f"found {flags[row]:g}, expected 0 or 1. Mend the row.",
        head.corpus_column,
    )
    return _labels_of((flags == 1)[:, None], given, head)


def _labels_of(has: np.ndarray, given: np.ndarray, head: Head) -> pa.Array:
    """Return lists of the classes that rows have, bool [rows, classes]; null where not given."""
    names = pa.array(head.classes).take(pa.array(np.nonzero(has)[1]))
    return _lists(names, offsets_of(has.sum(axis=1)), missing=~given)


def _refuse_unknown(
    rows: CheckedRows,
    elements: pa.Array,
    counts: np.ndarray,
    head: Head,
    *,
    classes: tuple[str, ...] | None = None,
) -> None:
    """Refuse rows of which a label, unless it is null, is none of the classes (the head's own)."""
    known = pc.is_in(elements, value_set=pa.array(classes or head.classes))
    unknown = pc.and_(pc.invert(known), elements.is_valid()).to_numpy(zero_copy_only=False)
    row_of = np.repeat(np.arange(len(counts)), counts)
    first = {int(row_of[at]): int(at) for at in np.flatnonzero(unknown)[::-1]}
    rows.refuse(
        pa.array(np.isin(np.arange(len(counts)), list(first))),
        "unknown class",
        lambda row: unknown_class(elements[first[row]].as_py(), head),
        head.corpus_column,
    )


def _lists(elements: pa.Array, offsets: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    mask = pa.array(missing) if missing is not None and missing.any() else None
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), elements, mask=mask)
