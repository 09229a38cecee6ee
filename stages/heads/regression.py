"""A number, kept in the table as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from schemas.heads import Head
from schemas.scores import ValueScores
from stages.heads.metrics.values import score_values
from stages.heads.protocol import Judging, Kind, LabelColumn, LabelledRows, Suspicion
from stages.rows.columns import Labels
from stages.rows.probabilities import Answers, Exact
from stages.rows.row_logits import RowLogits

if TYPE_CHECKING:
    import tensorflow as tf

    from stages.heads.losses import HardLoss
    from stages.heads.scores.figures import Figures

_NEAR = 0.01  # of the numbers' own deviation

DECLARES = {
    "place": 3,
    "label": "number",
    "most": 1,
    "named": True,
    "precision": "float32",
    "metrics": ("r2", "pearson"),
    "settings": (),
    "refused": {
        "classes": "a regression head is one number; leave its classes out",
        "per": "a regression head is per example",
    },
}


class Regression(Kind):
    """A number a row; what is said of it is never a probability."""

    starts_at_mean = True
    problem = "regression"

    def column(self, head: Head) -> LabelColumn:
        """Return a number."""
        return LabelColumn(number=True, named=False)

    def hard_labels(self, rows: LabelledRows, head: Head, *, of: pa.Array) -> pa.Array:
        """Return a float64 a row."""
        return rows.numbers(head.corpus_column)

    def labels_by_line(
        self, labels: pa.ChunkedArray, head: Head, *, of: pa.ChunkedArray | None
    ) -> Labels:
        """Return float32 [rows, 1], NaN for none."""
        return np.asarray(labels.to_numpy(zero_copy_only=False), np.float32)[:, None]

    def suspicion(self) -> tuple[Suspicion, str]:
        """Return that none is ever suspected."""
        return lambda answers, owners: False, ""

    def rows_to_judge(self, classes: int) -> int:
        """Return that there is nothing to tell."""
        return 0

    def divergence(self, answers: Exact, others: Exact) -> float:
        """Return the squared difference over twice the answers' variance.

        That is the KL of two normal distributions of it.
        """
        return float(((answers - others) ** 2).mean() / (2 * max(answers.var(), 1e-12)))

    def share_of_others(self, answers: Answers, others: Answers) -> float:
        """Return the share that differ by more than a hundredth of their deviation."""
        return float((np.abs(answers - others) > _NEAR * max(float(answers.std()), 1e-12)).mean())

    def size(self, answers: Answers) -> float:
        """Return the largest of the numbers, or 1."""
        return max(1.0, float(np.abs(answers).max()))

    def score(self, answers: RowLogits, labels: Labels, *, head: Head, how: Judging) -> ValueScores:
        """Return correlations and errors."""
        teacher = None if how.teacher is None else how.teacher.values[:, 0]
        return score_values(answers.values[:, 0], labels[:, 0], teacher=teacher)

    def figures(self, head: Head, *, kept_by: str | None) -> Figures:
        """Return R² and correlations."""
        from stages.heads.scores.figures import ValueFigures

        return ValueFigures()

    def hard_loss(self) -> HardLoss:
        """Return the squared error."""
        from stages.heads.losses import HardLoss
        from stages.heads.losses.parts.labels import has_labels
        from stages.heads.losses.parts.values import squared_error

        return HardLoss(lambda values, labels, _: squared_error(values, labels), has_labels)

    def fitted_to(self, head: Head) -> tuple[Any, list[Any]]:
        """Return the squared error."""
        import keras

        return keras.losses.MeanSquaredError(), []

    def probabilities(self, logits: tf.Tensor) -> None:
        """Return none: the logits are the numbers."""


KIND = Regression()
