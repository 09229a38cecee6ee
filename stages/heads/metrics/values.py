"""Metrics of rows that have a number, in NumPy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from schemas.scores import ValueScores
from stages.heads.metrics.labels import ranks
from stages.rows.columns import has_label

Values = npt.NDArray[np.float32]
Exact = npt.NDArray[np.float64]


def score_values(answers: Values, labels: Values, *, teacher: Values | None = None) -> ValueScores:
    """Return the quality of numbers against the hard labels.

    Args:
      answers: float32 [rows].
      labels: float32 [rows]; NaN for none.
      teacher: float32 [rows], its answers, for the agreement.

    Raises:
      ValueError: no row has a label.
    """
    labelled = has_label(labels[:, None])
    if not labelled.any():
        raise ValueError("no labelled row to score")
    own, true = answers[labelled].astype(np.float64), labels[labelled].astype(np.float64)
    errors, spread = own - true, true.var()
    agreement = None if teacher is None else pearson(own, teacher[labelled].astype(np.float64))
    return ValueScores(
        rows=int(labelled.sum()),
        agreement=agreement,
        pearson=pearson(own, true),
        spearman=pearson(ranks(own), ranks(true)),
        r2=float(1.0 - (errors**2).mean() / spread) if spread else 0.0,
        mean_absolute_error=float(np.abs(errors).mean()),
        root_mean_squared_error=float(np.sqrt((errors**2).mean())),
    )


def pearson(one: Exact, other: Exact) -> float:
    """Return the correlation of two lists of numbers; 0 where one is constant.

    >>> round(pearson(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0])), 6)
    1.0
    """
    left, right = one - one.mean(), other - other.mean()
    size = float(np.sqrt((left**2).sum() * (right**2).sum()))
    return float((left * right).sum() / size) if size else 0.0
