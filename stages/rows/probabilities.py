"""Probabilities among numbers: whether they are some, and the logits that they stand for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from schemas.head_kinds import USUAL_KIND, HeadKind, has_setting

_SUM_TOLERANCE = 1e-3
_SMALLEST = np.finfo(np.float32).tiny  # what a probability of 0 counts as: its log is -87.3
_LARGEST = 1 - 2.0**-24  # what a yes that is certain counts as: its logit is 16.6
ONE_NUMBER_REMEDY = (
    ' Where the number is of one of the two classes, state teacher.answers = "one_logit" or '
    '"one_probability", and that class as teacher.speaks_of; where it is a value, '
    'kind = "regression" for the head.'
)
ENOUGH = 32  # numbers in [0, 1], after which chance is no explanation

Answers = npt.NDArray[np.float32]
Exact = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def rows_within(answers: Answers) -> Flags:
    """Return bool [rows]: which of them are of numbers in [0, 1].

    >>> rows_within(np.array([[0.5, 0.9], [0.5, 1.1]])).tolist()
    [True, False]
    """
    return np.asarray(((answers >= 0) & (answers <= 1)).all(axis=-1), np.bool_)


def rows_of_sum_one(answers: Answers) -> Flags:
    """Return bool [rows]: which of them are of numbers from 0 on whose sum is 1 within 0.001.

    >>> rows_of_sum_one(np.array([[0.5, 0.5], [2.0, -1.0]])).tolist()
    [True, False]
    """
    is_one = np.abs(answers.sum(axis=-1) - 1) <= _SUM_TOLERANCE
    return np.asarray((answers >= 0).all(axis=-1) & is_one, np.bool_)


def are_pointer_probabilities(answers: Answers, owners: npt.NDArray[np.int64]) -> bool:
    """Return whether pointers' answers must be probabilities: each pointer's sum is 1 in every row.

    Args:
      answers: float32 [positions, 2].
      owners: int64 [positions], the row of each; those of a row stand together.

    >>> are_pointer_probabilities(np.array([[0.5, 0.1], [0.5, 0.9]]), np.array([7, 7]))
    True
    """
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    if len(answers) <= len(starts):  # one position a row, or none at all
        return False
    sums = np.add.reduceat(answers, starts, axis=0)
    return bool((answers >= 0).all() and (np.abs(sums - 1) <= _SUM_TOLERANCE).all())


def logarithms(answers: Answers) -> Answers:
    """Return float32 logits of probabilities whose sum is 1: their logarithms."""
    return np.log(np.maximum(answers, _SMALLEST)).astype(np.float32)


def log_odds(answers: Answers) -> Answers:
    """Return float32 logits of probabilities of a yes.

    >>> log_odds(np.array([[0.5, 0.75]])).round(3).tolist()
    [[0.0, 1.0989999771118164]]
    """
    probs = np.clip(answers.astype(np.float64), _SMALLEST, _LARGEST)
    return (np.log(probs) - np.log1p(-probs)).astype(np.float32)


def log_softmax(logits: Exact) -> Exact:
    """Return the log of the softmax of each row, float64 [rows, classes]."""
    found: Exact = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return found


def log_sigmoid(logits: Exact) -> Exact:
    """Return the log of the logistic function, float64, as exact for large logits as for small.

    >>> log_sigmoid(np.array([0.0, -1000.0])).round(4).tolist()
    [-0.6931, -1000.0]
    """
    found: Exact = -np.logaddexp(0.0, -logits)
    return found


def mean_divergence_of_classes(answers: Exact, others: Exact) -> float:
    """Return the mean KL(answers ‖ others) of softmaxes over rows, in nats.

    Args:
      answers: float64 [rows, classes].
      others: float64 [rows, classes].
    """
    log_probs, other = log_softmax(answers), log_softmax(others)
    rows = np.einsum("rc,rc->r", np.exp(log_probs), log_probs - other)
    return float(np.maximum(rows, 0.0).mean())


def one_number_remedy(found: int, classes: int, kind: HeadKind = USUAL_KIND) -> str:
    """Return what to state where a teacher of two classes answers with one number; else nothing."""
    if found != 1 or classes != 2 or not has_setting(kind, "one_number"):
        return ""
    return ONE_NUMBER_REMEDY


def logits_of_one(answers: Answers, *, place: int) -> Answers:
    """Return float32 [..., 2]: logits for two classes of one logit [..., 1], the other's is 0.

    The softmax of both is the logistic function of the one. A NaN, of what was not seen, is two.

    >>> logits_of_one(np.array([[1.5]], np.float32), place=0).tolist()
    [[1.5, 0.0]]
    """
    found = np.zeros((*answers.shape[:-1], 2), np.float32)
    found[..., place] = answers[..., 0]
    found[np.isnan(answers[..., 0])] = np.nan
    return found
