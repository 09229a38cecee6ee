"""A question: words, `[SEP]`, and the words that it is asked about."""

from __future__ import annotations

import pyarrow as pa

from stages.inputs.protocol import Rows
from stages.inputs.words import Words
from stages.rows.pointers import SEPARATOR, separators

DECLARES = {
    "place": 5,
    "arrow": "list<string>",
    "feature": "words",
    "points": True,
    "teachers": ("keras", "transformers", "module"),
    "views": False,
    "refused": {
        "views": "[label.views] would move the words that a pointer points to",
        "teachers": "a pointer head needs a teacher of kind keras, transformers or module",
    },
}


class Question(Words):
    """As words are."""

    def read(self, rows: Rows, name: str) -> pa.Array:
        """Return lists of words; a row without `[SEP]` is refused too."""
        words = super().read(rows, name)
        rows.refuse(
            pa.array(separators(words) < 0),
            "no separator",
            lambda _: f"expected the question, {SEPARATOR!r} and the context. Mend the row.",
        )
        return words


INPUT = Question()
