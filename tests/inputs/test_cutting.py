"""Texts cut into words, whatever their script."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.inputs.cutting import cut_words


@given(st.text())
def test_the_words_of_a_text_are_the_text(text):
    places = cut_words(text)
    assert "".join(word for _, word in places) == text.lstrip()
    for (start, word), (after, _) in pairwise(places):
        assert start + len(word) == after
        assert text[start : start + len(word)] == word


def is_mark(sign):
    return unicodedata.category(sign).startswith("M")


@given(st.text(st.characters(categories=["M", "L", "Nd", "Zs", "P"])))
def test_a_mark_is_never_cut_from_what_it_is_on(text):
    for start, word in cut_words(text):
        if is_mark(word[0]):
            assert start == 0 or text[start - 1].isspace()


def test_scripts_without_spaces_are_cut_by_character():
    assert [word for _, word in cut_words("東京 is 3.5")] == ["東", "京 ", "is ", "3", ".", "5"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("हिन्दी भाषा", ["हिन्दी ", "भाषा"]),
        ("cafe\u0301 noir", ["cafe\u0301 ", "noir"]),
        ("தமிழ், 5", ["தமிழ்", ", ", "5"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("が\u3099。", ["が\u3099", "。"]),
        ("a\u0301-b", ["a\u0301", "-", "b"]),
        ("x²_y", ["x²_y"]),
    ],
)
def test_marks_stay_with_their_letters(text, words):
    assert [word for _, word in cut_words(text)] == words


def test_a_long_text_takes_no_more_than_its_length():
    assert len(cut_words("a\u0301" * 50_000 + "!")) == 2
