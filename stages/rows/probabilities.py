"""Probabilities that a teacher answered with: whether they are, and the logits they stand for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from schemas.head_kinds import HeadKind

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


def are_probabilities(answers: Answers, kind: HeadKind = "softmax") -> bool:
    """Return whether answers must be probabilities, and can be no logits.

    Of a `softmax` head: every row is of numbers in [0, 1] whose sum is 1 within 0.001. Of a
    `sigmoid` one: 32 numbers or more, all of them in [0, 1].

    >>> are_probabilities(np.array([[0.5, 0.5]])), are_probabilities(np.array([[2.0, -1.0]]))
    (True, False)
    """
    if kind == "regression" or (kind == "sigmoid" and answers.size < ENOUGH):
        return False
    return len(answers) > 0 and bool(rows_of_probabilities(answers, kind).all())


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


def rows_of_probabilities(answers: Answers, kind: HeadKind = "softmax") -> npt.NDArray[np.bool_]:
    """Return bool [rows]: which of them are probabilities.

    >>> rows_of_probabilities(np.array([[0.5, 0.5], [2.0, -1.0]])).tolist()
    [True, False]
    >>> rows_of_probabilities(np.array([[0.5, 0.9], [0.5, 1.1]]), "sigmoid").tolist()
    [True, False]
    """
    within = (answers <= 1).all(axis=-1)
    if kind == "softmax":
        within = np.abs(answers.sum(axis=-1) - 1) <= _SUM_TOLERANCE
    return np.asarray((answers >= 0).all(axis=-1) & within, np.bool_)


def logits_of_probabilities(answers: Answers, kind: HeadKind = "softmax") -> Answers:
    """Return float32 logits of probabilities: their logarithms, or of a `sigmoid` head log-odds.

    >>> logits_of_probabilities(np.array([[0.5, 0.75]]), "sigmoid").round(3).tolist()
    [[0.0, 1.0989999771118164]]
    """
    if kind == "sigmoid":
        probs = np.clip(answers.astype(np.float64), _SMALLEST, _LARGEST)
        return (np.log(probs) - np.log1p(-probs)).astype(np.float32)
    return np.log(np.maximum(answers, _SMALLEST)).astype(np.float32)


def one_number_remedy(found: int, classes: int, kind: HeadKind = "softmax") -> str:
    """Return what to state where a teacher of two classes answers with one number; else nothing."""
    if found != 1 or kind != "softmax" or classes != 2:
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
