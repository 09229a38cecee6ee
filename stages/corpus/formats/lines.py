"""A pattern that each line has to match; its named groups are the columns."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemas.errors import CorpusError
from stages.corpus.formats.text_lines import Row, parsed_lines
from stages.corpus.formats.units import RawRows, TextFormat, Unit
from stages.rows.intake import Intake

DECLARES = {"place": 5, "needs": "line_pattern"}


def read(unit: Unit, text: TextFormat, intake: Intake) -> Iterator[RawRows]:
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


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise CorpusError(f"line_pattern is no regular expression: {pattern!r}: {error}.") from None
