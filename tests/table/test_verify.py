"""Verification finds what opening a table does not look for."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import DamagedTableError
from stages.table.opening import open_table
from stages.table.shard import Shard
from stages.table.verify import shard_problems, verify
from stages.table.writing.publish import commit


def rewrite(table, change):
    """Change a shard's rows and return it with the size that it has now."""
    shard = max(table.shards, key=lambda shard: shard.rows)
    rows = change(pq.read_table(shard.path, partitioning=None))
    pq.write_table(rows, shard.path)
    return Shard(shard.path, shard.split, shard.rows, shard.path.stat().st_size)


def replaced(rows, name, values):
    index = rows.schema.get_field_index(name)
    return rows.set_column(
        index, rows.schema.field(name), pa.array(values, rows.schema.field(name).type)
    )


def test_a_whole_table_is_whole(table):
    found = verify(table)
    assert found.rows == table.card.counts.rows
    assert found.shards == len(table.shards)


def test_one_flipped_bit_is_found(table):
    shard = table.shards[0]
    data = bytearray(shard.path.read_bytes())
    data[len(data) // 2] ^= 1
    shard.path.write_bytes(data)
    assert open_table(table.path)
    with pytest.raises(DamagedTableError, match=rf"{shard.path.name}: its bytes have digest"):
        verify(table)


def other_text(rows):
    return replaced(rows, "text", ["other", *rows["text"].to_pylist()[1:]])


def reversed_rows(rows):
    return rows.take(pa.array(range(rows.num_rows)[::-1]))


def not_finite(rows):
    logits = rows["teacher_thing"].to_pylist()
    return replaced(rows, "teacher_thing", [[np.nan, 0.0, 0.0], *logits[1:]])


def too_narrow(rows):
    return replaced(rows, "teacher_thing", [row[:2] for row in rows["teacher_thing"].to_pylist()])


def fewer(rows):
    return rows.slice(1)


def more_columns(rows):
    return rows.append_column("more", pa.nulls(rows.num_rows))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_text, "1 rows whose digest is not that of their text"),
        (reversed_rows, "rows are not in their order"),
        (not_finite, "1 rows whose logits are not finite"),
        (too_narrow, "teacher_thing has [2] values in a row, not 3"),
        (fewer, "the log says"),
        (more_columns, "has other columns"),
    ],
)
def test_content_that_is_wrong_is_named(change, message, table):
    shard = rewrite(table, change)
    assert any(message in problem for problem in shard_problems(shard, table))


def test_rows_of_another_shard_are_found(table):
    first, second = (shard for shard in table.shards_of("train")[:2])
    moved = Shard(second.path.with_name(first.path.name), "train", second.rows, second.size_bytes)
    moved.path.write_bytes(second.path.read_bytes())
    problems = list(shard_problems(moved, table))
    assert f"{second.rows} rows belong to another shard" in problems


def test_a_version_that_lacks_a_shard_is_found(table):
    commit(table.path, shards=table.shards[1:], card=table.card, attempt="lossy")
    with pytest.raises(DamagedTableError, match=r"split test: \d+ rows in the log's files"):
        verify(open_table(table.path))
