"""The mean of several teachers' answers, and the weights under which hard labels are likeliest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Answers = npt.NDArray[np.float32]
Shares = npt.NDArray[np.float64]

_ROUNDS, _SETTLED = 1000, 1e-9


def mean_of_probabilities(answers: Answers, weights: Shares) -> Answers:
    """Return the logarithm of the weighted mean of the teachers' probabilities.

    Args:
      answers: float32 [teachers, lines, classes], logits; NaN where a teacher has none. The others'
        weights are then scaled to a sum of 1.
      weights: float64 [teachers], sum 1.

    Returns:
      float32 [lines, classes]; NaN where no teacher has an answer.

    >>> logits = np.log(np.array([[[0.5, 0.5]], [[0.9, 0.1]]], np.float32))
    >>> np.exp(mean_of_probabilities(logits, np.array([0.5, 0.5]))).round(4).tolist()
    [[0.699999988079071, 0.30000001192092896]]
    """
    seen, shares = _shares(answers, weights)
    exact = np.where(seen[..., None], answers, 0.0).astype(np.float64)
    log_probs = exact - np.logaddexp.reduce(exact, axis=-1, keepdims=True)
    with np.errstate(divide="ignore"):
        weighed = np.log(shares)[..., None] + log_probs
    return _where_seen(np.logaddexp.reduce(weighed, axis=0), seen)


def mean_of_logits(answers: Answers, weights: Shares) -> Answers:
    """Return the weighted mean of the teachers' logits; as `mean_of_probabilities`.

    It is the geometric mean of their probabilities, but for a constant.

    >>> logits = np.array([[[1.0, 3.0]], [[2.0, 1.0]]], np.float32)
    >>> mean_of_logits(logits, np.array([0.5, 0.5])).tolist()
    [[1.5, 2.0]]
    """
    seen, shares = _shares(answers, weights)
    exact = np.where(seen[..., None], answers, 0.0).astype(np.float64)
    return _where_seen((shares[..., None] * exact).sum(axis=0), seen)


def likeliest_weights(answers: Answers, labels: npt.NDArray[np.int64]) -> Shares:
    """Return the weights of a mean of probabilities that make hard labels likeliest.

    Expectation-maximisation for the shares of a mixture: the likelihood never falls, and has one
    maximum.

    Args:
      answers: float32 [teachers, lines, classes], logits, finite.
      labels: int64 [lines].

    Returns:
      float64 [teachers], sum 1.

    Reference:
      Dempster, Laird, Rubin. Maximum Likelihood from Incomplete Data via the EM Algorithm. 1977.
    """
    exact = answers.astype(np.float64)
    log_probs = exact - np.logaddexp.reduce(exact, axis=-1, keepdims=True)
    own = log_probs[:, np.arange(len(labels)), labels]
    likely = np.exp(own - own.max(axis=0))
    weights: Shares = np.full(len(answers), 1.0 / len(answers))
    for _ in range(_ROUNDS):
        parts = weights[:, None] * likely
        found: Shares = (parts / parts.sum(axis=0)).mean(axis=1)
        if np.abs(found - weights).max() < _SETTLED:
            return found
        weights = found
    return weights


def _shares(answers: Answers, weights: Shares) -> tuple[npt.NDArray[np.bool_], Shares]:
    """Return who has an answer to each line, and what it counts, both [teachers, lines]."""
    seen = ~np.isnan(answers[..., 0])
    shares = weights[:, None] * seen
    total = shares.sum(axis=0)
    alone = total == 0  # only teachers of weight 0 have one: they count evenly
    shares = np.where(alone, seen, shares)
    return seen, shares / np.maximum(shares.sum(axis=0), np.finfo(np.float64).tiny)


def _where_seen(values: Shares, seen: npt.NDArray[np.bool_]) -> Answers:
    some = np.asarray(seen.any(axis=0))[:, None]
    found: Answers = np.where(some, values, np.nan).astype(np.float32)
    return found
