"""The teacher's throughput inside the pipeline, beside bare loops and what others do."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from stages.run.experiment import read_run_file, teach_step
from tests.benchmarks.measure import interleaved, show
from tests.benchmarks.minilm import (
    CLASSES,
    FEW,
    RECIPE,
    TEXTS,
    WINDOW,
    news,
    source,
    write_experiment,
)

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

REPEATS = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_experiment(tmp_path_factory.mktemp("speed"))


class Recorded:
    """A teacher that keeps the batches that it was asked for."""

    def __init__(self, teacher):
        self.batches, self._teacher = [], teacher

    def __getattr__(self, name):
        return getattr(self._teacher, name)

    def logits(self, encoded, rows):
        self.batches.append((encoded, rows))
        return self._teacher.logits(encoded, rows)


def labelling(folder, teacher, monkeypatch):
    """Return a whole label run with a teacher that is loaded already."""
    from stages.label import pipeline
    from stages.label.beam import handler
    from stages.label.planning.plan import plan_label
    from tests import tiny

    head = f'heads=[{{name="thing", classes={json.dumps(CLASSES)}}}]'
    run = tiny.run(head, "label.num_shards=4", "label.batch_tokens=2048")
    plan = plan_label(run, base=folder, teacher=source(folder))
    monkeypatch.setattr(handler.TeacherHandler, "load_model", lambda self: teacher)
    monkeypatch.setattr(pipeline, "export_artefacts", lambda *some, **more: None)
    return lambda: pipeline.label(plan, labels=folder / f"labels-{time.time_ns()}")


def in_turn(teacher, batches):
    for encoded, rows in batches:
        teacher.logits(encoded, rows)


def side_by_side(teacher, batches):
    from stages.asking.overlap import side_by_side as at_once

    at_once(lambda one: teacher.logits(*one), batches, threads=teacher.parallel_calls)


def test_inside_the_pipeline_against_bare_loops_over_the_same_batches(folder, monkeypatch):
    from stages.teachers.load import load_teacher

    teacher = load_teacher(source(folder))
    recorded = Recorded(teacher)
    labelling(folder, recorded, monkeypatch)()
    batches = recorded.batches
    works = {
        "bare loop, a batch at a time": lambda: in_turn(teacher, batches),
        "bare loop, two at a time": lambda: side_by_side(teacher, batches),
        "label, corpus to commit": labelling(folder, teacher, monkeypatch),
    }
    medians = interleaved(works, repeats=REPEATS)
    show("teacher in the pipeline", medians, reference="bare loop, two at a time", units=TEXTS)


@pytest.mark.parametrize("how", [{"compute_dtype": "bfloat16"}, {"runtime": "onnx"}], ids=str)
def test_a_faster_teacher_inside_the_pipeline(how, folder, monkeypatch):
    from stages.teachers.load import load_teacher

    teacher = load_teacher(source(folder, **how))
    recorded = Recorded(teacher)
    labelling(folder, recorded, monkeypatch)()
    works = {
        "bare loop, two at a time": lambda: side_by_side(teacher, recorded.batches),
        "label, corpus to commit": labelling(folder, teacher, monkeypatch),
    }
    medians = interleaved(works, repeats=REPEATS)
    title = f"teacher in the pipeline, {how}"
    show(title, medians, reference="bare loop, two at a time", units=TEXTS)


def padded(folder):
    """Return a few texts' inputs as most do it: all as long as the window."""
    import tensorflow as tf

    from stages.inputs.wordpiece import Wordpiece, read_vocabulary
    from stages.teachers.parts.pieces import model_inputs

    pieces = read_vocabulary(folder / "teacher" / "vocab.txt")
    wordpiece = Wordpiece(pieces, lowercase=True, max_length=WINDOW)
    token_ids = wordpiece.frame(wordpiece.pieces(tf.constant(news(FEW))))
    token_ids = token_ids.to_tensor(wordpiece.pad_id, shape=[None, WINDOW])
    inputs = model_inputs(token_ids, pad_id=wordpiece.pad_id)
    return {name: value.numpy() for name, value in inputs.items()}


def stock(model, inputs):
    """Run Beam's own RunInference over single examples, as its TensorFlow handlers do.

    They call the model eagerly; a traced graph is kinder to them.
    """
    import apache_beam as beam
    import tensorflow as tf
    from apache_beam.ml.inference.base import ModelHandler, PredictionResult, RunInference

    names = list(inputs)
    specs = {name: tf.TensorSpec([None, WINDOW], tf.int32) for name in names}
    graph = tf.function(lambda one: model(one, training=False), input_signature=[specs])

    class PerElement(ModelHandler):
        def load_model(self):
            return model

        def run_inference(self, batch, model, inference_args=None):
            stacked = {name: np.stack([one[name] for one in batch]) for name in names}
            return [PredictionResult(None, one) for one in graph(stacked).numpy()]

    examples = [{name: inputs[name][row] for name in names} for row in range(FEW)]
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        pipeline | beam.Create(examples) | RunInference(PerElement())


def test_against_predict_and_against_beams_own_inference(folder, monkeypatch):
    import keras
    import pyarrow as pa

    from schemas.heads import Head
    from stages.asking.ask import soft_labels
    from stages.inputs.find import input_digests
    from stages.teachers.load import load_teacher
    from tests import tiny

    model = keras.saving.load_model(folder / "teacher" / "teacher.keras", compile=False)
    inputs, texts = padded(folder), pa.array(news(FEW))
    rows = pa.table({"text": texts, "input_digest": input_digests([texts])})
    how = tiny.run("label.batch_tokens=2048").label
    head = Head(name="thing", classes=tuple(CLASSES))
    teachers = {
        "ours, float32": load_teacher(source(folder)),
        "ours, bfloat16": load_teacher(source(folder, compute_dtype="bfloat16")),
        "ours, ONNX Runtime": load_teacher(source(folder, runtime="onnx")),
    }
    works = {
        "model.predict, padded": lambda: model.predict(inputs, verbose=0),
        "RunInference, an example each": lambda: stock(model, inputs),
        **{
            name: lambda one=one: soft_labels(one, rows, features=("text",), how=how, head=head)
            for name, one in teachers.items()
        },
    }
    medians = interleaved(works, repeats=REPEATS)
    show("teacher against others", medians, reference="model.predict, padded", units=FEW)


def test_what_bfloat16_and_another_runtime_change(tmp_path, monkeypatch):
    """A teacher fitted to TREC: logits, KL and classes on 512 questions."""
    import pyarrow as pa

    from stages.corpus.sample import sample_rows
    from stages.heads.likeness import mean_divergence
    from stages.teach.pipeline import plan_teach
    from stages.teachers.folder import open_teacher
    from stages.teachers.load import load_teacher
    from stages.teachers.parts.source import KERAS

    run = read_run_file(RECIPE)
    teach_step(run, out=tmp_path)
    rows = sample_rows(plan_teach(run, base=Path.cwd()).corpus, tolerant=False)

    def answers(**how):
        how = KERAS.model_copy(update=how)
        source = open_teacher(tmp_path / "teacher", classes=run.head.classes, how=how)
        teacher = load_teacher(source)
        encoded = teacher.encode(pa.table({"text": rows["text"]}))
        return teacher.logits(encoded, np.arange(rows.num_rows))

    exact, found = answers(), {}
    for name, value in (("compute_dtype", "bfloat16"), ("runtime", "onnx")):
        other = answers(**{name: value})
        found[value] = {
            "largest_difference": float(np.abs(other - exact).max()),
            "mean_kl_nats": mean_divergence(exact, other, "softmax"),
            "flip_rate": float((other.argmax(axis=1) != exact.argmax(axis=1)).mean()),
        }
    print()
    for name, row in found.items():
        print(f"  {name:10s}" + "  ".join(f"{key} {value:.2e}" for key, value in row.items()))
    title = "what a faster teacher changes"
    print(json.dumps({"title": title, "inputs": rows.num_rows, "rows": found}))
