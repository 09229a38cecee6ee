"""The log of a table: whose card is visible after others have been at it."""

import json
from datetime import UTC, datetime

import polars
import pytest
from deltalake import DeltaTable

from schemas.errors import StaleTableError
from stages.table.opening import open_table
from stages.table.verify import verify
from tests import tiny


@pytest.fixture
def grown(labelled, table):
    """A table of two versions: 120 rows, then 60."""
    tiny.write_corpus(labelled / "corpus.jsonl", tiny.examples(60))
    tiny.label(labelled, labelled / "labels")
    return labelled / "labels"


def test_a_restored_version_has_its_own_card(grown, labelled, capsys):
    assert open_table(grown).card.counts.rows == 60
    DeltaTable(grown).restore(0)
    found = open_table(grown)
    assert found.card.counts.rows == sum(shard.rows for shard in found.shards) == 120
    verify(found)
    again = tiny.label(labelled, grown)
    assert (again.card.counts.rows, again.card.counts.teacher_calls) == (60, 0)
    verify(again)
    DeltaTable(grown).restore(2)
    assert open_table(grown).card.counts.rows == 120  # what version 2 restored


def test_a_version_restored_by_its_time_has_its_own_card(grown):
    first = DeltaTable(grown).history()[-1]["timestamp"]
    DeltaTable(grown).restore(datetime.fromtimestamp((first + 1) / 1000, UTC))
    assert open_table(grown).card.counts.rows == 120


def test_rows_that_somebody_else_wrote_are_refused_until_they_are_restored(grown):
    DeltaTable(grown).delete("split = 'test'")
    with pytest.raises(StaleTableError, match="by other hands: .*found DELETE as version 2"):
        open_table(grown)
    DeltaTable(grown).restore(1)
    assert open_table(grown).card.counts.rows == 60


def test_a_table_without_any_card_is_none_of_ours(tmp_path):
    for value in (1, 2):
        polars.DataFrame({"x": [value]}).write_delta(str(tmp_path / "x"), mode="overwrite")
    with pytest.raises(StaleTableError, match="not a soft-label table"):
        open_table(tmp_path / "x")


@pytest.mark.parametrize(
    ("stated", "rows"),
    [
        ({"version": "0", "timestamp": None}, 120),  # as Spark states it
        ({"version": None, "timestamp": "2026-01-01"}, None),
    ],
)
def test_a_version_that_another_engine_restored(grown, stated, rows):
    DeltaTable(grown).restore(0)
    log = sorted((grown / "_delta_log").glob("*.json"))[-1]
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        if "commitInfo" in line:
            line["commitInfo"]["operationParameters"] = stated
    log.write_text("\n".join(map(json.dumps, lines)))
    if rows:
        assert open_table(grown).card.counts.rows == rows
    else:
        with pytest.raises(StaleTableError, match="restored version is not known: .*by its number"):
            open_table(grown)
