"""Rows in one normal form, whatever the format they came in.

Normal form: the feature columns (string), the head's label (string; null, or an empty cell,
for none), `example_id` (string, null when the corpus has none), `split`, `input_digest`,
`source_file`, `source_row` and `origin`. A row that does not fit is refused: the intake keeps
it, with file, row and column, or raises.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.corpus_section import Corpus
from schemas.errors import CorpusError
from schemas.heads import Head
from schemas.layout import SPLIT_COLUMN, SPLITS
from stages.label.answer_column import AnswerColumn
from stages.label.identity import input_digests, splits_by_digest
from stages.label.intake import Intake, row_text
from stages.label.previous import KNOWN_COLUMN
from stages.label.units import RawRows
from stages.label.unlabelled import ORIGIN_COLUMN


def normalise(
    raw: RawRows,
    corpus: Corpus,
    head: Head,
    intake: Intake,
    *,
    answers: AnswerColumn | None = None,
) -> pa.Table:
    """Return the usable rows in normal form.

    Raises:
      CorpusError: a declared column is missing; or a feature is null, a class or split unknown,
        and nothing may be quarantined.
    """
    rows = _Rows(raw, intake)
    columns = _inputs(rows, corpus, answers)
    columns[head.label_column] = _label(rows, head)
    columns["example_id"] = _example_id(rows, corpus)
    columns[SPLIT_COLUMN] = _split(rows, corpus, columns["input_digest"])
    return rows.usable(columns, origin=0)


def normalise_unlabelled(
    raw: RawRows,
    corpus: Corpus,
    head: Head,
    intake: Intake,
    *,
    origin: int,
    answers: AnswerColumn | None = None,
) -> pa.Table:
    """Return the usable rows of an unlabelled corpus in normal form: no label, split `train`.

    Raises:
      CorpusError: a feature column is missing; or a feature is null, and nothing may be
        quarantined.
    """
    rows = _Rows(raw, intake)
    columns = _inputs(rows, corpus, answers)
    columns[head.label_column] = pa.nulls(raw.table.num_rows, pa.string())
    columns["example_id"] = pa.nulls(raw.table.num_rows, pa.string())
    columns[SPLIT_COLUMN] = pa.repeat(pa.scalar("train"), raw.table.num_rows)
    return rows.usable(columns, origin=origin)


def _inputs(rows: _Rows, corpus: Corpus, answers: AnswerColumn | None) -> dict[str, pa.Array]:
    features = [_feature(rows, name) for name in corpus.features]
    columns: dict[str, pa.Array] = dict(zip(corpus.features, features, strict=True))
    columns["input_digest"] = input_digests(features)
    if answers is not None:
        columns[KNOWN_COLUMN] = rows.answers(answers)
    return columns


class _Rows:
    """A batch under check: its columns as text, and which of its rows are refused."""

    def __init__(self, raw: RawRows, intake: Intake) -> None:
        self.raw = raw.table
        self.bad = np.zeros(raw.table.num_rows, np.bool_)
        self._numbers = raw.numbers
        self._intake = intake

    def answers(self, how: AnswerColumn) -> pa.Array:
        """Return the logits of a column of answers; a row without one is refused."""

        def refuse(mask: npt.NDArray[np.bool_], what: str, said: Callable[[int], str]) -> None:
            self.refuse(pa.array(mask), what, said, how.name)

        return how.logits(self._column(how.name), refuse)

    def text(self, name: str) -> pa.Array:
        """Return a column as text; a row that is no UTF-8 is refused."""
        column = self._column(name)
        simple = pa.types.is_integer(column.type) or pa.types.is_dictionary(column.type)
        if simple or pa.types.is_null(column.type):
            column = pc.cast(column, pa.string())
        if not any(is_text(column.type) for is_text in _TEXT_TYPES):
            raise CorpusError(
                f"wrong type: column {name!r} in {self._intake.source}: found {column.type}, "
                "expected text. Mend the corpus."
            )
        return self._utf8(column.cast(pa.binary()), name)

    def _column(self, name: str) -> pa.Array:
        if name not in self.raw.column_names:
            near = difflib.get_close_matches(name, self.raw.column_names, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise CorpusError(
                f"unknown column: {name!r} in {self._intake.source}: found "
                f"{self.raw.column_names}.{hint} Mend the corpus or the run file."
            )
        return self.raw[name].combine_chunks()

    def refuse(
        self, mask: pa.Array, what: str, said: Callable[[int], str], column: str | None = None
    ) -> None:
        """Refuse the rows of a mask; a row is refused once, for the first reason found."""
        for offset in np.flatnonzero(np.asarray(mask) & ~self.bad).tolist():
            self.bad[offset] = True
            number = int(self._numbers[offset])
            content = row_text(self.raw, offset)
            self._intake.refuse(what, number, said(offset), content, column=column)

    def usable(self, columns: dict[str, pa.Array], *, origin: int) -> pa.Table:
        """Return the rows that are not refused, with where they came from."""
        count = self.raw.num_rows
        columns["source_file"] = pa.repeat(pa.scalar(self._intake.source), count)
        columns["source_row"] = pa.array(self._numbers)
        columns[ORIGIN_COLUMN] = pa.array(np.full(count, origin, np.int8))
        whole = pa.table(columns)
        return whole.filter(pa.array(~self.bad)) if self.bad.any() else whole

    def _utf8(self, column: pa.Array, name: str) -> pa.Array:
        try:
            return column.cast(pa.string())
        except pa.ArrowInvalid:
            values = column.to_pylist()
            wrong = [value is not None and not _is_utf8(value) for value in values]
            self.refuse(pa.array(wrong), "wrong encoding", lambda _: "no UTF-8. Mend it.", name)
            mended = [None if bad else value for bad, value in zip(wrong, values, strict=True)]
            return pa.array(mended, pa.binary()).cast(pa.string())


_TEXT_TYPES = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _feature(rows: _Rows, name: str) -> pa.Array:
    column = rows.text(name)
    rows.refuse(pc.is_null(column), "no value", lambda _: "every row needs one. Mend it.", name)
    return pc.fill_null(column, "")


def _label(rows: _Rows, head: Head) -> pa.Array:
    column = rows.text(head.corpus_column)
    column = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    known = pc.is_in(column, value_set=pa.array(head.classes))
    unknown = pc.fill_null(pc.and_(pc.invert(known), pc.is_valid(column)), False)

    def said(offset: int) -> str:
        found = column[offset].as_py()
        near = difflib.get_close_matches(found, head.classes, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return (
            f"found {found[:80]!r}, expected one of {', '.join(head.classes[:12])}.{hint} "
            "Mend the row or `classes`."
        )

    rows.refuse(unknown, "unknown class", said, head.corpus_column)
    return pc.if_else(unknown, pa.scalar(None, pa.string()), column)


def _example_id(rows: _Rows, corpus: Corpus) -> pa.Array:
    if corpus.example_id is None:
        return pa.nulls(rows.raw.num_rows, pa.string())
    column = rows.text(corpus.example_id)
    rows.refuse(
        pc.is_null(column), "no example_id", lambda _: "every row needs one.", corpus.example_id
    )
    return column


def _split(rows: _Rows, corpus: Corpus, digests: pa.Array) -> pa.Array:
    if corpus.split.column is None:
        return splits_by_digest(digests, corpus.split)
    column = rows.text(corpus.split.column)
    known = pc.fill_null(pc.is_in(column, value_set=pa.array(SPLITS)), False)
    rows.refuse(
        pc.invert(known),
        "unknown split",
        lambda offset: f"found {column[offset].as_py()!r}, expected one of {', '.join(SPLITS)}.",
        corpus.split.column,
    )
    return column
