"""Texts cut into words: those of questions, contexts and entities, which are told by character."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache

VERSION = 2  # of how texts are cut; what decides a table of such texts

_JOINERS = "\u200c\u200d"
_ONE_BY_ONE = (  # scripts that are written without spaces
    "\u0e00-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan, Burmese; Khmer
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U000323af"
)


def cut_words(text: str) -> list[tuple[int, str]]:
    """Return a text's words with where each begins; white space stays with the word before it.

    Letters and digits make a word, any other sign is one, and each character of a script that is
    written without spaces. Marks, such as accents and signs of vowels, stay with what they are on.

    >>> cut_words("It's 5 km.")
    [(0, 'It'), (2, "'"), (3, 's '), (5, '5 '), (7, 'km'), (9, '.')]
    """
    return [(found.start(), found.group()) for found in _word().finditer(text)]


@cache
def _word() -> re.Pattern[str]:
    """Return the pattern of a word; it never goes back, so it is linear in a text's length."""
    every = map(chr, range(sys.maxunicode + 1))
    marks = "".join(sign for sign in every if unicodedata.category(sign).startswith("M"))
    on, letters = f"[{marks}{_JOINERS}]*+", rf"[^\W{_ONE_BY_ONE}]++"
    return re.compile(rf"(?:(?:{letters}{on})++|(?:[{_ONE_BY_ONE}]|[^\w\s]){on})\s*")
