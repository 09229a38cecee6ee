"""A JSON object a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from stages.corpus.formats.text_lines import Row, parsed_lines
from stages.corpus.formats.units import RawRows, TextFormat, Unit
from stages.rows.intake import Intake

DECLARES = {"place": 2}
_SURROGATE = re.compile("[\ud800-\udfff]")


def read(unit: Unit, text: TextFormat, intake: Intake) -> Iterator[RawRows]:
    """Yield batches of a file with one JSON object a line."""

    def parse(line: str, number: int) -> Row | None:
        value = json_object(line, number, intake)
        if value is None:
            return None
        row = json_row(value, line, number, text, intake)
        if row is not None and text.answers in row:
            row[text.answers] = json.dumps(value[text.answers])
        return row

    yield from parsed_lines(unit, text, intake, parse)


def json_object(line: str, number: int, intake: Intake) -> dict[str, Any] | None:
    """Return the JSON object that a line is; one that is none is refused."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        intake.refuse("not JSON", number, f"{error}. Mend the line.", line)
        return None
    if not isinstance(value, dict):
        intake.refuse("not a JSON object", number, f"found {line[:80]!r}. Mend the line.", line)
        return None
    if "\\u" in line and (half := half_a_character(value)):
        intake.refuse("half a character", number, f"found {half}. Mend the line.", line)
        return None
    return value


def half_a_character(value: Any) -> str | None:
    r"""Return the first surrogate without its other half in JSON data, as it is written.

    >>> half_a_character({"text": "cut \ud83d"})
    '\\ud83d'
    """
    found = _SURROGATE.search(json.dumps(value, ensure_ascii=False, default=repr))
    return f"\\u{ord(found[0]):04x}" if found else None


def json_row(
    value: dict[str, Any], line: str, number: int, text: TextFormat, intake: Intake
) -> Row | None:
    """Return the wanted columns as text; other columns are named only, for messages."""
    row: Row = dict.fromkeys(value)
    for name in text.columns:
        found = value.get(name)
        if isinstance(found, int) and not isinstance(found, bool):
            found = str(found)
        if name in text.numbers and isinstance(found, bool | float):
            found = repr(float(found))
        several = name in text.lists
        fits = _is_list_of_texts(found) if several else isinstance(found, str)
        if found is not None and not fits:
            expected = "a list of texts" if several else "text"
            said = f"found {type(found).__name__}, expected {expected}. Mend the row."
            intake.refuse("wrong type", number, said, line, column=name)
            return None
        if name in row:
            row[name] = (found.split() or None) if several and isinstance(found, str) else found
    return row


def _is_list_of_texts(found: Any) -> bool:
    """Return whether a value is a list of texts or nulls, or a text that is to be split."""
    if isinstance(found, str):
        return True
    texts = (str, type(None))
    return isinstance(found, list) and all(isinstance(one, texts) for one in found)
