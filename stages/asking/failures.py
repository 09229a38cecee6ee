"""Inputs that the teacher fails on, each with its reason."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Literal

import pyarrow as pa

from schemas.errors import PipelineError, TeacherError, UserCodeError

Step = Literal["encode", "answer"]
_HOPELESS = 32  # inputs that fail one by one, none answered, before the teacher is given up


class Failures:
    """What a teacher fails on in one table of inputs; threads may add to it.

    Attributes:
      said: by number of the input: why there is no answer.
    """

    def __init__(self, inputs: pa.Table, *, tolerant: bool) -> None:
        self.said: dict[int, str] = {}
        self._inputs, self._tolerant = inputs, tolerant
        self._worked: Counter[Step] = Counter()
        self._lost: Counter[Step] = Counter()
        self._counting = threading.Lock()

    def worked(self, step: Step, inputs: int) -> None:
        """Note that a step went well for so many."""
        with self._counting:
            self._worked[step] += inputs

    def add(
        self, step: Step, number: int, said: str, *, cause: UserCodeError | None = None
    ) -> None:
        """Leave an input out that the teacher fails on; give it up where a step fails on all.

        Args:
          step: what failed.
          number: of the input.
          said: why, after "it".
          cause: what a teacher in a user's own code raised.

        Raises:
          TeacherError: nothing may be left out, or it never answered.
          UserCodeError: the same, of a teacher in a user's own code.
        """
        kind = TeacherError if cause is None else UserCodeError
        self.leave_out(number, said, kind=kind)
        with self._counting:
            self._lost[step] += 1
            hopeless = self._lost[step] >= _HOPELESS and not self._worked[step]
        if hopeless:
            raise kind(
                f"teacher fails on every input: {self._lost[step]} in a row, the last "
                f"{self._shown(number)}: it {said}. Mend the teacher."
            )

    def leave_out(
        self, number: int, said: str, *, kind: type[PipelineError] = TeacherError
    ) -> None:
        """Leave an input out.

        Raises:
          TeacherError: nothing may be left out; or the kind that is given.
        """
        if not self._tolerant:
            raise kind(
                f"teacher cannot answer: input {self._shown(number)}: it {said}. Mend the teacher "
                "or the row, or let label.max_quarantined leave it out."
            )
        self.said[number] = said

    def _shown(self, number: int) -> str:
        return str(self._inputs.slice(number, 1).to_pylist()[0])[:120]
