"""Hard labels of corpus rows that are names of classes: those that there are, and others."""

from __future__ import annotations

import difflib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.heads import Head
from stages.heads.protocol import LabelledRows
from stages.machine.listing import first_few
from stages.rows.lists import Numbers


def one_class(rows: LabelledRows, head: Head) -> pa.Array:
    """Return the class of each row as text, null for none; another is refused."""
    column = without_empty(rows.text(head.corpus_column))
    known = pc.is_in(column, value_set=pa.array(head.stated_labels))
    unknown = pc.fill_null(pc.and_(pc.invert(known), pc.is_valid(column)), False)
    rows.refuse(
        unknown,
        "unknown class",
        lambda offset: unknown_class(column[offset].as_py(), head),
        head.corpus_column,
    )
    return pc.if_else(unknown, pa.scalar(None, pa.string()), column)


def without_empty(column: pa.Array) -> pa.Array:
    """Return texts, null where one is empty."""
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def refuse_unknown(
    rows: LabelledRows,
    elements: pa.Array,
    counts: Numbers,
    head: Head,
    *,
    classes: tuple[str, ...] | None = None,
    also: str = "",
) -> None:
    """Refuse rows of which a label, unless it is null, is none of the classes (the head's own).

    Args:
      rows: under check.
      elements: the labels of all rows, one after another.
      counts: int64 [rows], how many each has.
      head: theirs.
      classes: that are known.
      also: what is said after the head's classes.
    """
    known = pc.is_in(elements, value_set=pa.array(classes or head.classes))
    unknown = pc.and_(pc.invert(known), elements.is_valid()).to_numpy(zero_copy_only=False)
    row_of = np.repeat(np.arange(len(counts)), counts)
    first = {int(row_of[at]): int(at) for at in np.flatnonzero(unknown)[::-1]}
    rows.refuse(
        pa.array(np.isin(np.arange(len(counts)), list(first))),
        "unknown class",
        lambda row: unknown_class(elements[first[row]].as_py(), head, also=also),
        head.corpus_column,
    )


def unknown_class(found: str, head: Head, *, also: str = "") -> str:
    """Return what is said of a label that is none of the head's classes."""
    near = difflib.get_close_matches(found, head.stated_labels, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return (
        f"found {found[:80]!r}, expected one of {first_few(head.classes)}{also}.{hint} "
        "Mend the row or `classes`."
    )
