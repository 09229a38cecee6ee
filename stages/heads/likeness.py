"""How far two lists of answers to the same questions are apart, by what the head predicts."""

from __future__ import annotations

import numpy as np

from schemas.head_kinds import HeadKind
from stages.heads import head_kind
from stages.rows.probabilities import Answers


def mean_divergence(answers: Answers, others: Answers, kind: HeadKind) -> float:
    """Return the mean KL(answers ‖ others) over lines, in nats, in float64, as the kind has it.

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
    return head_kind(kind).divergence(answers.astype(np.float64), others.astype(np.float64))


def share_of_others(answers: Answers, others: Answers, kind: HeadKind) -> float:
    """Return the share of lines that say something else, as the kind tells it."""
    return head_kind(kind).share_of_others(answers, others) if len(answers) else 0.0


def largest_difference(answers: Answers, others: Answers, kind: HeadKind) -> float:
    """Return the largest difference of a logit; of numbers, as a share of the largest of them."""
    if answers.size == 0:
        return 0.0
    apart = float(np.abs(answers.astype(np.float64) - others).max())
    return apart / head_kind(kind).size(answers)
