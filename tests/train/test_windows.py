"""Windows of row groups: read ahead of need, each file once, and from any row on."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import DamagedTableError
from schemas.provenance import digest_file
from stages.rows.columns import class_numbers
from stages.table import shard
from stages.table.shard import Shard
from stages.train.stream import windows
from stages.train.stream.row_groups import row_groups
from stages.train.stream.windows import read_ahead, windows_of

ROWS, GROUP = 60, 6


@pytest.fixture(autouse=True)
def small_windows(monkeypatch):
    monkeypatch.setattr(windows, "_WINDOW_ROWS", 2 * GROUP)


@pytest.fixture
def shards(tmp_path):
    """Two files of numbered rows, with a label that is missing in each fourth row."""
    made = []
    for bucket in range(2):
        path = tmp_path / f"shard-{bucket:05}-of-00002-x.parquet"
        numbers = np.arange(bucket * ROWS, (bucket + 1) * ROWS)
        labels = [None if number % 4 == 0 else "ab"[number % 2] for number in numbers]
        pq.write_table(pa.table({"number": numbers, "label": labels}), path, row_group_size=GROUP)
        path = path.rename(path.with_name(path.name.replace("x.", f"{digest_file(path)[:16]}.")))
        made.append(Shard(path, "train", ROWS, path.stat().st_size))
    return made


def groups_of(shards, keep=None):
    keep = np.ones(ROWS, np.bool_) if keep is None else keep
    return [g for shard in shards for g in row_groups(shard, keep, np.zeros(ROWS, np.int16))]


def read(groups, **place):
    found = read_ahead(windows_of(groups, seed=1, **place), ["number"], by_code=[])
    return [rows["number"].to_numpy()[window.order()].tolist() for window, rows in found]


def test_a_pass_has_every_row_that_counts_once(shards):
    keep = np.arange(ROWS) % 3 != 1
    found = read(groups_of(shards, keep), number=0)
    expected = [bucket * ROWS + row for bucket in range(2) for row in np.flatnonzero(keep)]
    assert sorted(sum(found, [])) == expected
    assert len(found) == 2 * ROWS * 2 // 3 // (2 * GROUP) + 1


@pytest.mark.parametrize("first", [0, 1, 11, 12, 13, 71, 119])
def test_a_pass_from_a_row_on_is_the_end_of_the_whole(shards, first):
    groups = groups_of(shards)
    whole = sum(read(groups, number=3), [])
    rest = read(groups, number=3, first_row=first)
    assert sum(rest, []) == whole[first:]
    assert len(rest) == (2 * ROWS - first + 11) // 12, "a window before it was read"


@pytest.mark.parametrize("number", range(12))
def test_a_pass_ends_although_its_last_groups_have_no_row_that_counts(shards, number):
    keep = np.arange(ROWS) < ROWS - 3 * GROUP
    planned = list(windows_of(groups_of(shards, keep), seed=1, number=number))
    assert [window.last for window in planned] == [False] * (len(planned) - 1) + [True]
    assert sum(window.size for window in planned) == 2 * keep.sum()


def test_a_window_ends_where_its_rows_are_many_bytes(shards, monkeypatch):
    groups = groups_of(shards)
    monkeypatch.setattr(windows, "_WINDOW_ROWS", 10**9)
    assert len(read(groups, number=0)) == 1
    assert all(group.size_bytes > 0 for group in groups)
    monkeypatch.setattr(windows, "_WINDOW_BYTES", 1 + max(group.size_bytes for group in groups))
    found = read(groups, number=0)
    assert len(found) == len(groups) // 2
    assert sorted(sum(found, [])) == list(range(2 * ROWS))


def test_only_the_last_window_ends_a_pass(shards):
    found = list(windows_of(groups_of(shards), seed=1, number=0))
    assert [window.last for window in found] == [False] * 9 + [True]


def test_a_window_opens_each_file_once(shards, monkeypatch):
    opened = []

    class Opened(pq.ParquetFile):
        def __init__(self, path, **how):
            opened.append(path)
            super().__init__(path, **how)

    groups = groups_of(shards)
    monkeypatch.setattr(windows, "_WINDOW_ROWS", 2 * ROWS)
    monkeypatch.setattr(shard.pq, "ParquetFile", Opened)
    read(groups, number=0)
    assert sorted(opened) == sorted(shard.path for shard in shards)


def test_what_is_read_before_a_damaged_window_still_comes(shards):
    sound, damaged = (list(windows_of(groups_of([s]), seed=1, number=0)) for s in shards)
    shards[1].path.write_bytes(b"not Parquet")
    found = read_ahead([*sound, *damaged], ["number"], by_code=[])
    assert [next(found)[0] for _ in sound] == sound
    with pytest.raises(DamagedTableError, match=r"shard is damaged: .*Restore the file"):
        next(found)


def test_no_more_than_two_windows_are_read_ahead(shards):
    planned = list(windows_of(groups_of(shards), seed=1, number=0))
    taken = []

    def asked():
        for window in planned:
            taken.append(window)
            yield window

    found = read_ahead(asked(), ["number"], by_code=[])
    next(found)
    assert len(taken) == 3
    next(found)
    assert len(taken) == 4
    found.close()


def test_labels_read_by_code_are_those_read_as_texts(shards):
    (window, *_) = windows_of(groups_of(shards), seed=1, number=0)
    texts = window.read(["label"], by_code=[])["label"]
    codes = window.read(["label"], by_code=["label"])["label"]
    assert pa.types.is_dictionary(codes.type)
    for classes in (("a", "b"), ("b",), ("none of them",)):
        expected = class_numbers(texts, classes)
        np.testing.assert_array_equal(class_numbers(codes, classes), expected)
    assert class_numbers(codes, ("a", "b")).min() == -1
