"""One flipped bit of a shard that still decodes: whoever reads it says so, and nothing is made."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import DamagedTableError
from stages.asking.recheck import sample_of
from stages.combine.pipeline import combine
from stages.label.planning.forecast import forecast
from stages.label.planning.plan import plan_label
from stages.table.opening import open_table
from stages.table.shard import check_bytes, opened, read_file, read_shard
from stages.teachers.folder import open_teacher
from stages.train.stream.row_groups import row_groups
from tests import tiny

DAMAGED = r"shard is damaged: .*its bytes have digest [0-9a-f]{16}, its name says [0-9a-f]{16}"


def flip(path, column="teacher_thing"):
    """Flip the first bit of a file after which it still decodes, to other values of a column."""
    whole = path.read_bytes()
    before = pq.read_table(path, partitioning=None)[column]
    for place in range(4, len(whole)):
        data = bytearray(whole)
        data[place] ^= 1
        try:
            found = pq.read_table(pa.BufferReader(bytes(data)))
        except (pa.ArrowException, OSError):
            continue
        if found.num_rows == len(before) and not found[column].equals(before):
            path.write_bytes(data)
            return
    raise AssertionError("no bit of it decodes to something else")


@pytest.fixture
def rotten(table):
    """A table one of whose train shards has rotten logits, just as large as before."""
    shard = max(table.shards_of("train"), key=lambda shard: shard.rows)
    flip(shard.path)
    assert shard.path.stat().st_size == shard.size_bytes
    return open_table(table.path)


def readers(table):
    """Yield every way in which the packages read a whole table."""
    how = tiny.run()
    yield lambda: table.read("train", ["teacher_thing"])
    yield lambda: list(table.texts("train"))
    yield lambda: sample_of(table, 60)
    yield lambda: [read_shard(shard, ["text"]) for shard in table.shards]
    yield lambda: [read_file(shard, ["view"]) for shard in table.shards]
    yield lambda: [
        row_groups(shard, np.ones(shard.rows, bool), np.zeros(shard.rows, np.int16))
        for shard in table.shards
    ]
    yield lambda: combine(how, [table, tiny.copied(table)], labels=Path("combined"))


def test_every_reader_compares(rotten):
    found = list(readers(rotten))
    for read in found:
        with pytest.raises(DamagedTableError, match=DAMAGED):
            read()
    assert len(found) == 7


def test_a_label_run_that_would_reuse_it_writes_nothing(rotten):
    folder = rotten.path.parent
    tiny.write_corpus(folder / "corpus.jsonl", tiny.examples(90))
    with pytest.raises(DamagedTableError, match=DAMAGED):
        tiny.label(folder, rotten.path)
    assert open_table(rotten.path).version == 0


def test_a_forecast_that_would_count_its_answers_says_so(rotten):
    folder, how = rotten.path.parent, tiny.run()
    tiny.write_corpus(folder / "corpus.jsonl", tiny.examples(90))
    teacher = open_teacher(folder / "teacher", classes=tiny.CLASSES)
    with pytest.raises(DamagedTableError, match=DAMAGED):
        forecast(plan_label(how, base=folder, teacher=teacher), labels=rotten.path)


def test_a_file_is_compared_once_while_it_is_the_same(table, monkeypatch):
    compared = []
    shard = table.shards[0]
    monkeypatch.setattr("stages.table.shard._COMPARED", set())
    monkeypatch.setattr("stages.table.shard.digest_problem", lambda one: compared.append(one) or "")
    for _ in range(3):
        with opened(shard) as file:
            assert file.metadata.num_rows == shard.rows
    assert compared == [shard]
    os.utime(shard.path, ns=(1, 1))
    check_bytes(shard)
    assert compared == [shard, shard]


def test_a_shard_that_is_gone_cannot_be_read(table):
    table.shards[0].path.unlink()
    with pytest.raises(DamagedTableError, match="shard cannot be read: .*No such file"):
        read_shard(table.shards[0], ["text"])
