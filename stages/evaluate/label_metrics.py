"""Metrics of rows that may have any number of classes, in NumPy, from logits.

Each pair of row and class is a yes or a no; it is yes from a threshold of the class on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from schemas.scores import LabelClass, LabelScores
from stages.evaluate.metrics import bins_of, calibration_error

Logits = npt.NDArray[np.float32]
Exact = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

EVEN = 0.5


def score_labels(
    logits: Logits,
    labels: npt.NDArray[np.float32],
    *,
    classes: Sequence[str],
    bins: int,
    thresholds: Sequence[float] | None = None,
    teacher_said: Flags | None = None,
) -> LabelScores:
    """Return the quality of logits against the classes that rows have.

    Args:
      logits: float32 [rows, classes].
      labels: float32 [rows, classes], 1 for each class that a row has; NaN where none is stated.
      classes: their names.
      bins: intervals of equal width for calibration.
      thresholds: by class, probabilities from which on it is said; 0.5 when None.
      teacher_said: bool [rows, classes], for the agreement.

    Raises:
      ValueError: no row has labels.
    """
    labelled = ~np.isnan(labels[:, 0])
    if not labelled.any():
        raise ValueError("no labelled row to score")
    true, own = labels[labelled] > EVEN, logits[labelled].astype(np.float64)
    used = [EVEN] * len(classes) if thresholds is None else list(thresholds)
    says = said(logits, used)
    found = says[labelled]
    hits, predicted, support = (one.sum(axis=0) for one in (true & found, found, true))
    precision, recall, f1 = (_ratio(*pair) for pair in _parts(hits, predicted, support))
    reliability = bins_of(_probabilities(own).ravel(), true.ravel(), bins=bins)
    agreement = None if teacher_said is None else float((says == teacher_said)[labelled].mean())
    curves = [area_under_roc(column, has) for column, has in zip(own.T, true.T, strict=True)]
    known = [area for area in curves if area is not None]
    total = int(predicted.sum() + support.sum())
    return LabelScores(
        rows=int(labelled.sum()),
        agreement=agreement,
        accuracy=float((true == found).all(axis=1).mean()),
        f1_micro=float(2 * hits.sum() / total) if total else 0.0,
        precision_macro=float(precision.mean()),
        recall_macro=float(recall.mean()),
        f1_macro=float(f1.mean()),
        average_precision=_mean(
            [average_precision(own[:, at], true[:, at]) for at in np.flatnonzero(support)]
        ),
        auc=_mean(known) if known else None,
        log_loss=float((np.logaddexp(0.0, own) - own * true).mean()),
        calibration_error=calibration_error(reliability),
        classes=tuple(
            LabelClass(name=name, threshold=limit, support=int(has), precision=p, recall=r, f1=f)
            for name, limit, has, p, r, f in zip(
                classes, used, support, precision, recall, f1, strict=True
            )
        ),
        reliability=reliability,
    )


def said(logits: Logits, thresholds: Sequence[float]) -> Flags:
    """Return bool [rows, classes]: which classes are said, at thresholds of probability.

    >>> said(np.array([[0.1, -2.0]], np.float32), [0.5, 0.1]).tolist()
    [[True, True]]
    """
    decided: Flags = _probabilities(logits.astype(np.float64)) >= np.asarray(thresholds)
    return decided


def tuned_thresholds(logits: Logits, labels: npt.NDArray[np.float32]) -> list[float]:
    """Return by class the threshold whose F1 is largest; of equals the one nearest to 0.5.

    0.5 where no row has the class.

    Args:
      logits: float32 [rows, classes], of rows that are not scored with it.
      labels: float32 [rows, classes], NaN where none is stated.
    """
    labelled = ~np.isnan(labels[:, 0])
    probs, true = _probabilities(logits[labelled].astype(np.float64)), labels[labelled] > EVEN
    return [best_threshold(column, has) for column, has in zip(probs.T, true.T, strict=True)]


def best_threshold(probs: Exact, true: Flags) -> float:
    """Return the threshold whose F1 is largest, of equals the one nearest to 0.5.

    Args:
      probs: float64 [rows], in [0, 1]; a row is found where it is at least the threshold.
      true: bool [rows].

    >>> best_threshold(np.array([0.2, 0.3, 0.1]), np.array([True, True, False]))
    0.15000000000000002
    """
    if not true.any():
        return EVEN
    order = np.argsort(-probs, kind="stable")
    ordered, hits = probs[order], np.cumsum(true[order])
    f1 = 2 * hits / (np.arange(1, len(probs) + 1) + true.sum())
    lower = np.r_[ordered[1:], 0.0]
    ends = ordered > lower  # a threshold is between two different probabilities
    between = (ordered + lower) / 2
    best = ends & (f1 >= f1[ends].max() - 1e-12)
    candidates = np.where((lower < EVEN) & (ordered >= EVEN), EVEN, between)[best]
    return float(candidates[np.abs(candidates - EVEN).argmin()])


def average_precision(scores: Exact, true: Flags) -> float:
    """Return Σ (recall - recall before) · precision, over the different scores from the largest on.

    >>> average_precision(np.array([0.9, 0.8, 0.7]), np.array([True, False, True]))
    0.8333333333333333
    """
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(true[order])
    last = np.r_[np.flatnonzero(np.diff(scores[order])), len(scores) - 1]
    precision, recall = hits[last] / (last + 1), hits[last] / hits[-1]
    return float((np.diff(np.r_[0.0, recall]) * precision).sum())


def area_under_roc(scores: Exact, true: Flags) -> float | None:
    """Return the probability that a true one has the larger score, ties half; None for one kind.

    >>> area_under_roc(np.array([0.9, 0.8, 0.7]), np.array([True, False, True]))
    0.5
    """
    positives, negatives = int(true.sum()), int((~true).sum())
    if positives == 0 or negatives == 0:
        return None
    ranked = ranks(scores)[true].sum()
    return float((ranked - positives * (positives + 1) / 2) / (positives * negatives))


def ranks(values: Exact) -> Exact:
    """Return the ranks of values from 1 on; equal ones share the mean of theirs.

    >>> ranks(np.array([5.0, 7.0, 5.0])).tolist()
    [1.5, 3.0, 1.5]
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    shared: Exact = ((ends - counts + 1 + ends) / 2)[place]
    return shared


def _probabilities(logits: Exact) -> Exact:
    likely: Exact = np.exp(-np.logaddexp(0.0, -logits))
    return likely


def _parts(
    hits: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], support: npt.NDArray[np.int64]
) -> tuple[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]], ...]:
    return (hits, predicted), (hits, support), (2 * hits, predicted + support)


def _ratio(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> Exact:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
