"""Answers to questions against those that are right, counted as SQuAD counts them.

Reference:
  Rajpurkar, Jia, Liang. Know What You Don't Know: Unanswerable Questions for SQuAD. 2018.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from schemas.scores import PointerScores
from stages.rows.pointers import SEPARATOR, Questions, answer_text, best_spans
from stages.rows.row_logits import RowLogits

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def score_answers(
    answers: RowLogits,
    labels: npt.NDArray[np.float32],
    questions: Questions,
    *,
    teacher: RowLogits | None = None,
) -> PointerScores:
    """Return how good the likeliest answers are.

    Args:
      answers: of the rows, by position.
      labels: float32 [positions, 2], of `pointer_labels`; a row without counts in nothing.
      questions: of the rows.
      teacher: its answers, for the agreement: the share of rows with the same answer.

    Raises:
      ValueError: no row has a label.
    """
    assert answers.offsets is not None
    separator = np.array([words.index(SEPARATOR) for words in questions.words], np.int64)
    stated = ~np.isnan(labels[answers.offsets[:-1], 0])
    rows = np.flatnonzero(stated)
    if len(rows) == 0:
        raise ValueError("no row has a label")
    spans = best_spans(answers, separator)
    gold = [right_answers(questions.answers[row] or []) for row in rows]
    said = [_text(questions.words[row], spans[row]) for row in rows]
    exact = np.array([exact_match(*pair) for pair in zip(said, gold, strict=True)])
    f1 = np.array([answer_f1(*pair) for pair in zip(said, gold, strict=True)])
    has = np.array([bool(questions.answers[row]) for row in rows])
    overlap = overlap_f1(spans[rows], _pointed(labels, answers.offsets, separator)[rows])
    agreement = None
    if teacher is not None:
        agreement = float((spans == best_spans(teacher, separator)).all(axis=1)[rows].mean())
    return PointerScores(
        rows=len(rows),
        answer_f1=float(f1.mean()),
        exact_match=float(exact.mean()),
        overlap_f1=float(overlap.mean()),
        has_answer_f1=float(f1[has].mean()) if has.any() else None,
        no_answer_accuracy=float(exact[~has].mean()) if not has.all() else None,
        agreement=agreement,
    )


def normalized(text: str) -> str:
    """Return an answer in lower case without punctuation, articles and superfluous space.

    >>> normalized("  The U.S. (a  country)")
    'us country'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def right_answers(texts: Sequence[str]) -> list[str]:
    """Return the answers that count; an empty one where there is none."""
    return [text for text in texts if normalized(text)] or [""]


def exact_match(said: str, right: Sequence[str]) -> float:
    """Return 1 where an answer is one of the right ones, both normalized, else 0.

    >>> exact_match("the cat", ["Cat.", "dog"]), exact_match("", [""]), exact_match("cat", [""])
    (1.0, 1.0, 0.0)
    """
    return float(max(normalized(said) == normalized(one) for one in right))


def answer_f1(said: str, right: Sequence[str]) -> float:
    """Return the largest F1 of an answer's words over the right ones, all normalized.

    >>> round(answer_f1("the black cat", ["a cat", "dog"]), 4), answer_f1("", ["cat"])
    (0.6667, 0.0)
    """
    return max(_f1(normalized(said).split(), normalized(one).split()) for one in right)


def _f1(said: list[str], right: list[str]) -> float:
    if not said or not right:
        return float(said == right)
    shared = sum((Counter(said) & Counter(right)).values())
    return 2 * shared / (len(said) + len(right))


def overlap_f1(
    said: npt.NDArray[np.int64], right: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return the F1 of each row's words by their places, float64 [rows].

    Args:
      said: int64 [rows, 2], first and last word, -1 for no answer.
      right: int64 [rows, 2].

    >>> overlap_f1(np.array([[3, 4], [-1, -1], [-1, -1]]), np.array([[4, 6], [-1, -1], [1, 1]]))
    array([0.4, 1. , 0. ])
    """
    shared = np.minimum(said, right)[:, 1] - np.maximum(said, right)[:, 0] + 1
    none = (said[:, 0] < 0) | (right[:, 0] < 0)
    total = (said[:, 1] - said[:, 0] + 1) + (right[:, 1] - right[:, 0] + 1)
    f1 = 2 * np.maximum(shared, 0) / total
    equal = (said == right).all(axis=1).astype(np.float64)
    found: npt.NDArray[np.float64] = np.where(none, equal, f1)
    return found


def _pointed(
    labels: npt.NDArray[np.float32],
    offsets: npt.NDArray[np.int64],
    separator: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Return int64 [rows, 2]: the words that the labels point to, -1 where at `[SEP]`."""
    found = np.full((len(separator), 2), -1, np.int64)
    for end in (0, 1):
        lines = np.flatnonzero(labels[:, end] == 1.0)
        owners = np.searchsorted(offsets, lines, side="right") - 1
        found[owners, end] = lines - offsets[owners]
    found[(found == separator[:, None]).all(axis=1)] = -1
    return found


def _text(words: Sequence[str], span: npt.NDArray[np.int64]) -> str:
    return "" if span[0] < 0 else answer_text(words, int(span[0]), int(span[1]))
