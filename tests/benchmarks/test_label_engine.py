"""Everything but the teacher: rows a second and peak memory with a teacher that answers at once."""

import json
import subprocess
import sys

import pytest

from tests import tiny

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

CHILD = """
import json, resource, sys, time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stages.label import artefacts, handler, pipeline
from tests import tiny

folder, rows, limit = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])


class Constant:
    classes = tiny.CLASSES

    def encode(self, inputs):
        self.overlong = np.zeros(inputs.num_rows, bool)
        self.lengths = np.full(inputs.num_rows, 8, np.int32)
        return self

    def logits(self, encoded, rows):
        return np.ones((len(rows), 3), np.float32)


handler.TeacherHandler.load_model = lambda self: Constant()
pipeline.export_artefacts = lambda table, teacher: None
corpus = folder / f"{rows}.parquet"
numbers = pa.array(range(rows)).cast(pa.string())
text = pa.compute.binary_join_element_wise("a short question about number", numbers, " ")
labels = pa.DictionaryArray.from_arrays(pa.array(np.arange(rows) % 3), pa.array(tiny.CLASSES))
pq.write_table(pa.table({"text": text, "thing": labels}), corpus, row_group_size=100_000)
del numbers, text, labels
started = time.perf_counter()
tiny.label(
    folder,
    folder / f"labels-{rows}",
    f'corpus.files=[{{path="{corpus.name}"}}]',
    "corpus.format=parquet",
    "label.num_shards=32",
    "label.batch_tokens=65536",
    max_shuffle_bytes=limit,
)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"rows": rows, "seconds": time.perf_counter() - started, "peak_bytes": peak}))
"""


def measure(folder, rows, limit):
    command = [sys.executable, "-c", CHILD, str(folder), str(rows), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    print(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def test_rows_a_second_and_memory_with_passes(tmp_path):
    tiny.write_experiment(tmp_path)
    found = [measure(tmp_path, rows, 400_000_000) for rows in (1_000_000, 4_000_000)]
    for one in found:
        rate = one["rows"] / one["seconds"]
        print(
            f"  {one['rows']:>9} rows  {rate:>9.0f} rows/s  peak {one['peak_bytes'] / 1e9:.2f} GB"
        )
    ratio = found[1]["peak_bytes"] / found[0]["peak_bytes"]
    print(json.dumps({"title": "label engine", "runs": found, "peak_ratio": round(ratio, 2)}))
    assert ratio > 0
