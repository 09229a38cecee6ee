"""Any number of classes, each of them or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.heads import Head
from schemas.scores import LabelScores
from stages.heads.hard_labels import refuse_unknown
from stages.heads.metrics.labels import EVEN, said, score_labels, tuned_thresholds
from stages.heads.protocol import Judging, Kind, LabelColumn, LabelledRows, Owners, Suspicion
from stages.rows.columns import Labels, class_numbers
from stages.rows.lists import lists_from, offsets_of, positions_of
from stages.rows.probabilities import (
    ENOUGH,
    Answers,
    Exact,
    Flags,
    log_odds,
    log_sigmoid,
    rows_within,
)
from stages.rows.row_logits import RowLogits

if TYPE_CHECKING:
    import tensorflow as tf

    from stages.heads.losses import HardLoss
    from stages.heads.scores.figures import Figures

DECLARES = {
    "place": 2,
    "label": "texts",
    "metrics": ("f1_micro", "accuracy", "precision_macro", "recall_macro", "f1_macro"),
    "targets": ("f1_micro", "accuracy", "precision_macro", "recall_macro", "f1_macro", "auc"),
    "settings": ("probabilities",),
    "refused": {"per": "a sigmoid head is per example"},
}


class Sigmoid(Kind):
    """A yes or a no of each class."""

    may_look_like_probabilities = True
    counts_classes = True
    has_thresholds = True
    activation = "sigmoid"
    no_logits = ("softmax", "log_softmax", "sigmoid", "hard_sigmoid", "log_sigmoid")
    problem = "multi_label_classification"

    def column(self, head: Head) -> LabelColumn:
        """Return a list a row; of one class also 0 or 1."""
        flags = len(head.classes) == 1
        return LabelColumn(several=True, number=flags, named=not flags)

    def hard_labels(self, rows: LabelledRows, head: Head, *, of: pa.Array) -> pa.Array:
        """Return a list of classes a row."""
        return _labels_of_one_row(rows, head)

    def labels_by_line(
        self, labels: pa.ChunkedArray, head: Head, *, of: pa.ChunkedArray | None
    ) -> Labels:
        """Return float32 [rows, classes], 1 for each class that a row has, NaN for none stated."""
        return _many_hot(labels, head.classes)

    def rows_of_probabilities(self, answers: Answers) -> Flags:
        """Return whether all of each are in [0, 1]."""
        return rows_within(answers)

    def are_probabilities(self, answers: Answers) -> bool:
        """Return whether there are enough numbers, all of them in [0, 1]."""
        return answers.size >= ENOUGH and super().are_probabilities(answers)

    def logits_of_probabilities(self, answers: Answers) -> Answers:
        """Return their log-odds."""
        return log_odds(answers)

    def suspicion(self) -> tuple[Suspicion, str]:
        """Return whether all numbers so far are in [0, 1], and enough of them."""
        return _AllWithin(), "all within [0, 1] in each of"

    def rows_to_judge(self, classes: int) -> int:
        """Return in how many rows there are enough numbers."""
        return -(-ENOUGH // classes)

    def divergence(self, answers: Exact, others: Exact) -> float:
        """Return the mean KL of each class's yes or no."""
        yes, no = (log_sigmoid(sign * answers) for sign in (1, -1))
        gaps = yes - log_sigmoid(others), no - log_sigmoid(-others)
        rows = (np.exp(yes) * gaps[0] + np.exp(no) * gaps[1]).mean(axis=1)
        return float(np.maximum(rows, 0.0).mean())

    def share_of_others(self, answers: Answers, others: Answers) -> float:
        """Return the share of pairs of line and class with another word."""
        return float(((answers >= 0) != (others >= 0)).mean())

    def score(self, answers: RowLogits, labels: Labels, *, head: Head, how: Judging) -> LabelScores:
        """Return F1 over all pairs and what goes with it, at each class's threshold."""
        limits = how.teacher_thresholds or [EVEN] * len(head.classes)
        return score_labels(
            answers.values,
            labels,
            classes=head.classes,
            bins=how.bins,
            thresholds=how.thresholds,
            teacher_said=None if how.teacher is None else said(how.teacher.values, limits),
        )

    def thresholds(self, answers: RowLogits, labels: Labels) -> list[float]:
        """Return those whose F1 is largest."""
        return tuned_thresholds(answers.values, labels)

    def figures(self, head: Head, *, kept_by: str | None) -> Figures:
        """Return F1, agreement, and how well it ranks only where that decides."""
        from stages.heads.scores.figures import LabelFigures

        return LabelFigures(len(head.classes), ranks=kept_by == "auc")

    def hard_loss(self) -> HardLoss:
        """Return the binary cross-entropy."""
        from stages.heads.losses import HardLoss
        from stages.heads.losses.parts.labels import binary_cross_entropy, has_labels

        return HardLoss(lambda logits, labels, _: binary_cross_entropy(logits, labels), has_labels)

    def fitted_to(self, head: Head) -> tuple[Any, list[Any]]:
        """Return binary cross-entropy."""
        import keras

        return keras.losses.BinaryCrossentropy(from_logits=True), []

    def probabilities(self, logits: tf.Tensor) -> tf.Tensor:
        """Return one for each class."""
        import tensorflow as tf

        return tf.sigmoid(logits)


class _AllWithin:
    """Counts numbers as long as all of them are in [0, 1]."""

    def __init__(self) -> None:
        self._within: int | None = 0

    def __call__(self, answers: Answers, owners: Owners) -> bool:
        del owners
        if self._within is None or not rows_within(answers).all():
            self._within = None
            return False
        self._within += answers.size
        return self._within >= ENOUGH


def _many_hot(column: pa.ChunkedArray, classes: tuple[str, ...]) -> npt.NDArray[np.float32]:
    lists = column.combine_chunks()
    found = np.zeros((len(lists), len(classes)), np.float32)
    counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    numbers = class_numbers(column, classes)
    found[np.repeat(np.arange(len(lists)), counts), numbers] = 1.0
    found[lists.is_null().to_numpy(zero_copy_only=False)] = np.nan
    return found


def _labels_of_one_row(rows: LabelledRows, head: Head) -> pa.Array:
    """Return the classes of each row, a list in the order of the head; null where none is stated.

    An empty list says that it has none of them. In text, labels stand between white space, or as a
    JSON list (`["New York"]`, `[]`). Of one class alone, 0 and 1 (or false and true) say the same.
    """
    if len(head.classes) == 1 and rows.is_number(head.corpus_column):
        return _labels_of_flags(rows, head)
    column = rows.label_lists(head.corpus_column)
    elements, offsets = positions_of(column)
    counts = np.diff(offsets)
    names = head.classes
    if len(names) == 1:
        names, elements = (*names, "0"), _as_classes(elements, names[0])
    also = ", or 0 or 1" if len(head.classes) == 1 else ""
    refuse_unknown(rows, pc.fill_null(elements, ""), counts, head, classes=names, also=also)
    has = np.zeros((len(column), len(names)), np.bool_)
    places = pc.fill_null(pc.index_in(elements, value_set=pa.array(names)), -1)
    places = places.to_numpy(zero_copy_only=False)
    owners = np.repeat(np.arange(len(column)), counts)
    has[owners[places >= 0], places[places >= 0]] = True
    given = column.is_valid().to_numpy(zero_copy_only=False)
    return _labels_of(has[:, : len(head.classes)], given, head)


def _as_classes(elements: pa.Array, name: str) -> pa.Array:
    """Return flags that are text as the one class, or as `0`."""
    flags = {"1": name, "1.0": name, "true": name, "0": "0", "0.0": "0", "false": "0"}
    coded = elements.dictionary_encode()
    found = coded.dictionary.to_pylist()
    stands_for = [one if one == name else flags.get(one.lower(), one) for one in found]
    return pa.array(stands_for, pa.string()).take(coded.indices)


def _labels_of_flags(rows: LabelledRows, head: Head) -> pa.Array:
    flags = rows.numbers(head.corpus_column).to_numpy(zero_copy_only=False)
    given = ~np.isnan(flags)
    rows.refuse(
        pa.array(given & ~np.isin(flags, (0, 1))),
        "no label",
        lambda row: f"found {flags[row]:g}, expected 0 or 1. Mend the row.",
        head.corpus_column,
    )
    return _labels_of((flags == 1)[:, None], given, head)


def _labels_of(has: Flags, given: Flags, head: Head) -> pa.Array:
    """Return lists of the classes that rows have, bool [rows, classes]; null where not given."""
    names = pa.array(head.classes).take(pa.array(np.nonzero(has)[1]))
    return lists_from(names, offsets_of(has.sum(axis=1)), missing=~given)


KIND = Sigmoid()
