"""One position of several: where an answer begins, and where it ends.

A hard label is a span of a row's words, `first:last text`, or `first:last` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from schemas.heads import Head
from schemas.scores import PointerScores
from stages.heads.metrics.answers import score_answers
from stages.heads.protocol import Judging, Kind, LabelColumn, LabelledRows, Suspicion
from stages.rows.columns import Labels
from stages.rows.pointers import (
    LOWEST,
    answer_text,
    distributions,
    pointer_labels,
    read_span,
    separators,
    write_span,
)
from stages.rows.probabilities import (
    Answers,
    Exact,
    are_pointer_probabilities,
    mean_divergence_of_classes,
)
from stages.rows.row_logits import RowLogits

if TYPE_CHECKING:
    import tensorflow as tf

    from stages.heads.losses import HardLoss
    from stages.heads.scores.figures import Figures

DECLARES = {
    "place": 4,
    "label": "texts",
    "per": ("token",),
    "classes": ("start", "end"),
    "points": True,
    "metrics": ("overlap_f1", "exact_match", "answer_f1"),
    "targets": ("overlap_f1",),
    "settings": (),
    "refused": {
        "classes": "a pointer head is per token; leave its classes and `per` out",
        "per": "a pointer head is per token; leave its classes and `per` out",
    },
}


class Pointer(Kind):
    """Two distributions over the positions of a row."""

    no_logits = ("softmax", "sigmoid", "hard_sigmoid", "log_sigmoid")

    def column(self, head: Head) -> LabelColumn:
        """Return a list a row of spans."""
        return LabelColumn(several=True, named=False)

    def hard_labels(self, rows: LabelledRows, head: Head, *, of: pa.Array) -> pa.Array:
        """Return a list of spans a row."""
        return _spans_of_one_row(rows, head, of=of)

    def labels_by_line(
        self, labels: pa.ChunkedArray, head: Head, *, of: pa.ChunkedArray | None
    ) -> Labels:
        """Return float32 [lines, 2], 1 where an answer begins and where it ends, NaN for none."""
        assert of is not None
        return pointer_labels(of, labels)

    def suspicion(self) -> tuple[Suspicion, str]:
        """Return whether the sum of each pointer over each row's positions is 1."""
        return are_pointer_probabilities, "sum 1 over each row's of"

    def pairs(self, answers: RowLogits, others: RowLogits) -> tuple[Answers, Answers]:
        """Return each pointer of each row as a line, with a class for each position."""
        return distributions(answers), distributions(others)

    def divergence(self, answers: Exact, others: Exact) -> float:
        """Return the mean KL of the lines' distributions."""
        return mean_divergence_of_classes(answers, others)

    def score(
        self, answers: RowLogits, labels: Labels, *, head: Head, how: Judging
    ) -> PointerScores:
        """Return how good the likeliest answers are."""
        assert how.questions is not None
        return score_answers(answers, labels, how.questions, teacher=how.teacher)

    def figures(self, head: Head, *, kept_by: str | None) -> Figures:
        """Return F1 of words by their places, and agreement."""
        from stages.heads.scores.figures import PointerFigures

        return PointerFigures()

    def hard_loss(self) -> HardLoss:
        """Return the cross-entropy of the pointers that `lines` makes classes."""
        from stages.heads.losses import HardLoss
        from stages.heads.losses.parts.hard import hard_label_cross_entropy, has_hard_label

        return HardLoss(
            lambda logits, labels, smoothing: hard_label_cross_entropy(
                logits, labels, label_smoothing=smoothing
            ),
            has_hard_label,
        )

    def lines(
        self, logits: tf.Tensor, targets: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, Mapping[str, tf.Tensor]]:
        """Return each pointer of a row as a line, with a class for each position."""
        from stages.heads.losses.parts.pointers import over_positions

        return over_positions(logits, targets)

    def has_any_label(self, targets: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Return whether anything is seen, of which a row's labels say where it is."""
        import tensorflow as tf

        return tf.reduce_any(targets["seen"]) if "seen" in targets else tf.constant(True)

    def fitted_to(self, head: Head) -> tuple[Any, list[Any]]:
        """Return cross-entropy over the positions."""
        from stages.heads.scores.fitted import PointerCrossEntropy

        return PointerCrossEntropy(), []

    def probabilities(self, logits: tf.Tensor) -> tf.Tensor:
        """Return those of each pointer over the positions, 0 where nothing was seen."""
        import tensorflow as tf

        return tf.nn.softmax(tf.where(tf.math.is_nan(logits), LOWEST, logits), axis=1)


def _spans_of_one_row(rows: LabelledRows, head: Head, *, of: pa.Array) -> pa.Array:
    """Return the answers of each row, a list, empty where there is none; null where none is stated.

    A row with an answer that is no span of the words after its `[SEP]` is refused.

    Args:
      rows: under check, of which those without `[SEP]` are refused already.
      head: for its column.
      of: the words, a list a row.
    """
    places = separators(of)
    found: list[list[str] | None] = []
    wrong: dict[int, str] = {}
    stated = rows.lists(head.corpus_column).to_pylist()
    for row, (answers, words, place) in enumerate(
        zip(stated, of.to_pylist(), places.tolist(), strict=True)
    ):
        try:
            found.append(None if answers is None else [_span(one, words, place) for one in answers])
        except ValueError as error:
            wrong[row] = str(error)
            found.append(None)
    rows.refuse(
        pa.array(np.isin(np.arange(len(stated)), list(wrong))),
        "no such answer",
        lambda row: f"{wrong[row]}. Mend the row.",
        head.corpus_column,
    )
    return pa.array(found, pa.list_(pa.string()))


def _span(written: str | None, words: list[str], separator: int) -> str:
    first, last, text = read_span(written or "")
    if not separator < first <= last < len(words):
        raise ValueError(
            f"found words {first} to {last}, expected some of {separator + 1} to {len(words) - 1}"
        )
    return write_span(first, last, text or answer_text(words, first, last))


KIND = Pointer()
