"""Models asked for the rows that all are scored on, and those that their thresholds come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import TableError
from schemas.run_file import RunFile
from schemas.scores import AnyScores
from stages.heads import head_kind
from stages.heads.labels import labels_by_line
from stages.heads.metrics.classes import Classes
from stages.heads.metrics.decoding import constrained
from stages.heads.metrics.scope import Judged, score_scope, tuned_confidence
from stages.heads.protocol import Judging
from stages.inputs.find import student_inputs
from stages.rows.codec import decode
from stages.rows.columns import Labels, has_label, out_of_scope, repeats
from stages.rows.pointers import Questions, questions_of
from stages.rows.row_logits import RowLogits
from stages.table.opening import SoftLabelTable

Ask = Callable[[list[Any]], RowLogits]


@dataclass(frozen=True)
class HeldOut:
    """The rows that everything is scored on: inputs, labels by line, the teacher's answers.

    `outside` says which rows are of none of the classes, bool [rows]; `questions` what they ask, of
    a `pointer` head.
    """

    inputs: list[Any]
    labels: Labels
    teacher: RowLogits
    outside: npt.NDArray[np.bool_]
    questions: Questions | None = None

    def judged(self, answers: RowLogits) -> Judged:
        """Return a model's answers beside what is known of the rows' scope."""
        return Judged(answers.values, self.labels, self.outside)


def held_out(run: RunFile, table: SoftLabelTable, split: str) -> HeldOut:
    """Return the rows of a split, of which some are labelled.

    Raises:
      TableError: there is none.
    """
    found = rows_of(table, split, once=run.corpus.repeats == "once")
    if not has_label(found.labels).any():
        raise TableError(
            f"no labelled row in split {split!r}: {table.path}. Mend the corpus's "
            "split, or evaluate another one."
        )
    return found


def rows_of(table: SoftLabelTable, split: str, *, once: bool) -> HeldOut:
    """Return the rows of a split; with `once`, each pair of input and label is there once."""
    head, layout = table.card.head, table.card.layout
    columns = ["input_digest", *layout.features, head.label_column, *layout.logit_columns]
    rows = table.read(split, columns)
    if once:
        rows = rows.filter(pa.array(~repeats(rows, head.label_column)))
    inputs, labels = student_inputs(rows, layout), labels_by_line(rows, layout)
    teacher, outside = decode(rows, layout), out_of_scope(rows, head)
    return HeldOut(inputs, labels, teacher, outside, questions_of(rows, layout))


class Judge:
    """Scores models of a run on one split, each with thresholds of its own from validation."""

    def __init__(self, run: RunFile, table: SoftLabelTable) -> None:
        """Read the rows.

        Raises:
          TableError: the split has no labelled row.
        """
        self._run = run
        self.rows = held_out(run, table, run.evaluate.split)
        self._tuning: HeldOut | None = None
        if run.evaluate.split != "validation":
            self._tuning = tuning_rows(table, once=run.corpus.repeats == "once")
        tuned_on = None if self._tuning is None else self._tuning.teacher
        self._teachers = self._thresholds(tuned_on)
        self._teacher_tags = self._tags(self.rows.teacher)

    def teacher(self) -> AnyScores:
        """Return the teacher's scores."""
        tuned_on = None if self._tuning is None else self._tuning.teacher
        return self._scores(self.rows.teacher, tuned_on)

    def student(self, ask: Ask) -> AnyScores:
        """Return a student's scores, its agreement with the teacher among them."""
        tuned_on = None if self._tuning is None else ask(self._tuning.inputs)
        return self._scores(ask(self.rows.inputs), tuned_on, teacher=self.rows.teacher)

    def _scores(
        self, answers: RowLogits, tuned_on: RowLogits | None, *, teacher: RowLogits | None = None
    ) -> AnyScores:
        how = Judging(
            bins=self._run.evaluate.calibration_bins,
            teacher=teacher,
            predicted=self._tags(answers),
            teacher_predicted=self._teacher_tags,
            thresholds=self._thresholds(tuned_on),
            teacher_thresholds=self._teachers,
            questions=self.rows.questions,
        )
        head = self._run.head
        scores = head_kind(head.kind).score(answers, self.rows.labels, head=head, how=how)
        target = self._run.target
        if target is not None and target.metric in scores.figures:
            scores = scores.model_copy(update={"judged_by": target.metric})
        if self._tuning is None or tuned_on is None or head.out_of_scope is None:
            return scores
        confidence = tuned_confidence(self._tuning.judged(tuned_on))
        scope = None if confidence is None else score_scope(self.rows.judged(answers), confidence)
        return scores.model_copy(update={"scope": scope})

    def _tags(self, answers: RowLogits) -> Classes | None:
        head = self._run.head
        if not self._run.evaluate.keep_to_tags or head.tags is None:
            return None
        return constrained(answers, head.classes, head.tags)

    def _thresholds(self, tuned_on: RowLogits | None) -> list[float] | None:
        if self._tuning is None or tuned_on is None:
            return None
        return head_kind(self._run.head.kind).thresholds(tuned_on, self._tuning.labels)


def tuning_rows(table: SoftLabelTable, *, once: bool) -> HeldOut | None:
    """Return the rows of validation that thresholds are tuned on; None where there are none."""
    head = table.card.head
    if not head_kind(head.kind).has_thresholds and head.out_of_scope is None:
        return None
    found = rows_of(table, "validation", once=once)
    return found if has_label(found.labels).any() else None
