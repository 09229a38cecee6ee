"""What a teacher answers with: logits, or probabilities that are made logits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.errors import TeacherError
from schemas.head_kinds import USUAL_KIND, HeadKind
from stages.heads import head_kind
from stages.rows.probabilities import ENOUGH, log_odds, logits_of_one, rows_within
from stages.teachers.parts.protocol import EncodedInputs, TeacherAround
from stages.teachers.parts.source import TeacherSource

Answers = npt.NDArray[np.float32]


@dataclass
class FromProbabilities(TeacherAround):
    """A teacher that answers with probabilities, as one that answers with logits."""

    kind: HeadKind = USUAL_KIND

    def logits(
        self, encoded: EncodedInputs, rows: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return float32 [len(rows), classes]: the logits of its answers.

        Raises:
          TeacherError: they are no probabilities.
        """
        answers = self.teacher.logits(encoded, rows)
        if answers.ndim == 1:
            answers = answers[:, None]
        kind = head_kind(self.kind)
        wrong = ~kind.rows_of_probabilities(answers)
        if wrong.any():
            expected = f"numbers in [0, 1]{kind.sum_of_probabilities}"
            raise TeacherError(
                f"teacher's answers are no probabilities: found {answers[wrong][0].tolist()}, "
                f'expected {expected}. State teacher.answers = "logits".'
            )
        return kind.logits_of_probabilities(answers)


@dataclass
class FromOne(TeacherAround):
    """A teacher that answers with one number for two classes, as one that has a logit for each."""

    source: TeacherSource
    are_logits = True

    def __post_init__(self) -> None:
        self._within: int | None = 0  # logits so far, all of them in [0, 1]

    def logits(
        self, encoded: EncodedInputs, rows: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return float32 [len(rows), 2], or [len(rows), positions, 2].

        Raises:
          TeacherError: it answers with more numbers, or with no probability, or with probabilities.
        """
        how, answers = self.source.how, self.teacher.logits(encoded, rows)
        if answers.ndim == 1 and self.source.per == "example":
            answers = answers[:, None]
        if answers.ndim != (2 if self.source.per == "example" else 3) or answers.shape[-1] != 1:
            raise TeacherError(
                f"teacher answers with another shape: found {list(answers.shape)}, expected one "
                f'number for each, as teacher.answers = "{how.answers}" says. Leave that out.'
            )
        said = answers[~np.isnan(answers)][:, None]
        are = rows_within(said)
        if how.answers == "one_probability":
            if not are.all():
                raise TeacherError(
                    f"teacher's answers are no probabilities: found {said[~are][0, 0]}, expected "
                    'numbers in [0, 1]. State teacher.answers = "one_logit".'
                )
            answers = log_odds(answers)
        else:
            self._check_logits(said, are)
        return logits_of_one(answers, place=self.source.classes.index(str(how.speaks_of)))

    def _check_logits(self, said: Answers, are_probabilities: npt.NDArray[np.bool_]) -> None:
        """Refuse what can be no logits: so many numbers, all of them in [0, 1]."""
        if self._within is None or not are_probabilities.all():
            self._within = None
            return
        self._within += len(said)
        if self._within >= ENOUGH:
            raise TeacherError(
                f"teacher answers with probabilities: found {said[0, 0]}, all within [0, 1] in "
                f'each of {self._within} answers. State teacher.answers = "one_probability".'
            )


class StatedLogits(TeacherAround):
    """A teacher whose answers are stated to be logits, whatever they look like."""

    are_logits = True
