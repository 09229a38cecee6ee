"""One row in a hundred poisoned: all the others are labelled, each bad one is written down."""

import json
from collections import Counter

import pyarrow.parquet as pq
import pytest

from stages.table.writing.quarantine import quarantine_path
from tests import tiny

pytestmark = pytest.mark.benchmark

ROWS, EVERY = 20_000, 100


def poisoned(number):
    """Return a line that cannot be used, of one of six kinds, or the kind's name of none."""
    return [
        b'{"text": "broken", "thing": ',
        b'{"text": ["a", "list"], "thing": "tool"}',
        b'{"text": "\xff\xfe", "thing": "tool"}',
        json.dumps({"text": "x " * 500_000, "thing": "tool"}).encode(),
        b'{"text": "poison 1", "thing": "tool"}',
        b'{"text": "the cat", "thing": "monster"}',
    ][number % 6]


def test_a_hundredth_of_poison(tmp_path):
    tiny.write_experiment(tmp_path)
    tiny.write_touchy_teacher(tmp_path / "teacher")
    good = [json.dumps(row).encode() for row in tiny.examples(ROWS)]
    for number in range(ROWS // EVERY):
        good[number * EVERY + 7] = poisoned(number).replace(b"1", str(number).encode(), 1)
    (tmp_path / "corpus.jsonl").write_bytes(b"\n".join(good))
    how = ("label.max_quarantined=0.02", "label.too_long=quarantine")
    table = tiny.label(tmp_path, tmp_path / "labels", *how)
    held = pq.read_table(quarantine_path(tmp_path / "labels", table.card.plan_fingerprint))
    rows = held["source_row"].to_pylist()
    kinds = Counter(error.split(":")[0] for error in held["error"].to_pylist())
    print(json.dumps({"title": "poison", "rows": table.card.counts.rows, "kinds": kinds}))
    assert rows == [number * EVERY + 8 for number in range(ROWS // EVERY)]
    assert table.card.counts.rows == ROWS - len(rows)
