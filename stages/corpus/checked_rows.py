"""A batch of corpus rows under check: its columns as text, and which rows are refused."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import CorpusError
from stages.corpus.answer_column import AnswerColumn
from stages.corpus.formats.units import ORIGIN_COLUMN, RawRows
from stages.rows.arrow_kinds import is_list, is_number, is_text
from stages.rows.intake import Intake, row_text

_LARGEST = float(np.finfo(np.float32).max)


class CheckedRows:
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
        if not is_text(column.type):
            raise CorpusError(
                f"wrong type: column {name!r} in {self._intake.source}: found {column.type}, "
                "expected text. Mend the corpus."
            )
        return self._utf8(column.cast(pa.binary()), name, pa.string())

    def lists(self, name: str) -> pa.Array:
        """Return a column of lists of texts; text is split at white space, and empty text is none.

        A row that is no UTF-8 is refused.

        Raises:
          CorpusError: the column is missing or of another type.
        """
        column = self._column(name)
        if _may_be_text(column.type):
            text = pc.utf8_trim_whitespace(self.text(name))
            text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
            return pc.utf8_split_whitespace(text).cast(pa.list_(pa.string()))
        if not is_list(column.type) or not _may_be_text(column.type.value_type):
            raise CorpusError(
                f"wrong type: column {name!r} in {self._intake.source}: found {column.type}, "
                "expected lists of texts. Mend the corpus."
            )
        plain = pa.string() if pa.types.is_dictionary(column.type.value_type) else pa.binary()
        lists = column.cast(pa.list_(plain)).cast(pa.list_(pa.binary()))
        return self._utf8(lists, name, pa.list_(pa.string()))

    def label_lists(self, name: str) -> pa.Array:
        """Return a column of lists of labels; text is split, or read where it is a JSON list."""
        column = self._column(name)
        if not _may_be_text(column.type):
            return self.lists(name)
        texts = self.text(name)
        if not pc.any(pc.starts_with(pc.utf8_trim_whitespace(texts), "[")).as_py():
            return self.lists(name)
        return pa.array([_labels(text) for text in texts.to_pylist()], pa.list_(pa.string()))

    def number_lists(self, name: str) -> pa.Array:
        """Return a column of lists of numbers, float64.

        Raises:
          CorpusError: the column is missing or of another type.
        """
        column = self._column(name)
        inner = column.type.value_type if is_list(column.type) else pa.null()
        if not is_number(inner):
            raise CorpusError(
                f"wrong type: column {name!r} in {self._intake.source}: found {column.type}, "
                "expected lists of numbers. Mend the corpus."
            )
        return column.cast(pa.list_(pa.float64()))

    def is_number(self, name: str) -> bool:
        """Return whether a column is of numbers, or of truth values."""
        kind = self._column(name).type
        return bool(is_number(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind))

    def numbers(self, name: str) -> pa.Array:
        """Return a column as float64, null for none; a row that is no finite float32 is refused.

        Null, NaN and an empty cell are none.
        """
        if self.is_number(name):
            column = self._column(name)
            plain = column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column
            values = plain.cast(pa.float64(), safe=False)
            values = pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
            said = column
        else:
            said = self.text(name)
            values = pa.array([_number(text) for text in said.to_pylist()], pa.float64())
        fits = pc.fill_null(pc.less_equal(pc.abs(values), _LARGEST), True)
        self.refuse(
            pc.invert(fits),
            "no number",
            lambda row: (
                f"found {str(said[row])[:80]!r}, expected a number that float32 holds. Mend it."
            ),
            name,
        )
        return pc.if_else(fits, values, pa.scalar(None, pa.float64()))

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

    def _utf8(self, column: pa.Array, name: str, kind: pa.DataType) -> pa.Array:
        """Return bytes, or lists of them, as text of a kind; a row that is no UTF-8 is refused."""
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            values = column.to_pylist()
            wrong = [not _is_utf8(value) for value in values]
            self.refuse(pa.array(wrong), "wrong encoding", lambda _: "no UTF-8. Mend it.", name)
            mended = [None if bad else value for bad, value in zip(wrong, values, strict=True)]
            return pa.array(mended, column.type).cast(kind)


def _labels(text: str | None) -> list[str] | None:
    """Return what a cell says: a JSON list of texts, or what stands between white space."""
    if text is None or not text.strip():
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    listed = isinstance(found, list) and all(isinstance(one, str) for one in found)
    return list(found) if listed else text.split()


def _number(text: str | None) -> float | None:
    """Return what a cell says, NaN where that is no number, None where it is empty."""
    if text is None or not text.strip():
        return None
    try:
        return float(text) if "_" not in text else float("nan")
    except ValueError:
        return float("nan")


def _may_be_text(kind: pa.DataType) -> bool:
    return is_text(kind) or pa.types.is_dictionary(kind) or pa.types.is_null(kind)


def _is_utf8(value: bytes | list[bytes | None] | None) -> bool:
    """Return whether bytes, or all in a list, are UTF-8; none at all is."""
    if value is None or isinstance(value, list):
        return all(map(_is_utf8, value or []))
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
