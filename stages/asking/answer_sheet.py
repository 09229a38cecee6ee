"""Where a teacher's answers to distinct inputs are written down, checked as they come."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.counted import counted
from schemas.errors import TeacherError
from schemas.heads import Head
from stages.heads import head_kind
from stages.rows.lists import offsets_of
from stages.rows.pointers import first_positions
from stages.rows.probabilities import one_number_remedy
from stages.rows.row_logits import RowLogits

Rows = npt.NDArray[np.int64]
_BY_EXAMPLE = 'State teacher.answers = "probabilities".'
_BY_POSITION = "Let it answer with logits; the logarithms of its probabilities are some."


class AnswerSheet:
    """The answers to a table of inputs: a line each, or a line for each of their positions.

    A position is an element of the first feature; what is before a question's end has no pointer.
    Threads may write different inputs at a time.

    Attributes:
      classes: numbers in a line.
      answers: as far as they are written: zeros, or NaN of a position, before.
    """

    def __init__(self, inputs: pa.Table, *, head: Head, are_logits: bool = False) -> None:
        """Begin; with `are_logits` it is known that answers are logits, whatever they look like."""
        self.classes = classes = len(head.classes)
        self._kind, self._are_logits = head.kind, are_logits
        self._remedy = _BY_POSITION if head.by_position else _BY_EXAMPLE
        self._suspects, self._all_of = head_kind(head.kind).suspicion()
        if not head.by_position:
            self.answers = RowLogits(np.zeros((inputs.num_rows, classes), np.float32))
            return
        self._first = first_positions(inputs.column(0), head)
        offsets = offsets_of(pc.list_value_length(inputs.column(0)).to_numpy())
        self.answers = RowLogits(np.full((offsets[-1], classes), np.nan, np.float32), offsets)

    def copy(self, numbers: Rows, known: RowLogits) -> None:
        """Write answers that are known."""
        self.answers.values[self.answers.lines_of(numbers)] = known.values

    def write(self, numbers: Rows, answer: npt.NDArray[np.float32]) -> Iterator[tuple[int, str]]:
        """Write the teacher's answer to some inputs; yield those that are of no use, and why.

        Args:
          numbers: of the inputs.
          answer: float32 [inputs, classes], or [inputs] of one class; by position [inputs,
            positions, classes], NaN for one that it did not see, as it does not see those beyond
            the last.

        Raises:
          TeacherError: it has another shape, or is of probabilities.
        """
        if answer.ndim == 1 and self.classes == 1 and self.answers.offsets is None:
            answer = answer[:, None]
        self._check_shape(answer.shape, len(numbers))
        offsets = self.answers.offsets
        if offsets is None:
            lines, owners, values = numbers, numbers, answer
        else:
            first = self._first[numbers]
            lines, owners, values = _by_position(offsets, numbers, answer, first)
        if not self._are_logits and self._suspects(values, owners):
            raise TeacherError(
                f"teacher answers with probabilities: found {values[0].tolist()[:8]}, "
                f"{self._all_of} {len(values)} answers. {self._remedy}"
            )
        wrong = np.flatnonzero(~np.isfinite(values).all(axis=1))
        useless = dict(zip(owners[wrong].tolist(), wrong.tolist(), strict=True))
        kept = ~np.isin(owners, list(useless)) if useless else slice(None)
        self.answers.values[lines[kept]] = values[kept]
        for number, line in useless.items():
            yield int(number), f"has logits that are not finite, {values[line].tolist()[:8]}"

    def _check_shape(self, found: tuple[int, ...], inputs: int) -> None:
        if self.answers.offsets is None:
            fits, expected = found == (inputs, self.classes), f"[{inputs}, {self.classes}]"
        else:
            fits = len(found) == 3 and (found[0], found[2]) == (inputs, self.classes)
            expected = f"[{inputs}, positions, {self.classes}]"
        axes = 1 if self.answers.offsets is None else 2
        if not fits and len(found) == axes + 1 and found[-1] == self.classes:
            raise TeacherError(
                f"teacher answers with another number of rows: "
                f"{counted(inputs, 'input was asked', 'inputs were asked')}, "
                f"{found[0]} answers came back. Answer each input with one row."
            )
        if not fits:
            numbers = 1 if len(found) == axes else found[-1]
            raise TeacherError(
                f"teacher answers with another shape: found {list(found)}, expected {expected} for "
                f"{self.classes} classes. Use the teacher's own classes."
                + one_number_remedy(numbers, self.classes, self._kind)
            )


def _by_position(
    offsets: Rows, numbers: Rows, answer: npt.NDArray[np.float32], first: Rows
) -> tuple[Rows, Rows, npt.NDArray[np.float32]]:
    """Return the lines that were answered, whose they are, and what was answered.

    `first` is each input's first position that is answered at all, int64 [inputs].
    """
    counts, places = np.diff(offsets)[numbers], np.arange(answer.shape[1])
    seen = (places >= first[:, None]) & (places < counts[:, None]) & ~np.isnan(answer).all(axis=-1)
    owners = np.broadcast_to(numbers[:, None], seen.shape)
    lines = offsets[numbers][:, None] + places
    return lines[seen], owners[seen], answer[seen]
