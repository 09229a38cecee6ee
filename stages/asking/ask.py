"""Ask the teacher: each distinct input once, in batches of similar length, answers in row order.

Inputs are preprocessed some thousands at a time, the next ones while the teacher answers. A teacher
that gains by it is asked for several batches at a time. An input that it fails on is found by
halving its batch until it is alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import PipelineError, UserCodeError
from schemas.heads import Head
from schemas.label_section import Label
from stages.asking.answer_sheet import AnswerSheet
from stages.asking.batching import token_bounded_batches
from stages.asking.failures import Failures, Step
from stages.asking.overlap import ahead, side_by_side
from stages.machine.tracebacks import said
from stages.rows.columns import KNOWN_COLUMN
from stages.rows.identity import distinct
from stages.rows.row_logits import RowLogits
from stages.table.writing.asked import Note, unnoted
from stages.teachers.parts.protocol import EncodedInputs, Teacher

Rows = npt.NDArray[np.int64]
_ENCODED_AT_ONCE = 8192  # inputs: enough that batches of similar length have little padding


@dataclass(frozen=True)
class SoftLabels:
    """The teacher's answers for a table of rows.

    Attributes:
      answers: in the order of the rows; zeros, or of positions none, where there is a failure.
      calls: distinct inputs that the teacher answered.
      reused: distinct inputs whose answer was known.
      truncated: inputs among the calls that did not fit its window and were cut.
      seconds: time spent.
      failures: by row: why there is no answer.
      asked: inputs that were put to the teacher, those that failed and those asked again among
        them.
    """

    answers: RowLogits
    calls: int
    reused: int
    truncated: int
    seconds: float
    failures: dict[int, str] = field(default_factory=dict)
    asked: int = 0

    @property
    def logits(self) -> npt.NDArray[np.float32]:
        """float32 [rows, classes], or [positions, classes]."""
        return self.answers.values


def soft_labels(
    teacher: Teacher,
    rows: pa.Table,
    *,
    features: tuple[str, ...],
    how: Label,
    head: Head,
    note: Note = unnoted,
) -> SoftLabels:
    """Return the teacher's logits for a bucket's rows; equal inputs are asked once.

    Args:
      teacher: asked for each distinct input whose answer is not known.
      rows: with `input_digest`, the feature columns and, where there is a version before,
        `known_logits` (null for unknown).
      features: columns the teacher sees, in order.
      how: for batches, for inputs that are too long, and whether a failure is tolerated.
      head: what is asked.
      note: called with the number of inputs before each call.

    Raises:
      TeacherError: the teacher answers with another shape, or with probabilities; or it fails
        on an input or answers with a value that is not finite, and nothing may be quarantined.
    """
    started = time.perf_counter()
    first, place = distinct(rows["input_digest"])
    inputs = rows.take(pa.array(first))
    known = _known(inputs)
    asked = np.flatnonzero(~known)
    stated = getattr(teacher, "are_logits", False)
    sheet = AnswerSheet(inputs.select(list(features)), head=head, are_logits=stated)
    if known.any():
        column = inputs[KNOWN_COLUMN].filter(pa.array(known))
        sheet.copy(np.flatnonzero(known), RowLogits.of_column(column, classes=sheet.classes))
    session = _Session(teacher, inputs.select(list(features)), sheet, how, note)
    session.ask(asked)
    if how.too_long == "quarantine" and known.any():
        session.leave_out_overlong(np.flatnonzero(known))
    failures = session.failures.said
    failed = np.isin(np.arange(len(known)), list(failures))
    by_row = np.flatnonzero(np.isin(place, list(failures))) if failures else ()
    return SoftLabels(
        answers=sheet.answers.take(place),
        calls=int((~known & ~failed).sum()),
        reused=int((known & ~failed).sum()),
        truncated=session.truncated,
        seconds=time.perf_counter() - started,
        failures={int(row): failures[int(place[row])] for row in by_row},
        asked=sum(session.asked),
    )


def _known(rows: pa.Table) -> npt.NDArray[np.bool_]:
    if KNOWN_COLUMN not in rows.column_names:
        return np.zeros(rows.num_rows, np.bool_)
    return np.asarray(rows[KNOWN_COLUMN].is_valid().to_numpy(), np.bool_)


@dataclass(frozen=True)
class _Part:
    """Some inputs that could be preprocessed: their numbers, and what became of them."""

    numbers: Rows
    encoded: EncodedInputs


class _Session:
    """One table of distinct inputs put to the teacher; what fails is kept with its reason."""

    def __init__(
        self, teacher: Teacher, inputs: pa.Table, sheet: AnswerSheet, how: Label, note: Note
    ) -> None:
        self.failures = Failures(inputs, tolerant=how.tolerant)
        self.truncated = 0
        self.asked: list[int] = []  # inputs of each call; threads add to it
        self._teacher, self._inputs, self._sheet, self._how = teacher, inputs, sheet, how
        self._note = note

    def ask(self, numbers: Rows) -> None:
        """Have the teacher's answers to some inputs written on the sheet."""
        for part in ahead(self._parts(numbers)):
            self._ask_part(part)

    def leave_out_overlong(self, numbers: Rows) -> None:
        """Leave out inputs whose answer is known, but of a text that was cut."""
        for part in ahead(self._parts(numbers)):
            self._fitting(part)

    def _ask_part(self, part: _Part) -> None:
        def ask(places: Rows) -> None:
            self._note(len(places))
            self.asked.append(len(places))
            answer = self._teacher.logits(part.encoded, places)
            useless = list(self._sheet.write(part.numbers[places], answer))
            self.failures.worked("answer", len(places) - len(useless))
            for number, why in useless:
                self.failures.add("answer", number, why)

        def ask_batch(batch: Rows) -> None:
            self._halving("answer", ask, fitting[batch], part.numbers)

        fitting = self._fitting(part)
        lengths = part.encoded.lengths[fitting]
        side_by_side(
            ask_batch,
            token_bounded_batches(lengths, batch_tokens=self._how.batch_tokens),
            threads=getattr(self._teacher, "parallel_calls", 1),
        )

    def _fitting(self, part: _Part) -> Rows:
        """Return the places in a part of the inputs that are asked."""
        overlong = part.encoded.overlong
        if self._how.too_long != "quarantine":
            self.truncated += int(overlong.sum())
            return np.arange(len(part.numbers))
        for number in part.numbers[overlong]:
            self.failures.leave_out(int(number), "does not fit the teacher's window")
        return np.flatnonzero(~overlong)

    def _parts(self, numbers: Rows) -> Iterator[_Part]:
        for start in range(0, len(numbers), _ENCODED_AT_ONCE):
            yield self._encoded(numbers[start : start + _ENCODED_AT_ONCE])

    def _encoded(self, numbers: Rows) -> _Part:
        """Return the inputs that can be preprocessed, preprocessed."""

        def encode(places: Rows) -> EncodedInputs:
            encoded = self._teacher.encode(self._inputs.take(pa.array(numbers[places])))
            self.failures.worked("encode", len(places))
            return encoded

        places = np.arange(len(numbers))
        try:
            return _Part(numbers, encode(places))
        except Exception as error:  # whatever a teacher's own code raises
            _let_stated_through(error)
            self._halving("encode", encode, places, numbers)
        numbers = np.setdiff1d(numbers, list(self.failures.said))
        return _Part(numbers, encode(np.arange(len(numbers))))

    def _halving(
        self, step: Step, work: Callable[[Rows], object], places: Rows, numbers: Rows
    ) -> None:
        """Do the work for places in a part; where it fails, for each half, until one is alone."""
        try:
            work(places)
        except Exception as error:  # whatever a teacher's own code raises
            _let_stated_through(error)
            if len(places) == 1:
                own = error if isinstance(error, UserCodeError) else None
                why = own.of_input if own else f"makes it raise {said(error)}"
                self.failures.add(step, int(numbers[places[0]]), why, cause=own)
                return
            for half in np.array_split(places, 2):
                self._halving(step, work, half, numbers)


def _let_stated_through(error: Exception) -> None:
    """Raise what is stated already; what a user's own code raises on an input is looked into."""
    if isinstance(error, PipelineError) and not isinstance(error, UserCodeError):
        raise error
