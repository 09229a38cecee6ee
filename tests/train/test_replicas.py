"""Several replicas: the same global batches, and but for rounding the same losses and weights."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from schemas.errors import EngineError, StudentError
from stages.machine.replicas import Replicas, replicas_here
from stages.networks.precision import computing_in
from stages.train.compiled import compiled
from stages.train.distributed import overflown_for_all
from stages.train.objective import Objective
from stages.train.pipeline import read_student_card, train
from tests import tiny, tiny_words

pytestmark = pytest.mark.timeout(900)

RUN = (
    "train.epochs=4",
    "train.batch_size=13",
    "train.hard_label_weight=0.4",
    "train.temperature={start=4.0, end=2.0}",
    "train.example_weight=confidence",
    'train.students=[{name="lstm", kind="lstm", options={units=5, dropout=0.0}}]',
)

WORDS = (
    "train.epochs=3",
    "train.batch_size=13",
    "train.max_length=6",
    'train.students=[{name="lstm", kind="lstm", options={units=5, dropout=0.0}}]',
)

CHILD = """
import os, sys
from pathlib import Path
import tensorflow as tf
from stages.table.opening import open_table
from stages.train import callbacks, pipeline
from stages.machine import replicas
from tests import tiny, tiny_words
from tests.train.test_replicas import RUN, WORDS

devices, last_epoch = int(sys.argv[1]), int(sys.argv[2])
if devices:
    cpu = tf.config.list_physical_devices("CPU")[0]
    parts = [tf.config.LogicalDeviceConfiguration()] * devices
    tf.config.set_logical_device_configuration(cpu, parts)
    made = replicas.mirrored([f"CPU:{number}" for number in range(devices)])
    replicas.replicas_here = lambda: made

saved = callbacks.SaveState.on_epoch_end

def end(self, epoch, logs=None):
    saved(self, epoch, logs)
    if epoch + 1 == last_epoch:
        os._exit(3)

callbacks.SaveState.on_epoch_end = end
table = open_table(Path("labels"))
by_word = table.card.head.by_position
run = tiny_words.run(*WORDS) if by_word else tiny.run(*RUN)
pipeline.train(run, table, out=Path("out"))
"""


def start(*, devices=0, last_epoch=-1, config=None):
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "CUDA_VISIBLE_DEVICES": "",
    }
    if config is not None:
        environment["TF_CONFIG"] = json.dumps(config)
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(devices), str(last_epoch)],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def finished(processes, code=0):
    try:
        said = [process.communicate(timeout=400)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [code] * len(processes), said[0][-2000:]


def two_workers(*, last_epoch=-1):
    """Start two workers on free ports of this machine alone."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return [
        start(
            last_epoch=last_epoch,
            config={"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}},
        )
        for index in range(2)
    ]


def results(folder):
    """Return each student's figures by epoch, and its weights."""
    found = {}
    for role in ("student", "baseline"):
        path = folder / "students" / "lstm" / "seed-1" / role
        model = keras.saving.load_model(path / "student.keras", compile=False)
        found[role] = (read_student_card(path).epochs, model.get_weights())
    return found


def assert_alike(found, expected):
    for role, (epochs, weights) in expected.items():
        for one, other in zip(found[role][0], epochs, strict=True):
            assert one.keys() == other.keys()
            for name, value in other.items():
                assert one[name] == pytest.approx(value, rel=1e-4, abs=1e-5), name
        for one, other in zip(found[role][1], weights, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


@pytest.fixture
def alone(table, tmp_path):
    """What one process comes to."""
    train(tiny.run(*RUN), table, out=tmp_path / "alone")
    return results(tmp_path / "alone")


def test_two_workers_come_to_what_one_process_does(alone):
    finished(two_workers())
    assert_alike(results(Path("out")), alone)


def test_two_devices_come_to_what_one_does(alone):
    finished([start(devices=2)])
    assert_alike(results(Path("out")), alone)


def test_two_devices_come_to_what_one_does_with_words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny_words.write_corpus(tmp_path, tiny_words.examples(90))
    train(tiny_words.run(*WORDS), tiny_words.label(tmp_path), out=tmp_path / "alone")
    finished([start(devices=2)])
    assert_alike(results(Path("out")), results(tmp_path / "alone"))


def test_workers_that_were_stopped_come_to_the_same_weights(table):
    finished(two_workers())
    Path("out").rename("whole")
    finished(two_workers(last_epoch=2), code=3)
    assert not (Path("out/students/lstm/seed-1/student") / "student.json").exists()
    finished(two_workers())
    found, expected = results(Path("out")), results(Path("whole"))
    for role, (epochs, weights) in expected.items():
        assert found[role][0] == epochs
        for one, other in zip(found[role][1], weights, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("count, local", [(2, 1), (4, 2), (3, 3)])
@pytest.mark.parametrize("rows", [12, 7, 2])
def test_the_parts_of_a_batch_are_the_batch(rows, count, local):
    batch = {"label": tf.range(rows), "text": tf.as_string(tf.range(rows))}
    data = tf.data.Dataset.from_tensors(batch).repeat(3)
    parts = [
        list(Replicas(None, count, first, local).share(data)) for first in range(0, count, local)
    ]
    for step in range(3):
        own = [part[step * local : (step + 1) * local] for part in parts]
        labels = [int(label) for some in own for one in some for label in one["label"]]
        assert labels == list(range(rows))


OVERFLOWS = """
import keras, numpy as np, tensorflow as tf
from stages.machine import replicas
from stages.train.compiled import compiled
from stages.train.objective import Objective
from stages.networks.precision import computing_in

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
made = replicas.mirrored(["CPU:0", "CPU:1"])
with made.scope(), computing_in("float16"):
    ids = keras.Input((None,), dtype="int32")
    vectors = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(50, 8)(ids))
    student = keras.Model(ids, keras.layers.Dense(3)(vectors))
model = compiled(
    student, Objective(1.0, hard_label_weight=0.0), learning_rate=0.1, total_steps=9, replicas=made
)
for weight in student.layers[-1].weights:
    weight.assign(weight * 0.0)  # the first half of the rows is answered right, and has no gradient
before = [np.array(one) for one in student.get_weights()]
for scale, moves in ((2.0**30, False), (1.0, True)):  # with the first the second half overflows
    model.optimizer.dynamic_scale.assign(scale)
    rows = np.arange(8)[:, None]
    sure = np.where(rows < 4, 0.0, 60.0) * np.eye(3)[np.zeros(8, int)]
    data = {"label": np.zeros(8, np.int64), "teacher_logits": sure.astype(np.float32)}
    batches = tf.data.Dataset.from_tensors((rows, data)).repeat()
    fed = made.distributed(made.share(batches))
    model.fit(fed, steps_per_epoch=1, epochs=1, verbose=0)
    found = [np.array(one) for one in student.get_weights()]
    assert all(np.isfinite(one).all() for one in found), scale
    assert any((one != other).any() for one, other in zip(found, before)) == moves, scale
"""


def test_a_step_that_overflows_on_one_device_is_left_out_on_all():
    child = subprocess.run(
        [sys.executable, "-c", OVERFLOWS],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "CUDA_VISIBLE_DEVICES": ""},
    )
    assert child.returncode == 0, child.stderr[-2000:]


def test_gradients_overflow_for_all_or_for_none():
    plain, some = tf.constant([[1.0, 2.0]]), tf.constant([5, 7])
    sparse = tf.IndexedSlices(tf.constant([[1.0], [3.0]]), some, tf.constant([9, 1]))
    kept = overflown_for_all([plain, sparse, None])
    assert kept[2] is None
    np.testing.assert_array_equal(kept[0], plain)
    np.testing.assert_array_equal(tf.convert_to_tensor(kept[1])[5:8, 0], [1, 0, 3])
    for wrong in (float("nan"), float("inf")):
        bad = tf.IndexedSlices(tf.constant([[1.0], [wrong]]), some, tf.constant([9, 1]))
        lost = overflown_for_all([plain, bad])
        assert np.isposinf(lost[0]).all() and np.isposinf(lost[1].values).all()
        assert lost[1].indices.numpy().tolist() == [5, 7]


def test_a_loss_that_needs_whole_batches_is_refused(table, monkeypatch):
    monkeypatch.setattr("stages.machine.replicas.replicas_here", lambda: Replicas(None, count=2))
    with pytest.raises(StudentError, match="dist compares the rows of a whole batch"):
        train(tiny.run("train.loss=dist"), table, out=Path("out"))


def test_a_step_for_several_devices_is_not_compiled(table, monkeypatch):
    monkeypatch.setattr("stages.machine.replicas.replicas_here", lambda: Replicas(None, count=2))
    with pytest.raises(StudentError, match="XLA is for one device, and there are 2"):
        train(tiny.run("train.xla=true"), table, out=Path("out"))


def test_a_cluster_with_a_chief_is_refused(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"chief": ["a:1"], "worker": ["b:1"]}}')
    replicas_here.cache_clear()
    with pytest.raises(EngineError, match="tasks that are no workers: found chief"):
        replicas_here()


def test_a_student_in_16_bits_has_its_loss_scaled_and_xla_is_asked_for():
    def made(dtype, xla=False):
        with computing_in(dtype):
            inputs = keras.Input((8,))
            student = keras.Model(inputs, keras.layers.Dense(4)(inputs))
        objective = Objective(2.0, hard_label_weight=0.5)
        return compiled(student, objective, learning_rate=0.1, total_steps=9, xla=xla)

    scaled = made("float16")
    assert isinstance(scaled.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled.student.layers[-1].compute_dtype == "float16"
    assert not isinstance(made("bfloat16").optimizer, keras.optimizers.LossScaleOptimizer)
    assert made("float32", xla=True).jit_compile and not made("float32").jit_compile
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(8, 4)).astype(np.float32)
    data = {"label": logits.argmax(axis=1), "teacher_logits": logits}
    before = [np.array(weight) for weight in scaled.student.get_weights()]
    scaled.fit(rng.normal(size=(8, 8)).astype(np.float32), data, verbose=0, epochs=4)
    assert not np.allclose(before[0], scaled.student.get_weights()[0])


@pytest.mark.parametrize("text", ["{", '{"cluster": {}}', "[]"])
def test_a_cluster_that_cannot_be_read_is_named(text, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    replicas_here.cache_clear()
    with pytest.raises(EngineError, match="TF_CONFIG cannot be read"):
        replicas_here()


def test_a_cluster_of_one_is_no_cluster(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["127.0.0.1:1"]}, "task": {}}')
    replicas_here.cache_clear()
    try:
        assert replicas_here() == Replicas()
    finally:
        replicas_here.cache_clear()


@pytest.mark.parametrize("how", ["train.compute_dtype=bfloat16", "train.compute_dtype=float16"])
def test_a_student_trained_in_fewer_bits_learns_and_is_saved_in_float32(how, table):
    run = tiny.run(how, "train.epochs=8", "train.learning_rate=0.02")
    plans = train(run, table, out=Path("out"))
    card = read_student_card(plans[0].path)
    assert max(epoch["val_accuracy"] for epoch in card.epochs) > 0.9
    model = keras.saving.load_model(plans[0].path / "student.keras", compile=False)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"


def test_a_step_compiled_with_xla_gives_the_same_student(table):
    plain, compiled = (
        train(tiny.run(*RUN, f"train.xla={xla}"), table, out=Path(xla)) for xla in ("false", "true")
    )
    losses = [
        [epoch["loss"] for epoch in read_student_card(plans[0].path).epochs]
        for plans in (plain, compiled)
    ]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
