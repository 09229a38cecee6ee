"""The teacher whose answers the corpus carries already: it is never asked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import TeacherError
from schemas.run_file import RunFile
from schemas.teacher_section import Answers
from stages.corpus.answer_column import AnswerColumn
from stages.corpus.files import CorpusPlan
from stages.corpus.sample import sample_rows
from stages.heads import head_kind
from stages.machine.progress import say
from stages.rows.columns import KNOWN_COLUMN, logits_matrix
from stages.rows.probabilities import ENOUGH, rows_within
from stages.teachers.parts.source import TeacherSource
from stages.teachers.parts.texts import TextInputs


@dataclass(frozen=True)
class ColumnTeacher:
    """Stands for a teacher elsewhere."""

    classes: tuple[str, ...]
    parameters: int = 0

    def encode(self, inputs: pa.Table) -> TextInputs:
        """Return the texts as they are."""
        return TextInputs.of(inputs)

    def logits(self, encoded: TextInputs, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Raise: what the column does not say is not known.

        Raises:
          TeacherError: always.
        """
        raise TeacherError(
            f"teacher is a column and cannot be asked: {encoded.take(rows)[0][:80]!r}. Its answers "
            "are in the corpus, or use a teacher that is there."
        )


def load(source: TeacherSource) -> ColumnTeacher:
    """Return the stand-in."""
    return ColumnTeacher(source.classes)


def answers_in_column(corpus: CorpusPlan, run: RunFile) -> Answers:
    """Return what the column holds, from a look at its first rows.

    Raises:
      CorpusError: a row cannot be used, and nothing may be left out.
      TeacherError: probabilities are stated to be logits.
    """
    if run.teacher.answers is not None and run.teacher.speaks_of is not None:
        return _one_number(corpus, run, run.teacher.answers, run.teacher.speaks_of)
    column = AnswerColumn(str(run.teacher.column), len(run.head.classes), kind=run.head.kind)
    sample = sample_rows(replace(corpus, answers=column), tolerant=run.label.tolerant)
    if sample is None:
        return run.teacher.answers or "logits"
    kind = head_kind(run.head.kind)
    probabilities = kind.are_probabilities(logits_matrix(sample[KNOWN_COLUMN]))
    believed = kind.may_look_like_probabilities
    if probabilities and run.teacher.answers == "logits" and not believed:
        raise TeacherError(
            f"answers are probabilities: column {column.name!r}: {sample.num_rows} rows looked at "
            'are in [0, 1] and add up to 1. State teacher.answers = "probabilities".'
        )
    if run.teacher.answers is None:
        found = "probabilities" if probabilities else "logits"
        say(f"teacher: column {column.name!r} holds {found}")
    return run.teacher.answers or ("probabilities" if probabilities else "logits")


def _one_number(corpus: CorpusPlan, run: RunFile, answers: Answers, speaks_of: str) -> Answers:
    """Return what is stated of a column of one number a row, for two classes.

    Raises:
      CorpusError: a row cannot be used, and nothing may be left out.
      TeacherError: probabilities are stated to be logits.
    """
    place = run.head.classes.index(speaks_of)
    column = AnswerColumn(str(run.teacher.column), 2, answers, place=place)
    sample = sample_rows(replace(corpus, answers=column), tolerant=run.label.tolerant)
    if sample is not None and answers == "one_logit":
        numbers = logits_matrix(sample[KNOWN_COLUMN])[:, [place]]
        if numbers.size >= ENOUGH and rows_within(numbers).all():
            raise TeacherError(
                f"answers are probabilities: column {column.name!r}: {sample.num_rows} rows looked "
                'at are all in [0, 1]. State teacher.answers = "one_probability".'
            )
    return answers
