"""Counts and nouns in what is printed, and full stops."""

import pytest

from schemas.counted import counted
from schemas.crossing import crossing_text
from schemas.errors import StudentError


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (counted(1, "shard"), "1 shard"),
        (counted(2, "row of theirs"), "2 rows of theirs"),
        (counted(0, "teacher call", "teacher calls"), "0 teacher calls"),
        (crossing_text(1, {}, left_out=0), "1 input is in several splits"),
    ],
)
def test_one_is_one_and_others_are_several(said, expected):
    assert said == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("x: Mend the file.. Train again.", "x: Mend the file. Train again."),
        ("files: (one).. Mend.", "files: (one). Mend."),
        ("in ../x and .. and more... Mend.", "in ../x and .. and more... Mend."),
    ],
)
def test_a_quoted_sentence_does_not_double_the_stop(message, expected):
    assert str(StudentError(message)) == expected
