"""Spans of words: cut, written, read, pointed to and told from logits."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.inputs.cutting import cut_words
from stages.rows.pointers import (
    MOST_WORDS,
    answer_text,
    best_spans,
    distributions,
    pointer_labels,
    read_span,
    separators,
    write_span,
)
from stages.rows.row_logits import RowLogits

LISTS = pa.list_(pa.string())


@given(st.text(), st.data())
def test_the_text_of_words_is_what_stands_there(text, data):
    places = cut_words(text)
    if not places:
        return
    first = data.draw(st.integers(0, len(places) - 1))
    last = data.draw(st.integers(first, len(places) - 1))
    words = [word for _, word in places]
    end = places[last][0] + len(words[last])
    spaced = any(word[-1].isspace() for word in words)
    if spaced or first == last:
        assert answer_text(words, first, last) == text[places[first][0] : end].strip()


def test_white_space_alone_is_a_word_of_a_list_and_joins_nothing():
    words = ["who", "[SEP]", "New", "York", "\n", "City"]
    assert answer_text(words, 2, 3) == "New York"
    assert answer_text(["in ", "New ", " ", "York"], 1, 3) == "New  York"


@given(st.integers(0, 9999), st.integers(0, 9999), st.text())
def test_a_span_is_read_as_it_was_written(first, last, text):
    assert read_span(write_span(first, last, text)) == (first, last, text)


@pytest.mark.parametrize("written", ["", "3", "a:b", "3-4", "-1:2"])
def test_what_is_no_span_is_refused(written):
    with pytest.raises(ValueError, match="expected `first:last text`"):
        read_span(written)


def test_labels_point_to_the_first_stated_answer_or_to_the_separator():
    words = pa.chunked_array([[["q", "[SEP]", "a", "b"], ["[SEP]", "c"], ["x", "[SEP]"]]], LISTS)
    labels = pa.chunked_array([[["2:3 a b", "2:2 a"], None, []]], LISTS)
    assert separators(words).tolist() == [1, 0, 1]
    found = pointer_labels(words, labels)
    assert found[:4].tolist() == [[0, 0], [0, 0], [1, 0], [0, 1]]
    assert np.isnan(found[4:6]).all()
    assert found[6:].tolist() == [[0, 0], [1, 1]]


def test_rows_without_a_separator_are_told():
    words = pa.chunked_array([[["a"], [], ["b", "[SEP]", "[SEP]"]]], LISTS)
    assert separators(words).tolist() == [-1, -1, 1]


def brute(logits, separator):
    """Return the likeliest span by looking at all of them."""
    best, found = logits[separator].sum(), (-1, -1)
    for length in range(1, MOST_WORDS + 1):
        for first in range(separator + 1, len(logits) - length + 1):
            value = logits[first, 0] + logits[first + length - 1, 1]
            if value > best:
                best, found = value, (first, first + length - 1)
    return found


def drawn(seed, rows=40):
    """Return rows of logits, some not seen, and where their separators are."""
    draw = np.random.default_rng(seed)
    counts = draw.integers(2, 50, rows)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    separator = np.array([draw.integers(0, count) for count in counts])
    values = draw.normal(0, 3, (offsets[-1], 2)).astype(np.float32)
    for row, place in enumerate(separator):
        values[offsets[row] : offsets[row] + place] = np.nan
        values[offsets[row] + place] += 4  # sometimes there is no answer
    return RowLogits(values, offsets), separator


def test_the_likeliest_span_is_that_of_all():
    answers, separator = drawn(1)
    found = best_spans(answers, separator)
    assert {-1} < set(found[:, 0].tolist())
    for row, (begin, end) in enumerate(pairwise(answers.offsets)):
        own = np.nan_to_num(answers.values[begin:end].astype(np.float64), nan=-np.inf)
        assert tuple(found[row]) == brute(own, separator[row])


def test_a_row_of_which_nothing_was_seen_has_no_answer():
    answers = RowLogits(np.full((3, 2), np.nan, np.float32), np.array([0, 3]))
    assert best_spans(answers, np.array([0])).tolist() == [[-1, -1]]


def test_what_was_not_seen_has_no_share_of_a_distribution():
    answers, _ = drawn(2, rows=5)
    lines = distributions(answers).astype(np.float64)
    probs = np.exp(lines - np.logaddexp.reduce(lines, axis=1, keepdims=True))
    for row, (begin, end) in enumerate(pairwise(answers.offsets)):
        own = answers.values[begin:end].astype(np.float64)
        seen = ~np.isnan(own[:, 0])
        for pointer in (0, 1):
            expected = np.zeros(lines.shape[1])
            softmax = np.exp(own[seen, pointer] - np.logaddexp.reduce(own[seen, pointer]))
            expected[: end - begin][seen] = softmax
            np.testing.assert_allclose(probs[2 * row + pointer], expected, atol=1e-12)
