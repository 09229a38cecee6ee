"""A training killed at ten random steps: the weights in the end, and how much was done again."""

import json
import os
import random
import signal
import subprocess
import sys

import numpy as np
import pytest

from stages.train.pipeline import read_student_card, train
from tests import tiny

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

KILLS, SEED = 10, 7
RUN = (
    "train.epochs=40",
    "train.hard_label_epochs=10",
    "train.temperature={start=4.0, end=2.0}",
    "train.baseline=false",
    'train.students=[{name="lstm", kind="lstm", options={embedding_width=8, units=8}}]',
)

CHILD = """
import sys
from pathlib import Path
from stages.table.opening import open_table
from stages.train import callbacks
from stages.train.pipeline import train
from tests import tiny

folder, overrides = Path(sys.argv[1]), sys.argv[2:]
done = callbacks.SaveState.on_train_batch_end

def counted(self, batch, logs=None):
    done(self, batch, logs)
    print("step", flush=True)

callbacks.SaveState.on_train_batch_end = counted
table = open_table(folder / "labels")
train(tiny.run(*overrides), table, out=folder / "out", checkpoint_seconds=0.2)
"""


def weights(path):
    import keras

    return keras.saving.load_model(path / "student.keras", compile=False).get_weights()


def start(folder):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), *RUN],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def steps_until(folder, limit):
    """Train, killed after so many steps if there are as many; return how many there were."""
    process, steps = start(folder), 0
    for _ in process.stdout:
        steps += 1
        if steps == limit:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    return steps


def test_ten_kills(labelled, table):
    (plan,) = train(tiny.run(*RUN), table, out=labelled / "whole")
    total = len(read_student_card(plan.path).epochs) * 5
    draw = random.Random(SEED)
    killed = [steps_until(labelled, draw.randint(1, total // 8)) for _ in range(KILLS)]
    last = steps_until(labelled, -1)
    place = labelled / "out" / plan.path.relative_to(labelled / "whole")
    for mine, theirs in zip(weights(place), weights(plan.path), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    again = sum(killed) + last - total
    found = {"killed_after_steps": killed, "steps": total, "steps_again": again}
    print(json.dumps({"title": "training kills", **found, "weights_equal": True}))
    assert again >= 0
