"""Exact match and F1 as SQuAD's own script counts them, on cases by hand."""

import numpy as np
import pytest

from stages.heads.metrics.answers import (
    answer_f1,
    exact_match,
    normalized,
    overlap_f1,
    right_answers,
    score_answers,
)
from stages.rows.pointers import Questions
from stages.rows.row_logits import RowLogits


@pytest.mark.parametrize(
    ("said", "right", "exact", "f1"),
    [
        ("the Denver Broncos", ["Denver Broncos"], 1, 1),  # articles
        ("Denver Broncos.", ["denver broncos"], 1, 1),  # punctuation, case
        ("U.S.", ["US"], 1, 1),
        ("well-known", ["well known"], 0, 0),  # as the script: a hyphen is left out, not a space
        ("Broncos", ["Denver Broncos"], 0, 2 / 3),
        ("in Denver in", ["Denver in"], 0, 4 / 5),  # words count as often as they stand there
        ("Denver", ["Paris", "the city of Denver", "Denver, Colorado"], 0, 2 / 3),  # the nearest
        ("Denver", ["Paris"], 0, 0),
        ("", [""], 1, 1),  # no answer, rightly
        ("Denver", [""], 0, 0),  # one where there is none
        ("", ["Denver"], 0, 0),  # none where there is one
        ("the", [""], 1, 1),  # nothing is left of it
    ],
)
def test_by_hand(said, right, exact, f1):
    assert exact_match(said, right) == exact
    assert answer_f1(said, right) == pytest.approx(f1)


def test_normalized():
    assert normalized("The  cat, an\tapple and A theory!") == "cat apple and theory"


def test_an_answer_of_which_nothing_is_left_does_not_count():
    assert right_answers(["the", "cat"]) == ["cat"]
    assert right_answers(["the"]) == [""]
    assert right_answers([]) == [""]


def test_overlap_by_place():
    said = np.array([[3, 5], [3, 5], [3, 5], [-1, -1], [-1, -1], [2, 2]])
    right = np.array([[3, 5], [5, 8], [7, 9], [-1, -1], [2, 3], [-1, -1]])
    assert overlap_f1(said, right).tolist() == pytest.approx([1, 2 / 7, 0, 1, 0, 0])


def answers_to(*spans, lengths):
    """Return logits that say a span each; None for no answer."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    values = np.zeros((offsets[-1], 2), np.float32)
    for begin, span in zip(offsets, spans, strict=False):
        first, last = span or (1, 1)
        values[begin + first, 0] = values[begin + last, 1] = 5
    return RowLogits(values, offsets)


WORDS = [["who", "[SEP]", "the ", "cat"], ["who", "[SEP]", "a ", "dog"], ["who", "[SEP]", "x"]]


def test_scores_of_rows_with_and_without_an_answer():
    labels = answers_to((3, 3), (2, 3), None, lengths=[4, 4, 3]).values / 5
    asked = Questions(WORDS, [["cat"], ["dog", "a dog"], []])
    said = answers_to((2, 3), None, None, lengths=[4, 4, 3])
    found = score_answers(
        said, labels, asked, teacher=answers_to((2, 3), (2, 3), None, lengths=[4, 4, 3])
    )
    assert found.rows == 3
    assert found.exact_match == found.answer_f1 == pytest.approx(2 / 3)
    assert found.overlap_f1 == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert (found.has_answer_f1, found.no_answer_accuracy) == (0.5, 1.0)
    assert found.agreement == pytest.approx(2 / 3)
    assert found.shown[0] == "answer_f1"
    assert found.detailed[-1] == "no_answer_accuracy"


def test_a_row_without_a_label_counts_in_nothing():
    labels = answers_to((3, 3), None, None, lengths=[4, 4, 3]).values / 5
    labels[4:] = np.nan
    said = answers_to((3, 3), None, None, lengths=[4, 4, 3])
    found = score_answers(said, labels, Questions(WORDS, [["cat"], None, None]))
    assert (found.rows, found.exact_match, found.no_answer_accuracy) == (1, 1.0, None)
    labels[:] = np.nan
    with pytest.raises(ValueError, match="no row has a label"):
        score_answers(said, labels, Questions(WORDS, [None] * 3))
