"""What a log lists is compared with what its card counted, before any file is opened."""

import json
from dataclasses import replace

import pytest

from schemas.errors import DamagedTableError
from stages.table.opening import open_table
from stages.table.totals import check_totals


def rewritten_log(table, change):
    """Change the entries of the table's only commit."""
    path = table.path / "_delta_log" / "00000000000000000000.json"
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in change(entries)))


def test_a_log_that_lacks_a_file_is_damaged(table):
    lost = table.shards_of("test")[0]
    rewritten_log(
        table,
        lambda entries: [
            entry
            for entry in entries
            if "add" not in entry or not entry["add"]["path"].endswith(lost.path.name)
        ],
    )
    rows = table.card.counts.rows
    with pytest.raises(DamagedTableError) as caught:
        open_table(table.path)
    assert f"{rows - lost.rows} rows in the log's files, {rows} in its card" in str(caught.value)
    test = table.card.counts.split_rows["test"]
    assert f"split test: {test - lost.rows} rows in the log's files, {test}" in str(caught.value)


def test_a_file_that_is_listed_with_more_rows_is_damage(table):
    shards = list(table.shards)
    shards[0] = replace(shards[0], rows=shards[0].rows + 1)
    with pytest.raises(DamagedTableError, match=r"121 rows in the log's files, 120 in its card"):
        check_totals(table.path, shards, table.card)


def test_rows_that_moved_between_splits_are_damage(table):
    moved = table.shards_of("train")[0]
    shards = [replace(one, split="validation") if one == moved else one for one in table.shards]
    with pytest.raises(DamagedTableError, match="split validation: .*split train: "):
        check_totals(table.path, shards, table.card)


def test_another_number_of_shards_or_a_shard_twice_is_damage(table):
    card = table.card.model_copy(update={"num_shards": 5})
    with pytest.raises(DamagedTableError, match="of-00004-.* in the log, 5 shards in its card"):
        check_totals(table.path, table.shards, card)
    first, second, *others = table.shards_of("train")
    twice = replace(second, path=first.path)
    rest = [*others, *table.shards_of("validation"), *table.shards_of("test")]
    with pytest.raises(DamagedTableError, match="split train: 2 files of shard 0 in the log"):
        check_totals(table.path, [first, twice, *rest], table.card)
