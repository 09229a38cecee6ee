"""The likeliest row of tags that keeps to its scheme, found by dynamic programming."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from schemas.spans import TagScheme
from stages.heads.metrics.classes import probabilities
from stages.heads.metrics.spans import OUTSIDE, may_follow, split_tag
from stages.rows.row_logits import RowLogits

Scores = npt.NDArray[np.float64]
Allowed = npt.NDArray[np.bool_]


def constrained(
    answers: RowLogits, classes: Sequence[str], scheme: TagScheme
) -> npt.NDArray[np.int64]:
    """Return int64 [lines]: of each row the whole tags whose product of probabilities is largest.

    Args:
      answers: by position; where nothing was said the tag is `O`.
      classes: tags, `O` among them.
      scheme: what may follow what.

    Reference:
      Forney. The Viterbi Algorithm. 1973.
    """
    tags = [split_tag(name) for name in classes]
    outside = (OUTSIDE, "")
    follows = np.array([[may_follow(one, other, scheme) for other in tags] for one in tags])
    first = np.array([may_follow(outside, tag, scheme) for tag in tags])
    last = np.array([may_follow(tag, outside, scheme) for tag in tags])
    scores = np.full(answers.values.shape, -np.inf)
    scores[:, list(classes).index(OUTSIDE)] = 0.0
    with np.errstate(divide="ignore"):
        scores[answers.seen] = np.log(probabilities(answers.values[answers.seen]))
    starts = np.arange(len(scores) + 1) if answers.offsets is None else answers.offsets
    found = np.empty(len(scores), np.int64)
    for begin, end in zip(starts[:-1], starts[1:], strict=True):
        found[begin:end] = _best_path(scores[begin:end], follows, first, last)
    return found


def _best_path(
    scores: Scores, follows: Allowed, first: Allowed, last: Allowed
) -> npt.NDArray[np.int64]:
    if len(scores) == 0:
        return np.zeros(0, np.int64)
    steps = np.where(follows, 0.0, -np.inf)
    best = np.where(first, scores[0], -np.inf)
    came = np.zeros(scores.shape, np.int64)
    for place in range(1, len(scores)):
        through = best[:, None] + steps
        came[place] = through.argmax(axis=0)
        best = through.max(axis=0) + scores[place]
    path = [int(np.where(last, best, -np.inf).argmax())]
    for place in range(len(scores) - 1, 0, -1):
        path.append(int(came[place, path[-1]]))
    return np.array(path[::-1])
