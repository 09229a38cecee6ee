"""Rows of words that are longer than a teacher's window, seen through several that overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import TeacherError
from stages.rows.lists import offsets_of, positions_of
from stages.rows.pointers import separators
from stages.teachers.parts.protocol import EncodedInputs, Teacher, TeacherAround

Numbers = npt.NDArray[np.int64]
_TOKENS_AT_ONCE = 4096


class WordTeacher(Teacher, Protocol):
    """A teacher of words that can say into how many pieces it cuts each."""

    @property
    def max_pieces(self) -> int:
        """Pieces that fit its window beside what it adds itself."""

    def word_pieces(self, inputs: pa.Table) -> Numbers:
        """Return how many pieces each word has, int64 [words of all rows]."""


@dataclass(frozen=True)
class WindowedInputs:
    """Preprocessed windows, a row's one after another.

    Attributes:
      encoded: of all windows.
      windows: int64 [rows + 1], where each row's windows begin.
      starts, ends: int64 [windows], the words of its row that each holds.
      lead: int64 [rows], how many words of its row each window begins with before those.
      lengths: tokens of all of a row's windows, int32 [rows].
      overlong: bool [rows], whether a word of it has more pieces than fit any window.
    """

    encoded: EncodedInputs
    windows: Numbers
    starts: Numbers
    ends: Numbers
    lead: Numbers
    lengths: npt.NDArray[np.int32]
    overlong: npt.NDArray[np.bool_]


class Windowed(TeacherAround):
    """A teacher of words that sees all of a long row, some words of it more than once.

    A word's logits are those of the window in which it is farthest from an end that is not the
    row's own.
    """

    teacher: WordTeacher

    def __init__(self, teacher: WordTeacher, *, stride: int, asks: bool = False) -> None:
        """Wrap it; successive windows share about `stride` pieces, whole words of them.

        Where a row `asks` something, its words up to `[SEP]` are in each window. What is said of
        those is the least that is said in any: that there is no answer only where none is found.

        Raises:
          TeacherError: that is more than half of the window.
        """
        if stride > teacher.max_pieces // 2:
            raise TeacherError(
                f"windows cannot go on: teacher.stride is {stride}, and the window holds "
                f"{teacher.max_pieces} pieces. State at most half of that."
            )
        super().__init__(teacher)
        self._stride, self._asks = stride, asks

    def encode(self, inputs: pa.Table) -> WindowedInputs:
        """Return the windows of the one column of lists of words, preprocessed."""
        words, offsets = positions_of(inputs.column(0))
        counts = np.diff(offsets)
        pieces = self.teacher.word_pieces(inputs)
        lead = separators(inputs.column(0)) + 1 if self._asks else np.zeros_like(counts)
        ends = zip(offsets[:-1], offsets[1:], strict=True)
        split = [pieces[start:end] for start, end in ends]
        cut = [self._cut(own, before) for own, before in zip(split, lead, strict=True)]
        overlong = [self._too_long(own, before) for own, before in zip(split, lead, strict=True)]
        windows = offsets_of(np.array([len(one) for one in cut]))
        places = np.array([span for one in cut for span in one], np.int64).reshape(-1, 2)
        rows = np.repeat(np.arange(len(counts)), np.diff(windows))
        lists = [
            words.slice(offsets[row], lead[row]).to_pylist()
            + words.slice(offsets[row] + start, end - start).to_pylist()
            for row, (start, end) in zip(rows, places, strict=True)
        ]
        column = pa.array(lists, pa.list_(pa.string()))
        encoded = self.teacher.encode(pa.table({inputs.column_names[0]: column}))
        lengths = np.add.reduceat(encoded.lengths, windows[:-1]).astype(np.int32)
        too_long = np.array(overlong, np.bool_)
        return WindowedInputs(encoded, windows, places[:, 0], places[:, 1], lead, lengths, too_long)

    def _too_long(self, pieces: Numbers, lead: int) -> bool:
        """Return whether a word of a row has more pieces than fit after those of its lead."""
        room = self.teacher.max_pieces - int(pieces[:lead].sum())
        return int(pieces[lead:].max(initial=0)) > room

    def _cut(self, pieces: Numbers, lead: int) -> list[tuple[int, int]]:
        """Return the words of each window of a row, but for those that all of them have."""
        limit = max(1, self.teacher.max_pieces - int(pieces[:lead].sum()))
        if lead == len(pieces):
            return [(lead, lead)]
        stride = min(self._stride, limit // 2)
        cut = cut_windows(pieces[lead:], limit=limit, stride=stride)
        return [(start + lead, end + lead) for start, end in cut]

    def logits(self, encoded: EncodedInputs, rows: Numbers) -> npt.NDArray[np.float32]:
        """Return float32 [len(rows), words, classes], NaN for a word that is in no window."""
        encoded = cast(WindowedInputs, encoded)
        counts = np.diff(encoded.windows)[rows]
        numbers = np.concatenate(
            [np.arange(encoded.windows[row], encoded.windows[row + 1]) for row in rows]
        )
        answers = self._asked(encoded.encoded, numbers)
        starts, ends = encoded.starts[numbers], encoded.ends[numbers]
        owners = np.repeat(np.arange(len(rows)), counts)
        shape = (len(rows), int(ends.max(initial=0)), answers.shape[-1])
        found = np.full(shape, np.nan, np.float32)
        best = np.full(shape[:2], -1.0)
        first = offsets_of(counts)[:-1]
        last, begin = np.maximum.reduceat(ends, first)[owners], starts[first][owners]
        for owner, start, end, own, whole, answer in zip(
            owners, starts, ends, begin, last, answers, strict=True
        ):
            lead = encoded.lead[rows[owner]]
            said = np.full((lead + end - start, shape[2]), np.nan, np.float32)
            said[: len(answer)] = answer[: len(said)]
            found[owner, :lead] = np.fmin(found[owner, :lead], said[:lead])
            context = context_in(start - own, end - own, whole - own)
            seen = ~np.isnan(said[lead:]).all(axis=1)
            better = seen & (context > best[owner, start:end])
            places = np.flatnonzero(better) + start
            found[owner, places] = said[lead:][better]
            best[owner, places] = context[better]
        return found

    def _asked(self, encoded: EncodedInputs, windows: Numbers) -> npt.NDArray[np.float32]:
        """Return float32 [windows, words, classes]; asked for some windows at a time."""
        size = max(1, _TOKENS_AT_ONCE // (self.teacher.max_pieces + 2))
        parts = [
            self.teacher.logits(encoded, windows[start : start + size])
            for start in range(0, len(windows), size)
        ]
        longest = max(part.shape[1] for part in parts)
        widened = [
            np.pad(part, ((0, 0), (0, longest - part.shape[1]), (0, 0)), constant_values=np.nan)
            for part in parts
        ]
        return np.concatenate(widened)


def cut_windows(pieces: Numbers, *, limit: int, stride: int) -> list[tuple[int, int]]:
    """Return the first word of each window and the one after its last.

    A window has as many whole words as fit, one at least; the next one begins so that they share
    as many whole words as have `stride` pieces, or fewer where the next word would not fit.

    Args:
      pieces: of each word, int64 [words], one at least.
      limit: pieces of a window.
      stride: pieces that two windows share at most.

    >>> cut_windows(np.array([1, 1, 1, 1, 1]), limit=3, stride=1)
    [(0, 3), (2, 5)]
    """
    ends = np.cumsum(pieces)
    found, start = [], 0
    while True:
        before = ends[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(ends, before + limit, side="right")))
        found.append((start, end))
        if end >= len(ends):
            return found
        shared = int(np.searchsorted(ends, ends[end - 1] - stride)) + 1
        room = int(np.searchsorted(ends, ends[end] - limit)) + 1  # for the next word
        start = max(start + 1, min(max(shared, room if ends[end] > limit else 0), end))


def context_in(start: int, end: int, words: int) -> npt.NDArray[np.float64]:
    """Return how far each word of a window is from an end of it that is not the row's own.

    >>> context_in(2, 5, 9).tolist()
    [0.0, 1.0, 0.0]
    >>> context_in(0, 3, 9).tolist()
    [2.0, 1.0, 0.0]
    """
    places = np.arange(start, end, dtype=np.float64)
    left = np.full(end - start, np.inf) if start == 0 else places - start
    right = np.full(end - start, np.inf) if end >= words else end - 1 - places
    nearest: npt.NDArray[np.float64] = np.minimum(left, right)
    return nearest
