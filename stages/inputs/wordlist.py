"""A wordpiece vocabulary for students whose teacher has none: the train split's own words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

MOST_WORDS = 30_000
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")


def made_vocabulary(batches: Iterable[list[str]], *, lowercase: bool) -> list[str]:
    """Return pieces by id: the special ones, every character, then words by how often they occur.

    A word that is not among them is spelt by characters. Ties are broken by the word, so the
    result depends on content only.

    Args:
      batches: of texts.
      lowercase: whether text is lower-cased and stripped of accents first.
    """
    counts: Counter[str] = Counter()
    for texts in batches:
        for text in texts:
            counts.update(_WORD.findall(_plain(text) if lowercase else text))
    letters = sorted({letter for word in counts for letter in word})
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[:MOST_WORDS]
    pieces = [*_SPECIAL, *letters, *(f"##{letter}" for letter in letters)]
    return list(dict.fromkeys([*pieces, *frequent]))


def _plain(text: str) -> str:
    """Return text in lower case and without accents, as a BERT tokenizer reads it."""
    letters = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Mn")
