"""Reading the table and tokenizing it, against the ways that are at hand elsewhere."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from schemas.train_section import Student
from stages.inputs.wordpiece import Wordpiece
from stages.label.pipeline import label
from stages.label.planning.plan import plan_label
from stages.machine.allocator import keep_freed_memory
from stages.networks.untuned import untuned
from stages.rows.columns import logits_lists
from stages.teachers.places import find_teacher
from stages.train.compiled import compiled
from stages.train.objective import Objective
from stages.train.stream.stream import SoftLabelStream
from stages.train.students import build_student
from tests import tiny
from tests.benchmarks.measure import interleaved, show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

ROWS, CLASSES, BATCH = 400_000, 16, 256
PASSES = 16  # one is over before what is made ahead of need pays
NAMES = [f"class-{number}" for number in range(CLASSES)]
COLUMNS = ["text", "label_thing", "teacher_thing"]
LSTM = Student(name="lstm", kind="lstm")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Short texts with 16 logits each, labelled by a column of the corpus."""
    keep_freed_memory()  # as the command does
    folder = tmp_path_factory.mktemp("streams")
    draw = np.random.default_rng(5)
    texts = [f"a short question about number {number} of many" for number in range(ROWS)]
    logits = logits_lists(draw.normal(0, 3, (ROWS, CLASSES)).astype(np.float32))
    labels = [NAMES[number % CLASSES] for number in range(ROWS)]
    rows = pa.table({"text": texts, "thing": labels, "answer": logits})
    pq.write_table(rows, folder / "corpus.parquet", row_group_size=65_536)
    run = tiny.run(
        "corpus.format=parquet",
        'corpus.files=[{path="corpus.parquet"}]',
        "corpus.split={validation=0.0, test=0.0}",
        f'heads=[{{name="thing", classes={json.dumps(NAMES)}}}]',
        'teacher={kind="column", column="answer"}',
    )
    source = find_teacher(run, base=folder, fitted=folder)
    return label(plan_label(run, base=folder, teacher=source), labels=folder / "labels")


def read_all(dataset, steps):
    """Iterate inside TensorFlow, as its own benchmarks of `tf.data` do: Python sees the last."""
    assert next(iter(untuned(dataset.take(steps).skip(steps - 1)))) is not None


def read_in_python(dataset, steps):
    for _ in untuned(dataset.take(steps)):
        pass


def row_by_row(table):
    """Batches from a Python generator of rows, as most examples do it."""
    rows = table.read("train", COLUMNS).slice(0, ROWS // 20).to_pylist()
    order = np.random.default_rng(1).permutation(len(rows))
    numbers = {name: number for number, name in enumerate(NAMES)}

    def generator():
        for number in order:
            row = rows[number]
            logits = np.array(row["teacher_thing"], np.float32)
            yield row["text"], numbers[row["label_thing"]], logits

    signature = (
        tf.TensorSpec([], tf.string),
        tf.TensorSpec([], tf.int64),
        tf.TensorSpec([CLASSES], tf.float32),
    )
    return tf.data.Dataset.from_generator(generator, output_signature=signature).batch(BATCH)


def as_tfrecords(table, path):
    """Write the rows as most do it, and return batches that are parsed together."""
    feature = tf.train.Feature
    with tf.io.TFRecordWriter(str(path)) as writer:
        for row in table.read("train", COLUMNS).to_pylist():
            kept = {
                "text": feature(bytes_list=tf.train.BytesList(value=[row["text"].encode()])),
                "label": feature(int64_list=tf.train.Int64List(value=[0])),
                "logits": feature(float_list=tf.train.FloatList(value=row["teacher_thing"])),
            }
            example = tf.train.Example(features=tf.train.Features(feature=kept))
            writer.write(example.SerializeToString())
    specs = {
        "text": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([], tf.int64),
        "logits": tf.io.FixedLenFeature([CLASSES], tf.float32),
    }
    records = tf.data.TFRecordDataset(str(path)).shuffle(16_384).batch(BATCH)
    return records.map(lambda one: tf.io.parse_example(one, specs)).prefetch(4)


def hugging_face(table):
    """Return `to_tf_dataset` over the same columns, of a part of the rows."""
    datasets = pytest.importorskip("datasets")
    part = table.read("train", ["text", "teacher_thing"]).slice(0, ROWS // 20)
    made = datasets.Dataset(part.combine_chunks())
    return made.to_tf_dataset(batch_size=BATCH, shuffle=True)


def scan(table):
    """Read the same files with Arrow alone."""
    for shard in table.shards_of("train"):
        for batch in pq.ParquetFile(shard.path).iter_batches(columns=COLUMNS):
            assert batch.num_rows


def test_streaming_an_epoch(table, tmp_path):
    stream = SoftLabelStream(table, "train", batch_size=BATCH, seed=1, once=False)
    assert stream.rows == ROWS
    records, steps = as_tfrecords(table, tmp_path / "rows.tfrecord"), PASSES * stream.steps_per_pass
    ours, nothing = stream.dataset(), tf.data.Dataset.range(steps)
    whole = {
        "a bare scan with Arrow": lambda: [scan(table) for _ in range(PASSES)],
        "TFRecord, parsed in batches": lambda: read_all(records.repeat(PASSES), steps),
        "SoftLabelStream": lambda: read_all(ours, steps),
        "SoftLabelStream, a loop in Python": lambda: read_in_python(ours, steps),
        "as many batches of nothing, a loop in Python": lambda: read_in_python(nothing, steps),
    }
    medians, units = interleaved(whole, repeats=5), PASSES * ROWS
    show("rows", medians, reference="a bare scan with Arrow", units=units)
    rows, part = ROWS // 20, ROWS // 20 // BATCH
    parts = {"generator of rows": lambda: read_all(row_by_row(table), part)}
    try:
        theirs = hugging_face(table)
        parts["Hugging Face to_tf_dataset"] = lambda: read_all(theirs, part)
    except pytest.skip.Exception:
        print("  Hugging Face datasets is not installed")
    medians = interleaved(parts, repeats=3)
    show("rows, a twentieth of them", medians, reference="generator of rows", units=rows)


def test_fitting_through_the_stream_against_fitting_in_memory(table):
    import keras

    stream = SoftLabelStream(table, "train", batch_size=BATCH, seed=1, once=False)
    pieces = [*tiny.VOCABULARY, *"0123456789", *(f"##{number}" for number in range(10))]
    wordpiece = Wordpiece(pieces, lowercase=True, max_length=16)
    steps = 200
    kept = list(stream.dataset().take(steps))
    in_memory = tf.data.Dataset.from_tensor_slices(
        {name: tf.concat([batch[name] for batch in kept], axis=0) for name in kept[0]}
    )

    def inputs(batch):
        targets = {name: value for name, value in batch.items() if name != "text"}
        return wordpiece.token_ids(batch["text"]), targets

    def fitting(dataset):
        student = build_student(LSTM, vocabulary_size=wordpiece.vocabulary_size, classes=CLASSES)
        objective = Objective(2.0, hard_label_weight=0.3)
        distiller = compiled(student, objective, learning_rate=1e-3, total_steps=steps)
        data = dataset.map(inputs, num_parallel_calls=1).prefetch(4)
        return lambda: distiller.fit(data, steps_per_epoch=steps, shuffle=False, verbose=0)

    keras.utils.set_random_seed(1)
    batched = untuned(in_memory.shuffle(steps * BATCH, seed=1).batch(BATCH).repeat())
    works = {
        "in memory": fitting(batched),
        "through the stream": fitting(stream.dataset()),
    }
    medians = interleaved(works, repeats=5)
    show("fit of an LSTM", medians, reference="in memory", units=steps * BATCH)


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
