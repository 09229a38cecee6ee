"""Ask the teacher: each distinct input once, in batches of similar length, answers in row order.

A teacher that gains by it is asked for several batches at a time.

An input that the teacher fails on is found by halving its batch until it is alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import PipelineError, TeacherError
from schemas.label_section import Label
from stages.columns import logits_matrix
from stages.label.answers import are_probabilities
from stages.label.batching import token_bounded_batches
from stages.label.identity import distinct
from stages.label.overlap import side_by_side
from stages.label.previous import KNOWN_COLUMN
from stages.label.teacher import EncodedInputs, Teacher

Rows = npt.NDArray[np.int64]
_HOPELESS = 32  # inputs that fail one by one, none answered, before the teacher is given up


@dataclass(frozen=True)
class SoftLabels:
    """The teacher's answers for a table of rows.

    Attributes:
      logits: float32 [rows, classes], in the order of the rows; zeros where there is a failure.
      calls: distinct inputs that were put to the teacher.
      reused: distinct inputs whose answer was known.
      truncated: inputs among the calls that did not fit its window and were cut.
      seconds: time spent.
      failures: by row: why there is no answer.
    """

    logits: npt.NDArray[np.float32]
    calls: int
    reused: int
    truncated: int
    seconds: float
    failures: dict[int, str] = field(default_factory=dict)


def soft_labels(
    teacher: Teacher, rows: pa.Table, *, features: tuple[str, ...], how: Label
) -> SoftLabels:
    """Return the teacher's logits for a bucket's rows; equal inputs are asked once.

    Args:
      teacher: asked for each distinct input whose answer is not known.
      rows: with `input_digest`, the feature columns and, where there is a version before,
        `known_logits` (null for unknown).
      features: columns the teacher sees, in order.
      how: for batches, for inputs that are too long, and whether a failure is tolerated.

    Raises:
      TeacherError: the teacher answers with another shape, or with probabilities; or it fails
        on an input or answers with a value that is not finite, and nothing may be quarantined.
    """
    started = time.perf_counter()
    first, place = distinct(rows["input_digest"])
    inputs = rows.take(pa.array(first))
    known = _known(inputs)
    asked = np.flatnonzero(~known)
    answers = np.zeros((len(first), len(teacher.classes)), np.float32)
    if known.any():
        answers[known] = logits_matrix(inputs[KNOWN_COLUMN].filter(pa.array(known)))
    session = _Session(teacher, inputs.select(list(features)).take(pa.array(asked)), how)
    answers[asked] = session.answers()
    failures = {int(asked[number]): said for number, said in session.failures.items()}
    by_row = np.flatnonzero(np.isin(place, list(failures))) if failures else ()
    return SoftLabels(
        logits=answers[place],
        calls=len(asked) - len(failures),
        reused=int(known.sum()),
        truncated=session.truncated,
        seconds=time.perf_counter() - started,
        failures={int(row): failures[int(place[row])] for row in by_row},
    )


def _known(rows: pa.Table) -> npt.NDArray[np.bool_]:
    if KNOWN_COLUMN not in rows.column_names:
        return np.zeros(rows.num_rows, np.bool_)
    return np.asarray(rows[KNOWN_COLUMN].is_valid().to_numpy(), np.bool_)


class _Session:
    """One table of distinct inputs put to the teacher; what fails is kept with its reason."""

    def __init__(self, teacher: Teacher, inputs: pa.Table, how: Label) -> None:
        self.failures: dict[int, str] = {}
        self.truncated = 0
        self._teacher, self._inputs, self._how = teacher, inputs, how
        self._worked = self._lost = 0  # of encoding, and then of asking
        self._counting = threading.Lock()

    def answers(self) -> npt.NDArray[np.float32]:
        """Return float32 [inputs, classes], zeros for what failed."""
        found = np.zeros((self._inputs.num_rows, len(self._teacher.classes)), np.float32)
        rows, encoded = self._encoded()
        fitting = np.arange(len(rows))
        if self._how.too_long == "quarantine":
            for number in rows[np.flatnonzero(encoded.overlong)]:
                self._leave_out(int(number), "does not fit the teacher's window")
            fitting = np.flatnonzero(~encoded.overlong)
        else:
            self.truncated = int(encoded.overlong.sum())

        def ask(batch: Rows) -> None:
            found[rows[batch]] = self._checked(self._teacher.logits(encoded, batch), rows[batch])

        self._worked = self._lost = 0
        batches = token_bounded_batches(
            encoded.lengths[fitting], batch_tokens=self._how.batch_tokens
        )
        side_by_side(
            lambda batch: self._halving(ask, fitting[batch], lambda number: int(rows[number])),
            batches,
            threads=getattr(self._teacher, "parallel_calls", 1),
        )
        return found

    def _encoded(self) -> tuple[Rows, EncodedInputs]:
        """Return the inputs that can be preprocessed, and those preprocessed."""
        rows = np.arange(self._inputs.num_rows)

        def encode(part: Rows) -> None:
            self._teacher.encode(self._inputs.take(pa.array(part)))
            self._worked += len(part)

        try:
            return rows, self._teacher.encode(self._inputs)
        except PipelineError:
            raise
        except Exception:  # whatever a teacher's own code raises
            self._halving(encode, rows, int)
        rows = np.setdiff1d(rows, list(self.failures))
        return rows, self._teacher.encode(self._inputs.take(pa.array(rows)))

    def _halving(
        self, work: Callable[[Rows], None], rows: Rows, number_of: Callable[[int], int]
    ) -> None:
        """Do the work for rows; where it fails, for each half, until a row is alone."""
        try:
            work(rows)
        except PipelineError:
            raise
        except Exception as error:  # whatever a teacher's own code raises
            if len(rows) == 1:
                said = str(error).strip().splitlines() or [""]
                self._fail(number_of(rows[0]), f"makes it raise {type(error).__name__}: {said[0]}")
                return
            for half in np.array_split(rows, 2):
                self._halving(work, half, number_of)

    def _checked(self, logits: npt.NDArray[np.float32], numbers: Rows) -> npt.NDArray[np.float32]:
        expected = (len(numbers), len(self._teacher.classes))
        if logits.shape != expected:
            raise TeacherError(
                f"teacher answers with another shape: found {list(logits.shape)}, expected "
                f"{list(expected)} for {expected[1]} classes. Use the teacher's own classes."
            )
        if len(logits) > 1 and are_probabilities(logits):
            raise TeacherError(
                f"teacher answers with probabilities: found {logits[0].tolist()[:8]}, sum 1 in "
                f'each of {len(logits)} answers. State teacher.answers = "probabilities".'
            )
        bad = np.logical_not(np.isfinite(logits).all(axis=1))
        for place in np.flatnonzero(bad):
            said = f"has logits that are not finite, {logits[place].tolist()[:8]}"
            self._fail(int(numbers[place]), said)
        with self._counting:
            self._worked += int((~bad).sum())
        return np.where(bad[:, None], np.float32(0), logits)

    def _fail(self, number: int, said: str) -> None:
        """Leave an input out that the teacher fails on; give it up where it fails on all."""
        self._leave_out(number, said)
        with self._counting:
            self._lost += 1
            hopeless = self._lost >= _HOPELESS and not self._worked
        if hopeless:
            raise TeacherError(
                f"teacher fails on every input: {self._lost} in a row, the last "
                f"{self._shown(number)}: it {said}. Mend the teacher."
            )

    def _leave_out(self, number: int, said: str) -> None:
        if not self._how.tolerant:
            raise TeacherError(
                f"teacher cannot answer: input {self._shown(number)}: it {said}. Mend the teacher "
                "or the row, or let label.max_quarantined leave it out."
            )
        self.failures[number] = said

    def _shown(self, number: int) -> str:
        return str(self._inputs.slice(number, 1).to_pylist()[0])[:120]
