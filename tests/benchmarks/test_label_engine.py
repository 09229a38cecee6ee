"""Everything but the teacher: rows a second and peak memory with a teacher that answers at once."""

import json
import statistics
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests import tiny

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

SHUFFLE_BYTES = 200_000_000

CHILD = """
import json, sys, time
from pathlib import Path
from typing import NamedTuple

import apache_beam
import numpy as np

from stages.label import artefacts, pipeline
from stages.label.beam import engine
from stages.label.beam import handler
from tests import tiny

folder, rows, limit = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
ROWS_A_SHARD = 31_250


class Encoded(NamedTuple):
    lengths: np.ndarray
    overlong: np.ndarray


class Constant:
    classes = tiny.CLASSES

    def encode(self, inputs):
        return Encoded(np.full(inputs.num_rows, 8, np.int32), np.zeros(inputs.num_rows, bool))

    def logits(self, encoded, rows):
        return np.ones((len(rows), 3), np.float32)


handler.TeacherHandler.load_model = lambda self: Constant()
pipeline.export_artefacts = lambda *some, **more: None
started = time.perf_counter()
tiny.label(
    folder,
    folder / f"labels-{time.time_ns()}",
    f'corpus.files=[{{path="{rows}.parquet"}}]',
    "corpus.format=parquet",
    f"label.num_shards={rows // ROWS_A_SHARD}",
    "label.batch_tokens=65536",
    max_shuffle_bytes=limit,
)
status = Path("/proc/self/status").read_text()
peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
print(json.dumps({"rows": rows, "seconds": time.perf_counter() - started, "peak_bytes": peak}))
"""


def write_corpus(path, rows):
    """Write short distinct texts of three classes, in row groups as a warehouse would."""
    schema = pa.schema({"text": pa.string(), "thing": pa.string()})
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, 100_000):
            numbers = range(start, start + 100_000)
            text = [f"a short question about number {number}" for number in numbers]
            thing = [tiny.CLASSES[number % 3] for number in numbers]
            writer.write_table(pa.table({"text": text, "thing": thing}, schema=schema))


def measure(folder, rows, limit):
    corpus = folder / f"{rows}.parquet"
    if not corpus.exists():
        write_corpus(corpus, rows)
    command = [sys.executable, "-c", CHILD, str(folder), str(rows), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = {**json.loads(done.stdout.splitlines()[-1]), "max_shuffle_bytes": limit}
    rate, peak = found["rows"] / found["seconds"], found["peak_bytes"]
    shuffle = f"{limit / 1e6:>5.0f} MB"
    print(f"  {rows:>9} rows, shuffle {shuffle}: {rate:>8.0f} rows/s, {peak / 1e9:.2f} GB")
    return found


def test_rows_a_second_in_one_pass(tmp_path):
    tiny.write_experiment(tmp_path)
    print()
    found = [measure(tmp_path, 1_000_000, 8_000_000_000) for _ in range(3)]
    rate = statistics.median(one["rows"] / one["seconds"] for one in found)
    print(json.dumps({"title": "label engine", "runs": found, "rows_per_s": round(rate)}))
    assert rate > 0


def test_peak_memory_with_passes(tmp_path):
    tiny.write_experiment(tmp_path)
    print()
    pairs = [
        [measure(tmp_path, rows, SHUFFLE_BYTES) for rows in (1_000_000, 4_000_000)]
        for _ in range(3)
    ]
    ratio = statistics.median(four["peak_bytes"] / one["peak_bytes"] for one, four in pairs)
    title = "label engine memory"
    print(json.dumps({"title": title, "runs": pairs, "peak_ratio": round(ratio, 2)}))
    assert ratio > 0
