"""Killed at ten random moments: the table in the end, and how much was done again."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from stages.table.opening import open_table
from tests import tiny

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

KILLS, SHARDS, SEED = 10, 32, 5
SHARDS_ARE = "label.num_shards="

CHILD = """
import sys, time
from pathlib import Path
from stages.label.beam import transforms
from stages.table.writing.staging import Staging
from tests import tiny

folder, shards = Path(sys.argv[1]), sys.argv[2]
write = Staging.write_bucket

def slowly(self, record):
    time.sleep(0.15)
    write(self, record)
    with (folder / "written").open("a") as log:
        log.write(f"{record.bucket}\\n")

Staging.write_bucket = slowly
print("ready", flush=True)
tiny.label(folder, folder / "labels", f"label.num_shards={shards}")
"""


def start(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), str(SHARDS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    process.stdout.readline()
    return process


def kill_after(folder, delay):
    """Start a run, kill it after so many seconds; say whether it was still at work."""
    process = start(folder)
    time.sleep(delay)
    at_work = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return at_work


def finish(folder):
    """Run to the end; return the table's rows and the buckets written since the table began."""
    process = start(folder)
    assert process.wait() == 0
    process.stdout.close()
    return tiny.rows_of(open_table(folder / "labels")), (folder / "written").read_text().split()


def test_ten_kills(experiment):
    draw = random.Random(SEED)
    expected = tiny.rows_of(tiny.label(experiment, experiment / "fresh", f"{SHARDS_ARE}{SHARDS}"))
    landed = again = restarts = 0
    while landed < KILLS:
        for _ in range(2):
            landed += kill_after(experiment, draw.uniform(0, 5))
        rows, written = finish(experiment)
        assert rows == expected
        restarts += 1
        again += len(written) - len(set(written))
        shutil.rmtree(experiment / "labels")
        (experiment / "written").unlink()
    found = {"landed": landed, "tables_equal": restarts, "shards_again": again}
    print(json.dumps({"title": "kills", **found}))
    assert again <= landed
