"""Entities as spans of characters: a text a line, `{"text": …, "entities": [[0, 5, "PER"], …]}`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from stages.corpus.formats.jsonl import json_object
from stages.corpus.formats.text_lines import Row, parsed_lines
from stages.corpus.formats.units import RawRows, TextFormat, Unit
from stages.inputs.cutting import cut_words
from stages.rows.intake import Intake, Unfit

DECLARES = {
    "place": 8,
    "words": {"points": False, "column": "tags", "said": 'with per = "token", column = "tags"'},
}
_FORM = "expected [start, end, type], or an object of start, end and label"
Span = tuple[int, int, str]


def read(unit: Unit, text: TextFormat, intake: Intake) -> Iterator[RawRows]:
    """Yield batches of texts; a text's number is its line.

    `words` are those of the text, `tags` those of its entities as IOB2, null where none are stated,
    and `id` its own. An entity that begins or ends within a word has the whole word.

    Raises:
      CorpusError: a line cannot be used and nothing may be quarantined.
    """

    def parse(line: str, number: int) -> Row | None:
        value = json_object(line, number, intake)
        if value is None:
            return None
        try:
            return _row(value)
        except Unfit as unfit:
            said = f"{unfit.said} Mend the row."
            intake.refuse(unfit.what, number, said, line, column=unfit.column)
            return None

    yield from parsed_lines(unit, text, intake, parse)


def _row(value: dict[str, Any]) -> Row:
    text, stated, name = value.get("text"), value.get("entities"), value.get("id")
    if not isinstance(text, str) or not text.strip():
        raise Unfit("no text", f"found {text!r}.", "text")
    if not isinstance(stated, list | None):
        raise Unfit("entities are no list", f"found {type(stated).__name__}.", "entities")
    places = cut_words(text)
    tags = None if stated is None else _tags(stated, text, [start for start, _ in places])
    words = [word.rstrip() for _, word in places]
    return {"words": words, "tags": tags, "id": None if name is None else str(name)}


def _tags(stated: list[Any], text: str, starts: list[int]) -> list[str]:
    """Return the tags of the words that begin at `starts`."""
    tags = ["O"] * len(starts)
    spans = sorted(_span(one, text) for one in stated)
    for before, span in zip([(0, 0, ""), *spans], spans, strict=False):
        start, end, kind = span
        first, last = np.searchsorted(starts, [start, end - 1], side="right") - 1
        if start < before[1] or tags[first] != "O":
            shares = "overlap" if start < before[1] else "share a word"
            raise Unfit(f"entities {shares}", f"found {before} and {span}.", "entities")
        tags[first : last + 1] = [f"B-{kind}", *[f"I-{kind}"] * int(last - first)]
    return tags


def _span(stated: Any, text: str) -> Span:
    """Return a span without the white space around it."""
    if isinstance(stated, dict):
        stated = [stated.get(name) for name in ("start", "end", "label")]
    if not isinstance(stated, list) or [type(one) for one in stated] != [int, int, str]:
        raise Unfit("no entity", f"found {str(stated)[:80]!r}, {_FORM}.", "entities")
    start, end, kind = stated
    covered = text[max(start, 0) : end]
    if start < 0 or end > len(text) or not covered.strip() or not kind:
        said = f"found {stated} of a text of {len(text)} characters."
        raise Unfit("entity is of no text", said, "entities")
    spared = len(covered) - len(covered.lstrip())
    return start + spared, start + len(covered.rstrip()), kind
