"""Hard labels that are spans of a row's words: `first:last text`, or `first:last` alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from schemas.heads import Head
from stages.corpus.checked_rows import CheckedRows
from stages.rows.pointers import SEPARATOR, answer_text, read_span, separators, write_span


def refuse_without_separator(rows: CheckedRows, words: pa.Array) -> None:
    """Refuse rows that have no `[SEP]` between what is asked and what is asked about."""
    rows.refuse(
        pa.array(separators(words) < 0),
        "no separator",
        lambda _: f"expected the question, {SEPARATOR!r} and the context. Mend the row.",
    )


def spans_of_one_row(rows: CheckedRows, head: Head, *, of: pa.Array) -> pa.Array:
    """Return the answers of each row, a list, empty where there is none; null where none is stated.

    A row with an answer that is no span of the words after its `[SEP]` is refused.

    Args:
      rows: under check, of which those without `[SEP]` are refused already.
      head: for its column.
      of: the words, a list a row.
    """
    places = separators(of)
    found: list[list[str] | None] = []
    wrong: dict[int, str] = {}
    stated = rows.lists(head.corpus_column).to_pylist()
    for row, (answers, words, place) in enumerate(
        zip(stated, of.to_pylist(), places.tolist(), strict=True)
    ):
        try:
            found.append(None if answers is None else [_span(one, words, place) for one in answers])
        except ValueError as error:
            wrong[row] = str(error)
            found.append(None)
    rows.refuse(
        pa.array(np.isin(np.arange(len(stated)), list(wrong))),
        "no such answer",
        lambda row: f"{wrong[row]}. Mend the row.",
        head.corpus_column,
    )
    return pa.array(found, pa.list_(pa.string()))


def _span(written: str | None, words: list[str], separator: int) -> str:
    first, last, text = read_span(written or "")
    if not separator < first <= last < len(words):
        raise ValueError(
            f"found words {first} to {last}, expected some of {separator + 1} to {len(words) - 1}"
        )
    return write_span(first, last, text or answer_text(words, first, last))
