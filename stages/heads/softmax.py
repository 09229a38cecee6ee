"""One class of several: of an example, or of each of its positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.heads import Head
from schemas.scores import Scores
from schemas.spans import TagScheme
from stages.heads.hard_labels import one_class, refuse_unknown, without_empty
from stages.heads.metrics.classes import Tagged, score
from stages.heads.metrics.spans import broken_at
from stages.heads.protocol import Judging, Kind, LabelColumn, LabelledRows, Suspicion
from stages.rows.columns import Labels, class_numbers
from stages.rows.lists import lists_from, positions_of
from stages.rows.probabilities import (
    Answers,
    Exact,
    Flags,
    logarithms,
    mean_divergence_of_classes,
    rows_of_sum_one,
)
from stages.rows.row_logits import RowLogits

if TYPE_CHECKING:
    import tensorflow as tf

    from stages.heads.losses import HardLoss
    from stages.heads.scores.figures import Figures

DECLARES = {
    "place": 1,
    "label": "text",
    "per": ("example", "token", "frame", "pixel"),
    "fewest": 2,
    "metrics": ("accuracy", "precision_macro", "recall_macro", "f1_macro"),
    "settings": (
        "combined_probabilities",
        "example_weight",
        "label_smoothing",
        "min_confidence",
        "one_number",
        "out_of_scope",
        "probabilities",
        "standardize_logits",
        "top_k",
    ),
    "refused": {
        "classes": "a softmax head has two classes or more; one alone is for sigmoid",
    },
}


class Softmax(Kind):
    """A distribution over the classes."""

    has_class_numbers = True
    counts_classes = True
    activation = "softmax"
    no_logits = ("softmax", "sigmoid", "hard_sigmoid", "log_sigmoid")
    problem = "single_label_classification"
    sum_of_probabilities = " whose sum is 1"

    def column(self, head: Head) -> LabelColumn:
        """Return a class a row, or a list of them by position."""
        return LabelColumn(several=head.by_position)

    def hard_labels(self, rows: LabelledRows, head: Head, *, of: pa.Array) -> pa.Array:
        """Return a class a row, or a list with one for each position."""
        return _labels_by_position(rows, head, of=of) if head.by_position else one_class(rows, head)

    def labels_by_line(
        self, labels: pa.ChunkedArray, head: Head, *, of: pa.ChunkedArray | None
    ) -> Labels:
        """Return int64 [lines], class numbers, -1 for none."""
        if of is None or not labels.null_count:
            return class_numbers(labels, head.classes)
        counts = pc.list_value_length(of).to_numpy()
        numbers = np.full(counts.sum(), -1, np.int64)
        there = np.repeat(labels.is_valid().to_numpy(), counts)
        numbers[there] = class_numbers(labels.drop_null(), head.classes)
        return numbers

    def rows_of_probabilities(self, answers: Answers) -> Flags:
        """Return whether the sum of each is 1."""
        return rows_of_sum_one(answers)

    def logits_of_probabilities(self, answers: Answers) -> Answers:
        """Return their logarithms."""
        return logarithms(answers)

    def suspicion(self) -> tuple[Suspicion, str]:
        """Return whether all of two or more have a sum of 1."""
        return lambda answers, _: len(answers) > 1 and self.are_probabilities(answers), (
            "sum 1 in each of"
        )

    def divergence(self, answers: Exact, others: Exact) -> float:
        """Return the mean KL of the distributions."""
        return mean_divergence_of_classes(answers, others)

    def score(self, answers: RowLogits, labels: Labels, *, head: Head, how: Judging) -> Scores:
        """Return accuracy and what goes with it; of spans where the classes mark some."""
        return score(
            answers.values,
            labels,
            bins=how.bins,
            teacher_logits=None if how.teacher is None else how.teacher.values,
            by_position=head.by_position,
            tagged=Tagged(head.classes, answers.row_of_line) if head.has_spans else None,
            predicted=how.predicted,
            teacher_predicted=how.teacher_predicted,
        )

    def figures(self, head: Head, *, kept_by: str | None) -> Figures:
        """Return accuracy, agreement, and of whole splits macro and span scores."""
        from stages.heads.scores.figures import ClassFigures

        return ClassFigures(len(head.classes), tags=head.classes if head.has_spans else ())

    def hard_loss(self) -> HardLoss:
        """Return the cross-entropy."""
        from stages.heads.losses import HardLoss
        from stages.heads.losses.parts.hard import hard_label_cross_entropy, has_hard_label

        return HardLoss(
            lambda logits, labels, smoothing: hard_label_cross_entropy(
                logits, labels, label_smoothing=smoothing
            ),
            has_hard_label,
        )

    def fitted_to(self, head: Head) -> tuple[Any, list[Any]]:
        """Return cross-entropy, and accuracy, or F1 of spans."""
        import keras

        from stages.heads.scores.fitted import LabelledAccuracy, LabelledSpanF1

        ignored = -1 if head.by_position else None
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=ignored)
        spans = [LabelledSpanF1(head.classes)] if head.has_spans else []
        return loss, [LabelledAccuracy(), *spans]

    def probabilities(self, logits: tf.Tensor) -> tf.Tensor:
        """Return those of the classes."""
        import tensorflow as tf

        return tf.nn.softmax(logits)


def _labels_by_position(rows: LabelledRows, head: Head, *, of: pa.Array) -> pa.Array:
    """Return the labels of a head by position; a row with more or fewer than positions is refused.

    Args:
      rows: under check.
      head: for its column and classes; an empty label is none.
      of: the feature whose positions they are, a list a row.
    """
    name, column = head.corpus_column, rows.lists(head.corpus_column)
    elements, offsets = positions_of(column)
    counts, expected = np.diff(offsets), pc.list_value_length(of).to_numpy(zero_copy_only=False)
    given = column.is_valid().to_numpy(zero_copy_only=False)
    rows.refuse(
        pa.array(given & (counts != expected)),
        "other number of labels",
        lambda row: f"found {counts[row]} for {expected[row]} positions. Mend the row.",
        name,
    )
    elements = without_empty(elements)
    refuse_unknown(rows, elements, counts, head)
    found = lists_from(elements, offsets, missing=~given)
    if head.tags is not None:
        _refuse_broken(rows, found, head.tags, name)
    return found


def _refuse_broken(rows: LabelledRows, labels: pa.Array, scheme: TagScheme, name: str) -> None:
    """Refuse rows whose tags do not keep to their scheme; those with gaps are passed over."""
    lists = labels.to_pylist()
    places = [None if tags is None or None in tags else broken_at(tags, scheme) for tags in lists]

    def said(row: int) -> str:
        place = places[row] or 0
        before = lists[row][place - 1] if place else "the start"
        found = lists[row][place] if place < len(lists[row]) else "the end"
        return f"found {found!r} after {before!r}, which is not {scheme}. Mend the row or `tags`."

    broken = pa.array([place is not None for place in places])
    rows.refuse(broken, "broken tags", said, name)


KIND = Softmax()
