"""How far two lists of answers to the same questions are apart, by what the head predicts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from schemas.head_kinds import HeadKind
from stages.rows.pointers import distributions
from stages.rows.row_logits import RowLogits

Answers = npt.NDArray[np.float32]
Exact = npt.NDArray[np.float64]

_NEAR = 0.01  # of the numbers' own deviation


def pairs_of_lines(
    answers: RowLogits, others: RowLogits, kind: HeadKind
) -> tuple[Answers, Answers, HeadKind]:
    """Return the lines that both have, as they can be compared, and the kind that they then are.

    A pointer is one class of its positions.
    """
    if kind == "pointer":
        return distributions(answers), distributions(others), "softmax"
    both = answers.seen & others.seen
    return answers.values[both], others.values[both], kind


def mean_divergence(answers: Answers, others: Answers, kind: HeadKind) -> float:
    """Return the mean KL(answers ‖ others) over lines, in nats, in float64.

    Of a `sigmoid` head the mean over classes of each one's yes or no; of a `regression` the squared
    difference over twice the answers' variance, which is the KL of two normal distributions of it.

    Args:
      answers: float32 [lines, classes], logits or numbers.
      others: float32 [lines, classes].
      kind: of the head.

    >>> rows = np.array([[1.0, 2.0]], np.float32)
    >>> mean_divergence(rows, rows + 5, "softmax")
    0.0
    >>> mean_divergence(rows, rows + 5, "sigmoid") > 0.5
    True
    """
    if len(answers) == 0:
        return 0.0
    exact, near = answers.astype(np.float64), others.astype(np.float64)
    if kind == "regression":
        return float(((exact - near) ** 2).mean() / (2 * max(exact.var(), 1e-12)))
    if kind == "sigmoid":
        yes, no = (log_sigmoid(sign * exact) for sign in (1, -1))
        gaps = yes - log_sigmoid(near), no - log_sigmoid(-near)
        rows = (np.exp(yes) * gaps[0] + np.exp(no) * gaps[1]).mean(axis=1)
    else:
        log_probs, other = _log_softmax(exact), _log_softmax(near)
        rows = np.einsum("rc,rc->r", np.exp(log_probs), log_probs - other)
    return float(np.maximum(rows, 0.0).mean())


def share_of_others(answers: Answers, others: Answers, kind: HeadKind) -> float:
    """Return the share of lines with another class; of pairs of line and class with another word.

    Of numbers: the share that differ by more than a hundredth of their deviation.
    """
    if len(answers) == 0:
        return 0.0
    if kind == "sigmoid":
        return float(((answers >= 0) != (others >= 0)).mean())
    if kind == "regression":
        return float((np.abs(answers - others) > _NEAR * max(float(answers.std()), 1e-12)).mean())
    return float((answers.argmax(axis=1) != others.argmax(axis=1)).mean())


def largest_difference(answers: Answers, others: Answers, kind: HeadKind) -> float:
    """Return the largest difference of a logit; of numbers, as a share of the largest of them."""
    if answers.size == 0:
        return 0.0
    size = max(1.0, float(np.abs(answers).max())) if kind == "regression" else 1.0
    return float(np.abs(answers.astype(np.float64) - others).max()) / size


def _log_softmax(logits: Exact) -> Exact:
    found: Exact = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return found


def log_sigmoid(logits: Exact) -> Exact:
    """Return the log of the logistic function, float64, as exact for large logits as for small.

    >>> log_sigmoid(np.array([0.0, -1000.0])).round(4).tolist()
    [-0.6931, -1000.0]
    """
    found: Exact = -np.logaddexp(0.0, -logits)
    return found
