"""Four students from one table, against Keras's Distiller with the teacher in the loop."""

import json
import time

import numpy as np
import pytest
import tensorflow as tf

from schemas.train_section import Student
from stages.inputs.wordpiece import Wordpiece, read_vocabulary
from stages.table.opening import open_table
from stages.train.compiled import compiled
from stages.train.objective import Objective
from stages.train.stream.stream import SoftLabelStream
from stages.train.students import build_student
from tests import tiny
from tests.benchmarks.minilm import CLASSES, source, write_experiment

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

ROWS, EPOCHS, BATCH, TEMPERATURE, WEIGHT = 2048, 2, 64, 4.0, 0.3
STUDENTS = [
    Student(name="bag", kind="bag"),
    Student(name="cnn", kind="cnn"),
    Student(name="small", kind="lstm", options={"units": 32}),
    Student(name="lstm", kind="lstm"),
]


def write_corpus(folder):
    """Give some of the texts labels, all of them for training."""
    lines = (folder / "corpus.jsonl").read_text().splitlines()[:ROWS]
    rows = [{**json.loads(line), "thing": CLASSES[n % 4]} for n, line in enumerate(lines)]
    tiny.write_corpus(folder / "some.jsonl", rows)


def labelled(folder):
    from stages.label.pipeline import label
    from stages.label.planning.plan import plan_label

    run = tiny.run(
        f'heads=[{{name="thing", classes={json.dumps(CLASSES)}}}]',
        'corpus.files=[{path="some.jsonl"}]',
        "corpus.split={validation=0.0, test=0.0}",
        "label.precision=float32",
        "label.batch_tokens=2048",
    )
    label(plan_label(run, base=folder, teacher=source(folder)), labels=folder / "some")
    return open_table(folder / "some")


def batches(table, wordpiece):
    stream = SoftLabelStream(table, "train", batch_size=BATCH, seed=1, once=False)

    def inputs(batch):
        targets = {name: value for name, value in batch.items() if name != "text"}
        return wordpiece.token_ids(batch["text"]), targets

    return stream.dataset().map(inputs).prefetch(4), stream.steps_per_epoch


def built(student, wordpiece):
    tf.keras.utils.set_random_seed(3)
    return build_student(student, vocabulary_size=wordpiece.vocabulary_size, classes=len(CLASSES))


def whole_teacher(folder):
    """Return the teacher as a model of token ids alone, which is what its students take."""
    import keras

    from stages.teachers.keras import load_model

    model = load_model(source(folder))
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    real = keras.ops.cast(token_ids != 0, "int32")
    inputs = {
        "token_ids": token_ids,
        "segment_ids": keras.ops.zeros_like(token_ids),
        "padding_mask": real,
    }
    return keras.Model(token_ids, model({name: inputs[name] for name in model.input}))


def in_the_loop(teacher, student):
    import keras

    loss = keras.distillation.LogitsDistillation(
        temperature=TEMPERATURE, loss=keras.losses.KLDivergence()
    )
    distiller = keras.distillation.Distiller(
        teacher, student, distillation_losses=loss, student_loss_weight=WEIGHT
    )
    hard = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    distiller.compile(keras.optimizers.Adam(1e-3), loss=hard, jit_compile=False)
    return distiller


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def test_four_students(tmp_path):
    folder = write_experiment(tmp_path)
    write_corpus(folder)
    pieces = read_vocabulary(folder / "teacher" / "vocab.txt")
    wordpiece = Wordpiece(pieces, lowercase=True, max_length=128)
    labelling = seconds(lambda: labelled(folder))
    data, steps = batches(open_table(folder / "some"), wordpiece)
    objective = Objective(TEMPERATURE, hard_label_weight=WEIGHT)
    teacher = whole_teacher(folder)
    ids, targets = next(iter(data))
    how = {"epochs": EPOCHS, "steps_per_epoch": steps, "shuffle": False, "verbose": 0}
    found = {}
    for student in STUDENTS:
        theirs = in_the_loop(teacher, built(student, wordpiece))
        mine = built(student, wordpiece)
        said = mine(ids)
        first = [
            float(theirs.compute_loss(x=ids, y=targets["label"], y_pred=said, training=False)),
            float(objective.value(said, targets)),
        ]
        ours = compiled(mine, objective, learning_rate=1e-3, total_steps=steps * EPOCHS)
        hard = data.map(lambda x, y: (x, y["label"]))
        found[student.name] = {
            "first_loss_theirs": first[0],
            "first_loss_ours": first[1],
            "seconds_theirs": seconds(lambda theirs=theirs, hard=hard: theirs.fit(hard, **how)),
            "seconds_ours": seconds(lambda ours=ours: ours.fit(data, **how)),
        }
    theirs, ours = (
        sum(one[f"seconds_{side}"] for one in found.values()) for side in ("theirs", "ours")
    )
    print()
    for name, row in found.items():
        print(f"  {name:8s}" + "  ".join(f"{key} {value:.6g}" for key, value in row.items()))
    total = {"theirs": theirs, "ours": ours + labelling, "ratio": theirs / (ours + labelling)}
    title = "teacher in the loop"
    print(json.dumps({"title": title, "labelling": labelling, "total": total, "found": found}))
    for row in found.values():
        np.testing.assert_allclose(row["first_loss_ours"], row["first_loss_theirs"], rtol=1e-5)
