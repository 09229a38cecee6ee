"""The scores of a model's answers, by what the head predicts."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.heads import Head
from schemas.scores import AnyScores
from stages.heads.metrics.answers import score_answers
from stages.heads.metrics.classes import Classes, Tagged, score
from stages.heads.metrics.labels import EVEN, said, score_labels
from stages.heads.metrics.values import score_values
from stages.rows.columns import Labels
from stages.rows.pointers import Questions
from stages.rows.row_logits import RowLogits


def score_rows(
    answers: RowLogits,
    labels: Labels,
    *,
    head: Head,
    bins: int,
    teacher: RowLogits | None = None,
    predicted: Classes | None = None,
    teacher_predicted: Classes | None = None,
    thresholds: Sequence[float] | None = None,
    teacher_thresholds: Sequence[float] | None = None,
    questions: Questions | None = None,
) -> AnyScores:
    """Return the quality of the answers to rows.

    Args:
      answers: of the rows.
      labels: of `labels_by_line`.
      head: theirs.
      bins: intervals of equal width for calibration.
      teacher: its answers to the same rows, for the agreement.
      predicted: of a `softmax` head int64 [lines], the classes that count as said; the likeliest
        when None.
      teacher_predicted: likewise of the teacher, for the agreement.
      thresholds: of a `sigmoid` head, by class; 0.5 when None.
      teacher_thresholds: the teacher's, for the agreement.
      questions: of a `pointer` head, what the rows ask.

    Raises:
      ValueError: no line has a label.
    """
    values = answers.values
    if head.kind == "sigmoid":
        limits = teacher_thresholds or [EVEN] * len(head.classes)
        return score_labels(
            values,
            labels,
            classes=head.classes,
            bins=bins,
            thresholds=thresholds,
            teacher_said=None if teacher is None else said(teacher.values, limits),
        )
    if head.kind == "pointer":
        assert questions is not None
        return score_answers(answers, labels, questions, teacher=teacher)
    if head.kind == "regression":
        reference = None if teacher is None else teacher.values[:, 0]
        return score_values(values[:, 0], labels[:, 0], teacher=reference)
    return score(
        values,
        labels,
        bins=bins,
        teacher_logits=None if teacher is None else teacher.values,
        by_position=head.by_position,
        tagged=Tagged(head.classes, answers.row_of_line) if head.has_spans else None,
        predicted=predicted,
        teacher_predicted=teacher_predicted,
    )
