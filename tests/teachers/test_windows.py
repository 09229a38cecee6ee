"""Windows over long rows, by a teacher in code whose every answer is known."""

import types

import numpy as np
import pyarrow as pa

from stages.teachers.parts.windows import Windowed

LISTS = pa.list_(pa.string())


class _Lossy:
    """A teacher of windows of six pieces that does not see the last word of any but the last."""

    max_pieces = 6

    def word_pieces(self, inputs):
        return np.array([len(word) for words in inputs["words"].to_pylist() for word in words])

    def encode(self, inputs):
        self.lists = inputs["words"].to_pylist()
        count = len(self.lists)
        return types.SimpleNamespace(
            lengths=np.full(count, 6, np.int32), overlong=np.zeros(count, np.bool_)
        )

    def logits(self, encoded, rows):
        found = np.full((len(rows), 6, 1), np.nan, np.float32)
        for place, row in enumerate(rows):
            words = self.lists[row]
            found[place, : len(words), 0] = row
            if row < len(self.lists) - 1:
                found[place, len(words) - 1] = np.nan
        return found


def test_a_word_that_one_window_does_not_see_has_what_another_says():
    windowed = Windowed(_Lossy(), stride=1)
    lists = pa.table({"words": [list("abcdefghijk")]})
    encoded = windowed.encode(lists)
    assert list(zip(encoded.starts, encoded.ends, strict=True)) == [(0, 6), (5, 11)]
    said = windowed.logits(encoded, np.arange(1))[0, :, 0]
    assert said.tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]


def test_a_word_that_fits_no_window_is_cut_and_said_to_be():
    windowed = Windowed(_Lossy(), stride=1)
    rows = [["a", "b" * 7, "c"], ["a", "b" * 6, "c"]]
    encoded = windowed.encode(pa.table({"words": rows}))
    assert encoded.overlong.tolist() == [True, False]


def test_no_rows_have_no_windows():
    encoded = Windowed(_Lossy(), stride=1).encode(pa.table({"words": pa.array([], LISTS)}))
    assert len(encoded.lengths) == len(encoded.overlong) == 0
