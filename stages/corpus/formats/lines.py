"""Corpus formats that are read line by line: JSON lines, and lines that match a pattern."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.errors import CorpusError
from stages.corpus.formats.units import ROWS_PER_BATCH, RawRows, TextFormat, Unit
from stages.rows.intake import Intake

Row = dict[str, Any]
_SURROGATE = re.compile("[\ud800-\udfff]")
_MARK = "\ufeff"  # of byte order: some programs begin UTF-8 with it
Parse = Callable[[str, int], Row | None]


def read_jsonl(unit: Unit, text: TextFormat, intake: Intake) -> Iterator[RawRows]:
    """Yield batches of a file with one JSON object a line."""

    def parse(line: str, number: int) -> Row | None:
        value = json_object(line, number, intake)
        if value is None:
            return None
        row = _json_row(value, line, number, text, intake)
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


def read_lines(unit: Unit, text: TextFormat, intake: Intake) -> Iterator[RawRows]:
    """Yield batches of a file whose every line matches the pattern; groups are the columns."""
    pattern = _compiled(text.line_pattern or "")

    def parse(line: str, number: int) -> Row | None:
        found = pattern.fullmatch(line)
        if found is None:
            said = (
                f"found {line[:80]!r}, expected {pattern.pattern!r}. Mend the line or the pattern."
            )
            intake.refuse("line does not match", number, said, line)
            return None
        return found.groupdict()

    yield from parsed_lines(unit, text, intake, parse)


def parsed_lines(unit: Unit, text: TextFormat, intake: Intake, parse: Parse) -> Iterator[RawRows]:
    """Yield batches of what `parse` makes of each line and its number; None is left out."""
    wanted = {*text.columns, text.answers}
    before: dict[str, None] = {}  # of these in the file so far: a batch may lack what others have
    for first, lines in line_batches(unit, text):
        intake.seen += len(lines)
        rows, numbers = [], []
        for number, line in enumerate(lines, start=first):
            row = parse(line, number) if is_text(line, number, text, intake) else None
            if row is not None:
                rows.append(row)
                numbers.append(number)
        before |= {key: None for row in rows for key in row if key in wanted}
        names = dict.fromkeys(key for row in rows for key in row) | before
        table = pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})
        if rows:
            yield RawRows(table, np.array(numbers, np.int64))


def _json_row(
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


def line_batches(unit: Unit, text: TextFormat) -> Iterator[tuple[int, list[str]]]:
    """Yield lines some thousands at a time, with the number of the first."""
    batch: list[str] = []
    first = 1
    with open(  # noqa: PTH123
        unit.path, encoding=text.encoding, errors="surrogateescape", newline="\n"
    ) as stream:
        for line in stream:
            whole = line if batch or first > 1 else line.removeprefix(_MARK)
            batch.append(whole.rstrip("\r\n"))
            if len(batch) == ROWS_PER_BATCH:
                yield first, batch
                first += len(batch)
                batch = []
    if batch:
        yield first, batch


def is_text(line: str, number: int, text: TextFormat, intake: Intake) -> bool:
    """Return whether every byte of a line could be decoded."""
    if line.isascii():
        return True
    try:
        line.encode("utf-8")
    except UnicodeEncodeError as error:
        content = line.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")
        said = f"character {error.start + 1} is no {text.encoding}. Mend the line, or `encoding`."
        intake.refuse("wrong encoding", number, said, content)
        return False
    return True


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise CorpusError(f"line_pattern is no regular expression: {pattern!r}: {error}.") from None
