"""Answers that are a span of a row's words: what is asked, how a span is written, told and read.

A row is the words of a question, `[SEP]`, and the words of a context. Two pointers go over the
positions from `[SEP]` on: where an answer begins and where it ends; both at `[SEP]` say that there
is none. A hard label is `first:last text`, numbers of words of the row; several are equally right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.heads import Head
from schemas.layout import Layout
from stages.rows.lists import Numbers, positions_of

if TYPE_CHECKING:
    from stages.rows.row_logits import RowLogits

Spans = npt.NDArray[np.int64]

SEPARATOR = "[SEP]"
MOST_WORDS = 30  # of an answer
LOWEST = -1e9  # the logit of what cannot be pointed to; its probability is 0, and it is finite

_WRITTEN = re.compile(r"(\d+):(\d+)(?: (.*))?", re.DOTALL)
_FIRST = r"^(?P<first>\d+):(?P<last>\d+)"


@dataclass(frozen=True)
class Questions:
    """What is asked of rows, and the answers that are right.

    Attributes:
      words: of each row.
      answers: the texts of each row's; an empty list where there is no answer, None where none is
        stated.
    """

    words: list[list[str]]
    answers: list[list[str] | None]


def questions_of(rows: pa.Table, layout: Layout) -> Questions | None:
    """Return what rows of a table ask; None of a head that is no `pointer`."""
    if not layout.head.points:
        return None
    labels = rows[layout.head.label_column].to_pylist()
    texts = [None if one is None else [read_span(span)[2] for span in one] for one in labels]
    return Questions(rows[layout.features[0]].to_pylist(), texts)


def answer_text(words: Sequence[str], first: int, last: int) -> str:
    """Return the text of a span; words without white space of their own are joined by it.

    >>> answer_text(["in ", "New ", "York", "."], 1, 2), answer_text(["in", "New", "York"], 1, 2)
    ('New York', 'New York')
    """
    between = "" if written_together(words) else " "
    return between.join(words[first : last + 1]).strip()


def written_together(words: Sequence[str]) -> bool:
    """Return whether words have white space of their own, so that together they are their text."""
    return any(word[-1:].isspace() and not word.isspace() for word in words)


def write_span(first: int, last: int, text: str) -> str:
    """Return a span as it is kept.

    >>> write_span(3, 4, "New York")
    '3:4 New York'
    """
    return f"{first}:{last} {text}"


def read_span(written: str) -> tuple[int, int, str]:
    """Return first and last word, and the text, empty where none is stated.

    Raises:
      ValueError: it is no span.

    >>> read_span("3:4 New York"), read_span("3:4")
    ((3, 4, 'New York'), (3, 4, ''))
    """
    found = _WRITTEN.fullmatch(written)
    if found is None:
        raise ValueError(f"found {written[:80]!r}, expected `first:last text`")
    return int(found[1]), int(found[2]), found[3] or ""


def separators(words: pa.Array | pa.ChunkedArray) -> Numbers:
    """Return the place of each row's first `[SEP]` among its words, int64 [rows], -1 for none."""
    flat, offsets = positions_of(words)
    places = np.flatnonzero(pc.equal(flat, SEPARATOR).to_numpy(zero_copy_only=False))
    owners = np.searchsorted(offsets, places, side="right") - 1
    rows, first = np.unique(owners, return_index=True)
    found = np.full(len(offsets) - 1, -1, np.int64)
    found[rows] = places[first] - offsets[rows]
    return found


def first_positions(words: pa.Array | pa.ChunkedArray, head: Head) -> Numbers:
    """Return each row's first position that is answered, int64 [rows]: of pointers `[SEP]`."""
    return separators(words) if head.points else np.zeros(len(words), np.int64)


def unseen_positions(answers: RowLogits, rows: pa.Table, layout: Layout) -> int:
    """Return how many positions of rows the teacher was to see and did not."""
    unseen = int((~answers.seen).sum())
    if not layout.head.points:
        return unseen
    return unseen - int(separators(rows[layout.features[0]]).sum())


def pointer_labels(words: pa.ChunkedArray, labels: pa.ChunkedArray) -> npt.NDArray[np.float32]:
    """Return float32 [positions of all rows, 2]: 1 where the first stated answer begins and ends.

    NaN for the positions of a row whose answers are not stated.
    """
    column, (_, offsets) = labels.combine_chunks(), positions_of(words)
    counts = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    ends = np.repeat(separators(words)[:, None], 2, axis=1)
    answered = np.flatnonzero(counts)
    starts = np.concatenate([[0], np.cumsum(counts)])[answered]
    spans = pc.extract_regex(column.flatten().take(pa.array(starts, pa.int64())), _FIRST)
    for place, name in enumerate(("first", "last")):
        numbers = pc.cast(pc.struct_field(spans, name), pa.int64())
        ends[answered, place] = numbers.to_numpy(zero_copy_only=False)
    found = np.zeros((offsets[-1], 2), np.float32)
    for place in (0, 1):
        found[offsets[:-1] + ends[:, place], place] = 1.0
    stated = column.is_valid().to_numpy(zero_copy_only=False)
    found[np.repeat(~stated, np.diff(offsets))] = np.nan
    return found


def best_spans(answers: RowLogits, separator: Numbers) -> Spans:
    """Return int64 [rows, 2]: the first and last word of each row's likeliest answer, -1 for none.

    The likeliest is that with the largest sum of both logits, of those with at most 30 words; none
    where that of `[SEP]` is larger, or where nothing after it was seen.

    Args:
      answers: by position; NaN for one not seen.
      separator: int64 [rows], the place of each row's `[SEP]`.
    """
    assert answers.offsets is not None
    values = np.where(np.isnan(answers.values), -np.inf, answers.values.astype(np.float64))
    found = np.full((len(answers), 2), -1, np.int64)
    for row, (begin, end) in enumerate(zip(answers.offsets[:-1], answers.offsets[1:], strict=True)):
        place = separator[row]
        own = values[begin + place : end]
        first, last, value = _best_span(own[1:])
        if value > own[0].sum():
            found[row] = first + place + 1, last + place + 1
    return found


def _best_span(logits: npt.NDArray[np.float64]) -> tuple[int, int, float]:
    """Return the best span of float64 [words, 2]: the shortest of equals, then the first."""
    best = (-1, -1, -np.inf)
    for more in range(min(MOST_WORDS, len(logits))):
        sums = logits[: len(logits) - more, 0] + logits[more:, 1]
        place = int(np.argmax(sums))
        if sums[place] > best[2]:
            best = (place, place + more, float(sums[place]))
    return best


def distributions(answers: RowLogits) -> npt.NDArray[np.float32]:
    """Return float32 [2 · rows, longest]: the logits of each pointer over its row's positions.

    What was not seen, and what is beyond a row's last position, has a probability of 0.
    """
    assert answers.offsets is not None
    counts = np.diff(answers.offsets)
    padded = np.full((len(answers), int(counts.max(initial=0)), 2), LOWEST, np.float32)
    values = np.where(np.isnan(answers.values), np.float32(LOWEST), answers.values)
    padded[np.arange(padded.shape[1]) < counts[:, None]] = values
    return padded.transpose(0, 2, 1).reshape(2 * len(answers), -1)
