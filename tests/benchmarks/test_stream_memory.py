"""Peak memory of streaming an epoch, by the number of rows in the table."""

import json
import statistics
import subprocess
import sys

import pytest

from tests import tiny
from tests.benchmarks.test_label_engine import CHILD as LABEL
from tests.benchmarks.test_label_engine import write_corpus

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

CHILD = """
import json, sys
from pathlib import Path
from stages.table.opening import open_table
from stages.train.stream.stream import SoftLabelStream

(labels,) = Path(sys.argv[1]).glob("labels-*")
stream = SoftLabelStream(open_table(labels), "train", batch_size=256, seed=1, once=False)
for _ in stream.one_pass():
    pass
status = Path("/proc/self/status").read_text()
peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
print(json.dumps({"rows": stream.rows, "peak_bytes": peak}))
"""


def child(code, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_peak_memory_of_an_epoch(tmp_path):
    found = {}
    for rows in (1_000_000, 4_000_000):
        folder = tmp_path / str(rows)
        tiny.write_experiment(folder)
        write_corpus(folder / f"{rows}.parquet", rows)
        child(LABEL, folder, rows, 200_000_000)
        found[rows] = [child(CHILD, folder) for _ in range(3)]
    medians = {
        rows: statistics.median(r["peak_bytes"] for r in runs) for rows, runs in found.items()
    }
    ratio = round(medians[4_000_000] / medians[1_000_000], 3)
    print()
    for rows, peak in medians.items():
        print(f"  {rows:>9} rows: {peak / 1e9:.3f} GB")
    print(json.dumps({"title": "memory of the stream", "runs": found, "peak_ratio": ratio}))
    assert ratio > 0
