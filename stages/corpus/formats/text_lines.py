"""Files that are read line by line: thousands at once, each decoded or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from stages.corpus.formats.units import ROWS_PER_BATCH, RawRows, TextFormat, Unit
from stages.rows.intake import Intake

Row = dict[str, Any]
Parse = Callable[[str, int], Row | None]
_MARK = "\ufeff"  # of byte order: some programs begin UTF-8 with it


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
