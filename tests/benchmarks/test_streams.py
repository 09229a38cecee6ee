"""Reading the table and tokenizing it, against the ways that are at hand elsewhere."""

import numpy as np
import pytest
import tensorflow as tf

from stages.table import open_table
from stages.text import Wordpiece
from stages.train.stream import SoftLabelStream
from tests import tiny
from tests.benchmarks.measure import interleaved, show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

ROWS = 60_000
BATCH = 256


@pytest.fixture
def table(experiment):
    rows = [
        {"text": f"{row['text']} {number}", "thing": row["thing"]}
        for number, row in enumerate(tiny.examples(ROWS))
    ]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    tiny.label(experiment, experiment / "labels")
    return open_table(experiment / "labels")


def read_all(dataset, steps):
    for _ in dataset.take(steps):
        pass


def row_by_row(table):
    """Batches from a Python generator of rows, as most examples do it."""
    rows = table.read("train", ["text", "label_thing", "teacher_thing"]).to_pylist()
    order = np.random.default_rng(1).permutation(len(rows))

    def generator():
        for number in order:
            row = rows[number]
            label = tiny.CLASSES.index(row["label_thing"])
            yield row["text"], label, np.array(row["teacher_thing"], np.float32)

    signature = (
        tf.TensorSpec([], tf.string),
        tf.TensorSpec([], tf.int64),
        tf.TensorSpec([3], tf.float32),
    )
    return tf.data.Dataset.from_generator(generator, output_signature=signature).batch(BATCH)


def test_streaming_an_epoch(table):
    stream = SoftLabelStream(table, "train", batch_size=BATCH, seed=1, once=False)
    medians = interleaved(
        {
            "generator of rows": lambda: read_all(row_by_row(table), stream.steps_per_epoch),
            "SoftLabelStream": lambda: read_all(stream.dataset(), stream.steps_per_epoch),
        },
        repeats=5,
    )
    show("one epoch of rows", medians, reference="generator of rows", units=stream.rows)
    assert stream.rows > ROWS / 3


def test_tokenizing(table):
    import keras_hub

    texts = table.read("train", ["text"])["text"].to_pylist()[:10_000]
    ours = Wordpiece(tiny.VOCABULARY, lowercase=True, max_length=32)
    theirs = keras_hub.models.BertTokenizer(tiny.VOCABULARY, lowercase=True)
    batch = tf.constant(texts)
    medians = interleaved(
        {
            "keras-hub BertTokenizer": lambda: theirs(batch),
            "Wordpiece": lambda: ours.token_ids(batch),
        },
        repeats=5,
    )
    show("word pieces", medians, reference="keras-hub BertTokenizer", units=len(texts))
    assert len(texts) == 10_000
