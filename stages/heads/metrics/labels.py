"""Metrics of rows that may have any number of classes, in NumPy, from logits.

Each pair of row and class is a yes or a no; it is yes from a threshold of the class on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from schemas.score_parts import LabelClass
from schemas.scores import LabelScores
from stages.heads.metrics.classes import bins_of, calibration_error, macro, ratios
from stages.rows.columns import has_label
from stages.rows.probabilities import log_sigmoid

Logits = npt.NDArray[np.float32]
Exact = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

EVEN = 0.5
_ROUNDS = 10


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
    labelled = has_label(labels)
    if not labelled.any():
        raise ValueError("no labelled row to score")
    true, own = labels[labelled] > EVEN, logits[labelled].astype(np.float64)
    used = [EVEN] * len(classes) if thresholds is None else list(thresholds)
    says = said(logits, used)
    found = says[labelled]
    hits, predicted, support = (one.sum(axis=0) for one in (true & found, found, true))
    by_class = ratios(hits, predicted, support)
    precision, recall, f1 = macro(by_class, predicted + support > 0)
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
        precision_macro=precision,
        recall_macro=recall,
        f1_macro=f1,
        average_precision=_mean(
            [average_precision(own[:, at], true[:, at]) for at in np.flatnonzero(support)]
        ),
        auc=_mean(known) if known else None,
        log_loss=float((np.logaddexp(0.0, own) - own * true).mean()),
        calibration_error=calibration_error(reliability),
        classes=tuple(
            LabelClass(name=name, threshold=limit, support=int(has), precision=p, recall=r, f1=f)
            for name, limit, has, p, r, f in zip(classes, used, support, *by_class, strict=True)
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
    """Return by class the thresholds under which F1 over all pairs is largest.

    Each class in turn gets the threshold that is best beside the others', from 0.5 on, until none
    changes; it is never worse than 0.5 for all of them. Of equals the one nearest to 0.5.

    Args:
      logits: float32 [rows, classes], of rows that are not scored with it.
      labels: float32 [rows, classes], NaN where none is stated.
    """
    known = has_label(labels)
    probs, true = _probabilities(logits[known].astype(np.float64)), labels[known] > EVEN
    thresholds = np.full(probs.shape[1], EVEN)
    says = probs >= thresholds
    hits, predicted = (says & true).sum(axis=0), says.sum(axis=0)
    for _ in range(_ROUNDS):
        before = thresholds.copy()
        for place in range(len(thresholds)):
            others_hits = hits.sum() - hits[place]
            others = predicted.sum() - predicted[place] + true.sum()
            thresholds[place], hits[place], predicted[place] = _best_beside(
                probs[:, place], true[:, place], int(others_hits), int(others)
            )
        if (thresholds == before).all():
            break
    return [float(threshold) for threshold in thresholds]


def best_threshold(probs: Exact, true: Flags) -> float:
    """Return the threshold whose F1 is largest, of equals the one nearest to 0.5.

    Args:
      probs: float64 [rows], in [0, 1]; a row is found where it is at least the threshold.
      true: bool [rows].

    >>> best_threshold(np.array([0.2, 0.3, 0.1]), np.array([True, True, False]))
    0.15000000000000002
    """
    return _best_beside(probs, true, 0, int(true.sum()))[0]


def _best_beside(
    probs: Exact, true: Flags, others_hits: int, others: int
) -> tuple[float, int, int]:
    """Return a threshold, how many of the found are true, and how many are found.

    Args:
      probs: of one class.
      true: which rows have it.
      others_hits: true ones that are found elsewhere.
      others: what is found elsewhere, and what is true anywhere.
    """
    order = np.argsort(-probs, kind="stable")
    ordered = np.r_[1.0, probs[order], 0.0]
    hits = np.r_[0, np.cumsum(true[order])]
    found = np.arange(len(hits))
    f1 = 2 * (others_hits + hits) / np.maximum(others + found, 1)
    upper, lower = ordered[:-1], ordered[1:]
    # to find so many, a threshold is above the next and not above the last of them
    candidates = np.where((lower < EVEN) & (upper >= EVEN), EVEN, (lower + upper) / 2)
    candidates = np.where(found == 0, np.where(lower < EVEN, EVEN, (lower + 1) / 2), candidates)
    possible = (candidates > lower) & ((found == 0) | (candidates <= upper))
    best = np.flatnonzero(possible & (f1 >= f1[possible].max(initial=0.0) - 1e-12))
    if len(best) == 0:
        return EVEN, int(true[probs >= EVEN].sum()), int((probs >= EVEN).sum())
    chosen = best[np.abs(candidates[best] - EVEN).argmin()]
    return float(candidates[chosen]), int(hits[chosen]), int(found[chosen])


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
    likely: Exact = np.exp(log_sigmoid(logits))
    return likely


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
