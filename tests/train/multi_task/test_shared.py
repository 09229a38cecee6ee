"""Batches of the table of all heads: each row is asked once, and what it lacks is not counted."""

from collections import Counter
from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import RunFileError, StaleTableError, TableError
from schemas.head_kinds import head_kinds
from schemas.multi_task import parse_multi_task
from schemas.train_section import losses_of
from stages.combine.heads import join_heads
from stages.run.multi_task import run_file_all, task_run
from stages.table.opening import open_table
from stages.train.multi_task.contents import SeveralHeads
from stages.train.multi_task.distiller import MultiTaskDistiller
from stages.train.multi_task.pipeline import read_multi_task_card, train_multi_task
from stages.train.multi_task.plan import LabelledTask, plan_multi_task
from stages.train.objective import Objective
from stages.train.stream.stream import SoftLabelStream
from tests import tiny, tiny_heads
from tests.heads.slopes import gradient
from tests.train.interrupted import Stop, interrupted_at
from tests.train.multi_task.courses import course_of

SHARED = "batches=shared"
VIEWS = "label.views={seed=1, augmenters=[{kind='swap'}, {kind='word_dropout'}]}"


def labelled(folder, run):
    """Return the tasks of a run, with their parts of the table of all."""
    return {
        task.name: LabelledTask(
            own := task_run(run, task, base=folder),
            open_table(folder / "labels", head=own.head),
            task.weight,
        )
        for task in run.tasks
    }


def made(folder, run):
    """Label the tasks of a run, and join them."""
    tables = tiny_heads.labelled(folder, run)
    return join_heads(tables, labels=folder / "labels")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three heads of two corpora in one table."""
    folder = tmp_path_factory.mktemp("shared")
    tiny_heads.write(folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        made(folder, tiny_heads.run(VIEWS))
    return folder


@pytest.fixture
def tasks_of(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return partial(labelled, folder)


def stream_of(folder, tasks, **how):
    from stages.table.opening import open_version

    layouts = {name: task.table.card.layout for name, task in tasks.items()}
    how = {"batch_size": 16, "seed": 3, "once": False, **how}
    return SoftLabelStream(
        open_version(folder / "labels"), "train", contents=SeveralHeads(layouts), **how
    )


def said(text, label, logits):
    return (
        str(text),
        np.asarray(label).tolist().__repr__(),
        np.asarray(logits).tolist().__repr__(),
    )


def of_one_head(batch, answers, *, by_position, text=None):
    """Yield what a head says of the rows of a batch that it has."""
    words = batch["text"].to_list()
    for row, found in enumerate(words):
        seen = answers["seen"][row].numpy() if "seen" in answers else np.bool_(True)
        count = len(found)
        label, logits = answers["label"][row].numpy(), answers["teacher_logits"][row].numpy()
        if by_position:
            if seen.any():
                yield said(found, label[:count], logits[:count])
        elif seen:
            yield said(found, label, logits)


@pytest.mark.parametrize("labelled_only", [False, True])
def test_every_head_finds_just_its_own_rows_in_the_batches(folder, tasks_of, labelled_only):
    tasks = tasks_of(tiny_heads.run(VIEWS))
    found = {name: Counter() for name in tasks}
    rows = 0
    for batch in stream_of(folder, tasks, labelled_only=labelled_only).one_pass():
        rows += len(batch["is_view"])
        for name, task in tasks.items():
            by_position = task.run.head.by_position
            found[name].update(of_one_head(batch, batch["heads"][name], by_position=by_position))
    for name, task in tasks.items():
        own, table = Counter(), task.table
        for row in tiny.rows_of(table):
            if row["split"] != "train" or (labelled_only and row["view"]):
                continue
            own[str([word.encode() for word in row["words"]])] += 1
        texts = Counter()
        for (text, _, _), count in found[name].items():
            texts[text] += count
        if not labelled_only:
            assert texts == own, name
        assert set(texts) <= set(own)
        logits = {text: values for text, _, values in found[name]}
        stream = SoftLabelStream(table, "train", batch_size=16, seed=1, once=False)
        for batch in stream.one_pass():
            for number in range(len(batch["label"])):
                if not task.run.head.by_position:
                    continue
                words = batch["text"][number].numpy().tolist()
                values = batch["teacher_logits"][number, : len(words)].numpy().tolist()
                assert logits.get(str(words), repr(values)) == repr(values)
    assert rows < sum(sum(one.values()) for one in found.values())


def test_a_batch_at_a_step_is_a_pure_function_of_it(folder, tasks_of):
    tasks = tasks_of(tiny_heads.run(VIEWS))
    stream = partial(stream_of, folder, tasks, views_per_pass=1)
    whole = list(stream().dataset().take(25))
    for step in (3, 11, 24):
        again = next(iter(stream().dataset(first_step=step)))
        tf.nest.map_structure(
            lambda one, other: np.testing.assert_array_equal(one.numpy(), other.numpy()),
            {**again, "text": again["text"].flat_values},
            {**whole[step], "text": whole[step]["text"].flat_values},
        )


def test_the_loss_is_that_of_each_head_on_the_rows_that_have_it(tasks_of, tmp_path):
    run = tiny_heads.run(VIEWS, SHARED, "train.baseline=false", "train.epochs=1")
    course = course_of(run, tasks_of(run), tmp_path)
    lesson = course.lesson(0)
    inputs, targets = next(iter(lesson.batches(0)))
    logits = lesson.model(inputs, training=False)
    value = lesson.model.compute_loss(x=inputs, y=targets, y_pred=logits)
    total = 0.0
    for name, task in tasks_of(run).items():
        objective = course._courses[name].phases[0].objective
        seen = targets[name]["seen"].numpy()
        has = seen.any(axis=1) if seen.ndim == 2 else seen
        assert has.sum() > 0 and (name != "kinds" or not has.all())
        own = {key: tf.boolean_mask(one, has) for key, one in targets[name].items()}
        if not task.run.head.by_position:
            del own["seen"]  # as in batches of its own
        mean = objective.value(tf.boolean_mask(logits[name], has), own)
        total += task.weight * float(mean)
    assert float(value) == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        (kind, loss)
        for kind in head_kinds()
        for loss in losses_of(kind)
        if loss != "dist" and kind != "pointer"
    ],
)
@given(st.lists(st.booleans(), min_size=2, max_size=6), st.integers(0, 2**16))
@settings(max_examples=15, deadline=None)
def test_a_row_that_lacks_a_head_changes_no_loss_and_has_no_gradient(kind, loss, there, seed):
    draw = np.random.default_rng(seed)
    there, width = np.array(there), 1 if kind == "regression" else 3
    student, teacher = draw.normal(0, 3, (2, len(there), width)).astype(np.float32)
    labels = draw.integers(-1, 3, len(there)) if kind == "softmax" else teacher.round() % 2
    nothing = -1 if kind == "softmax" else np.nan
    labels[~there] = nothing
    teacher[~there] = draw.choice([0.0, 50.0])
    objective = Objective(2.0, hard_label_weight=0.3, loss=loss, kind=kind)

    def value(logits, rows):
        targets = {"label": labels[rows], "teacher_logits": teacher[rows], "seen": there[rows]}
        return objective.value(logits, {key: tf.constant(one) for key, one in targets.items()})

    every = np.arange(len(there))
    slope = gradient(lambda logits: value(logits, every), student)
    assert not slope[~there].any()
    own = value(tf.constant(student[there]), np.flatnonzero(there)) if there.any() else 0.0
    assert float(value(tf.constant(student), every)) == pytest.approx(float(own), abs=1e-5)


def test_one_student_learns_all_heads_from_shared_batches(tasks_of, tmp_path):
    run = tiny_heads.run(VIEWS, SHARED, "train.epochs=40", "train.learning_rate=3e-2")
    for plan in train_multi_task(run, tasks_of(run), out=tmp_path):
        best = max(read_multi_task_card(plan.whole.path).epochs, key=lambda one: one["val_mean"])
        for figure in ("thing.val_accuracy", "word.val_accuracy", "kinds.val_f1_micro"):
            assert best[figure] > 0.8, (plan.whole.role, figure)


def test_interrupted_with_shared_batches_it_ends_in_the_same_weights(
    tasks_of, tmp_path, monkeypatch
):
    import keras

    how = (VIEWS, SHARED, "train.baseline=false", "train.hard_label_epochs=1", "train.epochs=1")
    run = tiny_heads.run(*how)
    (one,) = train_multi_task(run, tasks_of(run), out=tmp_path / "one")
    for step in (2, 5):
        with monkeypatch.context() as patched:
            interrupted_at(step, patched)
            with pytest.raises(Stop):
                train_multi_task(run, tasks_of(run), out=tmp_path / "cut", checkpoint_seconds=0)
    (cut,) = train_multi_task(run, tasks_of(run), out=tmp_path / "cut", checkpoint_seconds=0)
    pair = [
        keras.saving.load_model(plan.whole.path / "student.keras", compile=False).get_weights()
        for plan in (one, cut)
    ]
    for mine, theirs in zip(*pair, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_shared_batches_are_another_student_and_can_be_compiled(tasks_of, tmp_path):
    how = (
        VIEWS,
        "train.baseline=false",
        "train.epochs=1",
        "train.students=[{name='lstm', kind='lstm', options={units=8, dropout=0.0}}]",
    )
    own = tiny_heads.run(*how)
    [apart] = plan_multi_task(own, tasks_of(own), out=tmp_path)
    losses = []
    for xla in ("false", "true"):
        run = tiny_heads.run(*how, SHARED, f"train.xla={xla}")
        (plan,) = train_multi_task(run, tasks_of(run), out=tmp_path / xla)
        losses.append([one["loss"] for one in read_multi_task_card(plan.whole.path).epochs])
        assert plan.whole.fingerprint != apart.whole.fingerprint
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)


TEXTS = """
name = "texts"
batches = "shared"

[corpus]
format = "jsonl"
files = [{ path = "texts.jsonl" }]
features = ["text"]
split = { validation = 0.2, test = 0.2 }

[[heads]]
name = "thing"
classes = ["animal", "fruit", "tool"]

[[heads]]
name = "length"
kind = "regression"

[teacher]
kind = "module"
callable = "tests.train.multi_task.test_shared:of_texts"

[label]
num_shards = 2
precision = "float32"
top_k = 2

[[tasks]]
name = "length"
set = [
  "teacher.callable='tests.train.multi_task.test_shared:of_lengths'", "label={num_shards=2}",
]
train = { loss = "squared_error" }

[train]
seeds = [1]
epochs = 15
batch_size = 16
learning_rate = 3e-2
baseline = false
students = [{ name = "bag", kind = "bag", options = { embedding_width = 8, units = 8 } }]

[evaluate]
latency_calls = 5
"""


def of_texts():
    """Return a teacher of what a text is about."""
    rows = tiny_heads.of_rows()
    return lambda texts: rows([text.split() for text in texts])


def of_lengths():
    """Return a teacher of how many words a text has."""
    return lambda texts: np.array([[len(text.split())] for text in texts], np.float32)


def test_heads_per_example_of_one_corpus_of_texts_share_batches(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [{**row, "length": len(row["text"].split())} for row in tiny.examples()]
    tiny.write_corpus(tmp_path / "texts.jsonl", rows)
    run = parse_multi_task(TEXTS, source="texts.toml")
    whole = made(tmp_path, run)
    assert whole.card.counts.shared_rows == whole.card.counts.rows == 120
    tasks = labelled(tmp_path, run)
    batch = next(iter(stream_of(tmp_path, tasks).dataset()))
    assert batch["heads"]["thing"]["teacher_kept"].numpy().sum() == 2 * 16
    assert "teacher_kept" not in batch["heads"]["length"]
    (plan,) = train_multi_task(run, tasks, out=tmp_path / "out")
    best = max(read_multi_task_card(plan.whole.path).epochs, key=lambda one: one["val_mean"])
    assert best["thing.val_accuracy"] > 0.9 and best["length.val_r2"] > 0.8


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("train={batch_size=8}", "found train.batch_size .*'thing': 8.* expected the same of all"),
        ("train={loss='dist'}", "'thing' has train.loss = 'dist', which is for batches of its own"),
        ("set=['corpus.repeats=\"once\"']", "found corpus.repeats .*'thing': 'once'"),
    ],
)
def test_tasks_that_cannot_share_batches_are_refused(tasks_of, tmp_path, task, said):
    run = tiny_heads.run(VIEWS, SHARED)
    tasks = tasks_of(run)
    teacher = "teacher={kind='module', callable='tests.tiny_heads:of_rows'}"
    if task.startswith("set"):
        task = task.replace("[", f'["{teacher}", ', 1)
    else:
        task += f', set=["{teacher}"]'
    other = tiny_heads.run(VIEWS, SHARED, f"tasks=[{{name='thing', {task}}}]", third=False)
    own = task_run(other, other.tasks[0], base=tasks["thing"].table.path.parent)
    tasks["thing"] = LabelledTask(own, tasks["thing"].table, 1.0)
    with pytest.raises(RunFileError, match=f"tasks cannot share batches: {said}"):
        train_multi_task(run, tasks, out=tmp_path)


def test_tables_that_are_not_in_one_share_no_batches(folder, tasks_of, tmp_path):
    run = tiny_heads.run(VIEWS, SHARED)
    tasks = {
        name: LabelledTask(task.run, open_table(folder / "own" / name), 1.0)
        for name, task in tasks_of(run).items()
    }
    with pytest.raises(TableError, match="tables are not in one: .* of one table of all heads"):
        train_multi_task(run, tasks, out=tmp_path)


def test_what_cannot_be_shared_is_said_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tiny_heads.write(tmp_path)
    with pytest.raises(RunFileError, match="tasks cannot share batches: 'word' has train.stride"):
        stride = "tasks=[{name='word', train={stride=2}}]"
        list(run_file_all(path, (SHARED, stride), out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_head_without_a_row_to_learn_from_is_said(folder, tasks_of, tmp_path):
    run = tiny_heads.run(VIEWS, SHARED, "train.baseline=false")
    tasks = tasks_of(run)
    table = tasks["kinds"].table
    object.__setattr__(table, "shards", [one for one in table.shards if one.split != "train"])
    with pytest.raises(TableError, match="no row in split 'train': .*labels, head 'kinds'"):
        train_multi_task(run, tasks, out=tmp_path)


def test_another_version_of_the_table_is_not_mixed_in(tasks_of, tmp_path):
    run = tiny_heads.run(VIEWS, SHARED)
    tasks = tasks_of(run)
    for task in tasks.values():
        object.__setattr__(task.table, "version", 7)
    with pytest.raises(StaleTableError, match="table has changed: .*found version 0, expected 7"):
        train_multi_task(run, tasks, out=tmp_path)


@pytest.mark.parametrize("labelled_only", [False, True])
def test_a_row_that_repeats_for_one_head_counts_for_the_others_only(
    tmp_path, monkeypatch, labelled_only
):
    monkeypatch.chdir(tmp_path)
    tiny_heads.write(tmp_path)
    rows = [
        {"words": ["old", "cat"], "thing": "animal", "tags": ["other", tag], "split": split}
        for tag in ("animal", "tool")  # for `thing` the second repeats the first
        for split in ("train", "validation", "test")
    ]
    tiny.write_corpus(tmp_path / "both.jsonl", rows)
    stated = ("corpus.split={column='split'}", "corpus.repeats='once'")
    run = tiny_heads.run(*stated, third=False)
    made(tmp_path, run)
    how = {"once": True, "labelled_only": labelled_only}
    (batch,) = stream_of(tmp_path, labelled(tmp_path, run), **how).one_pass()
    thing, word = batch["heads"]["thing"], batch["heads"]["word"]
    assert sorted(thing["seen"].numpy()) == [False, True]
    assert sorted(thing["label"].numpy()) == [-1, 0]
    assert word["seen"].numpy().all() and (word["label"].numpy() >= 0).all()


def test_the_share_of_views_is_of_heads_that_have_some(tasks_of, tmp_path):
    run = tiny_heads.run(VIEWS, SHARED, "train.view_share=0.5", "train.baseline=false")
    tasks = tasks_of(run)
    assert [bool(task.table.card.counts.views) for task in tasks.values()] == [True, True, False]
    _, targets = next(iter(course_of(run, tasks, tmp_path).lesson(0).batches(0)))
    assert ["is_view" in one for one in targets.values()] == [True, True, False]


@pytest.mark.parametrize("hard_label_weight", [0.5, 1.0])
def test_a_batch_without_a_head_does_not_count_in_its_mean_loss(hard_label_weight):
    import keras

    ids = keras.Input((3,), dtype="int32")
    model = keras.Model(ids, keras.layers.Dense(2)(keras.ops.cast(ids, "float32")))
    objective = Objective(1.0, hard_label_weight=hard_label_weight)
    distiller = MultiTaskDistiller({"a": model}, {"a": objective}, {"a": 1.0}, total_steps=1)
    distiller.compile(keras.optimizers.SGD(0.0))
    logits = {"a": tf.constant([[2.0, 0.0], [0.0, 0.0]])}
    losses = []
    for seen, labels in (([True, False], [1, -1]), ([False, False], [-1, -1])):
        targets = {"label": labels, "teacher_logits": [[0.0, 2.0], [0.0, 0.0]], "seen": seen}
        targets = {"a": {key: tf.constant(one) for key, one in targets.items()}}
        losses.append(float(distiller.compute_loss(y=targets, y_pred=logits)))
    assert losses[0] > 1.0 and losses[1] == 0.0
    (mean,) = [one for one in distiller.metrics if one.name == "a.loss"]
    assert float(mean.result()) == pytest.approx(losses[0])
