"""A corpus column that holds a teacher's answers: lists of numbers, or the same as JSON text."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import CorpusError
from schemas.head_kinds import USUAL_KIND, HeadKind
from schemas.teacher_section import Answers
from stages.heads import head_kind
from stages.rows.arrow_kinds import is_list, is_number, is_text
from stages.rows.columns import logits_lists
from stages.rows.probabilities import Answers as Numbers
from stages.rows.probabilities import (
    Flags,
    log_odds,
    logits_of_one,
    one_number_remedy,
    rows_within,
)

Refuse = Callable[[npt.NDArray[np.bool_], str, Callable[[int], str]], None]


@dataclass(frozen=True)
class AnswerColumn:
    """Where the answers are, and what they are.

    Attributes:
      name: of the column.
      classes: numbers in each.
      answers: probabilities become logits; they are never softmaxed again.
      kind: of the head.
      place: of the class that one number speaks of, where `answers` says that there is one.
    """

    name: str
    classes: int
    answers: Answers = "logits"
    kind: HeadKind = USUAL_KIND
    place: int | None = None

    def logits(self, column: pa.Array, refuse: Refuse) -> pa.Array:
        """Return float32 lists of logits; rows that hold no answer are refused.

        Raises:
          CorpusError: the column is of another type.
        """
        lists = _as_lists(column, self.name, refuse)
        sizes = pc.fill_null(pc.list_value_length(lists), -1).to_numpy(zero_copy_only=False)
        numbers = self.classes if self.place is None else 1
        fits = sizes == numbers
        said = "found {} numbers, expected {}. Mend the row." + self._remedy(sizes)
        refuse(~fits, "wrong number of answers", lambda at: said.format(sizes[at], numbers))
        found = np.zeros((len(lists), numbers), np.float32)
        flat = lists.filter(pa.array(fits)).flatten().to_numpy(zero_copy_only=False)
        found[fits] = flat.astype(np.float32).reshape(-1, numbers)
        finite = np.asarray(np.isfinite(found).all(axis=1))
        refuse(~finite, "answer is not finite", lambda at: f"found {found[at].tolist()[:8]}.")
        found[~finite] = 0.0
        if self.answers in ("logits", "one_logit"):
            return logits_lists(self._of_classes(found))
        of_rows, logits_of = self._probabilities()
        wrong = fits & finite & ~of_rows(found)
        refuse(wrong, "no probabilities", lambda at: f"found {found[at].tolist()[:8]}. Mend it.")
        return logits_lists(self._of_classes(logits_of(np.maximum(found, 0))))

    def _remedy(self, sizes: npt.NDArray[np.int64]) -> str:
        """Return what to state where every row has one number, of two classes; else nothing."""
        if self.place is not None or not (sizes == 1).all():
            return ""
        return one_number_remedy(1, self.classes, self.kind)

    def _probabilities(self) -> tuple[Callable[[Numbers], Flags], Callable[[Numbers], Numbers]]:
        """Return what tells rows of probabilities, and what makes logits of them."""
        if self.place is not None:
            return rows_within, log_odds
        kind = head_kind(self.kind)
        return kind.rows_of_probabilities, kind.logits_of_probabilities

    def _of_classes(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return logits if self.place is None else logits_of_one(logits, place=self.place)


def _as_lists(column: pa.Array, name: str, refuse: Refuse) -> pa.Array:
    kind = column.type
    if is_number(kind):
        column, kind = _one_each(column), pa.list_(kind)
    if is_list(kind):
        if is_number(kind.value_type):
            return column.cast(pa.list_(pa.float64()))
    elif is_text(kind) or pa.types.is_null(kind):
        values = [_parsed(value) for value in column.cast(pa.binary()).to_pylist()]
        wrong = np.array([value is None for value in values], np.bool_)
        refuse(wrong, "no list of numbers", lambda at: f"found {str(column[at])[:80]!r}. Mend it.")
        return pa.array([value or [] for value in values], pa.list_(pa.float64()))
    raise CorpusError(
        f"wrong type: column {name!r}: found {kind}, expected lists of numbers, or JSON text of "
        "them. Mend teacher.column or the corpus."
    )


def _one_each(column: pa.Array) -> pa.Array:
    """Return numbers as lists of one; null stays null."""
    offsets = pa.array(np.arange(len(column) + 1, dtype=np.int32))
    mask = column.is_null() if column.null_count else None
    return pa.ListArray.from_arrays(offsets, column, mask=mask)


def _parsed(text: bytes | None) -> list[float] | None:
    try:
        found = json.loads(text or b"")
        if type(found) in (int, float):
            return [float(found)]
        if not isinstance(found, list) or not all(type(value) in (int, float) for value in found):
            return None
        return [float(value) for value in found]
    except (ValueError, OverflowError, RecursionError):
        return None
