"""What a changed corpus costs: teacher calls and time, beside the first labelling."""

import itertools
import json
import random
import time

import pytest

from tests import tiny

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1200)]

ROWS = 20_000


def corpus(count):
    """Return distinct rows of words that the tiny teacher knows and of numbers that it does not."""
    known = itertools.cycle(tiny.examples())
    numbered = zip(range(count), known, strict=False)
    return [{**row, "text": f"{row['text']} {number}"} for number, row in numbered]


def shuffled(rows):
    return random.Random(3).sample(rows, len(rows))


def relabelled(rows):
    return [{**row, "thing": "tool"} for row in rows]


def test_teacher_calls_of_a_changed_corpus(tmp_path):
    tiny.write_experiment(tmp_path, rows=corpus(ROWS))
    grown = corpus(ROWS + ROWS // 100)
    changes = {
        "first": corpus(ROWS),
        "unchanged": corpus(ROWS),
        "reordered": shuffled(corpus(ROWS)),
        "relabelled": relabelled(corpus(ROWS)),
        "1 % more rows": grown,
        "1 % fewer rows": grown[ROWS // 100 :],
    }
    found = {}
    version = -1
    for name, rows in changes.items():
        tiny.write_corpus(tmp_path / "corpus.jsonl", rows)
        started = time.perf_counter()
        table = tiny.label(tmp_path, tmp_path / "labels")
        calls = table.card.counts.teacher_calls if table.version > version else 0
        seconds = round(time.perf_counter() - started, 2)
        version = table.version
        found[name] = {"version": version, "teacher_calls": calls, "seconds": seconds}
    print()
    for name, row in found.items():
        print(f"  {name:16s}" + "  ".join(f"{key} {value:>8}" for key, value in row.items()))
    print(json.dumps({"title": "a changed corpus", "rows": ROWS, "found": found}))
    assert found["1 % more rows"]["teacher_calls"] <= ROWS * 0.0105
    assert not any(
        found[name]["teacher_calls"] for name in ("unchanged", "reordered", "relabelled")
    )
