"""Students of several tasks: what they learn, what is written, and that it goes on where it was."""

import json
import shutil
from functools import partial

import numpy as np
import pytest
from click.testing import CliRunner

from run_pipeline import main
from schemas.errors import StudentError, TableError
from schemas.multi_task import parse_multi_task
from schemas.provenance import digest_file
from stages.combine.heads import join_heads
from stages.evaluate.predict import StudentPredictor
from stages.machine.replicas import Replicas
from stages.run.experiment import LABELS_FOLDER, label_step
from stages.run.inspect import inspect_folder
from stages.run.multi_task import run_file_all, task_run
from stages.table.opening import open_table
from stages.train.multi_task.course import SeveralTables
from stages.train.multi_task.pipeline import read_multi_task_card, train_multi_task
from stages.train.multi_task.plan import LabelledTask, plan_multi_task
from stages.train.pipeline import read_student_card
from tests import tiny, tiny_tasks, tiny_words
from tests.train.interrupted import Stop, interrupted_at


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Both tasks, labelled once."""
    folder = tmp_path_factory.mktemp("tasks")
    tiny_tasks.write(folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        for task in tiny_tasks.run().tasks:
            run = task_run(tiny_tasks.run(), task, base=folder)
            place = folder / "tasks" / task.name
            label_step(run, labels=place / LABELS_FOLDER, out=place)
    return folder


def labelled(run, folder):
    """Return the labelled tasks of a run."""
    return {
        task.name: LabelledTask(
            task_run(run, task, base=folder),
            open_table(folder / "tasks" / task.name / LABELS_FOLDER),
            task.weight,
        )
        for task in run.tasks
    }


@pytest.fixture
def tasks_of(folder, monkeypatch):
    """Return what gives the labelled tasks of a run, which is in their folder."""
    monkeypatch.chdir(folder)
    return partial(labelled, folder=folder)


TWO_PHASES = tiny_tasks.run("train.baseline=false", "train.hard_label_epochs=1")


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory):
    """A student that was never interrupted, and where it is."""
    out = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        (plan,) = train_multi_task(TWO_PHASES, labelled(TWO_PHASES, folder), out=out)
    return plan, out


def saved(path):
    import keras

    return keras.saving.load_model(path / "student.keras", compile=False)


def test_one_student_learns_both_tasks(tasks_of, tmp_path, capsys):
    run = tiny_tasks.run("train.epochs=12", "train.learning_rate=4e-2")
    plans = train_multi_task(run, tasks_of(run), out=tmp_path)
    assert [plan.whole.role for plan in plans] == ["student", "baseline"]
    said = capsys.readouterr().err
    for name, task in tasks_of(run).items():
        rows = task.table.card.counts.split_rows["train"]
        assert f"{plans[0].whole.name}: {name}: {rows} rows; " in said
    for plan in plans:
        best = max(read_multi_task_card(plan.whole.path).epochs, key=lambda one: one["val_mean"])
        assert best["thing.val_accuracy"] > 0.9
        assert best["words.val_accuracy"] > 0.9
        mean = (best["thing.val_accuracy"] + best["words.val_accuracy"]) / 2
        assert best["val_mean"] == pytest.approx(mean)


def test_the_views_of_a_student_share_its_weights(whole):
    plan, _ = whole
    ids = np.array([[2, 7, 9, 3, 0]], np.int32)
    both = saved(plan.whole.path)(ids, training=False)
    assert set(both) == {"thing", "words"}
    for name, view in plan.views.items():
        np.testing.assert_array_equal(both[name], saved(view.path)(ids, training=False))


def test_one_task_may_see_long_rows_through_windows(tasks_of, tmp_path):
    how = [
        "train.baseline=false",
        "train.epochs=12",
        "train.learning_rate=4e-2",
        "train.max_length=6",
        "tasks=[{name='thing', run='thing.toml'},"
        " {name='words', run='words.toml', train={stride=2}}]",
    ]
    run = tiny_tasks.run(*how)
    (plan,) = train_multi_task(run, tasks_of(run), out=tmp_path)
    cards = {name: read_student_card(view.path) for name, view in plan.views.items()}
    assert {name: card.stride for name, card in cards.items()} == {"thing": None, "words": 2}
    student = StudentPredictor(plan.views["words"].path, cards["words"])
    rows = [row["words"] for row in tiny_words.examples() if len(row["words"]) > 4]
    answers = student.answers(rows)
    assert rows and answers.seen.all() and student.cut(rows) == 0
    right = np.concatenate(tiny_words.make(window=99)(rows)).argmax(axis=1)
    beyond = np.concatenate([np.arange(len(row)) >= 4 for row in rows])
    assert (answers.values.argmax(axis=1) == right)[beyond].mean() > 0.9


def test_interrupted_it_ends_in_the_same_weights(whole, tasks_of, tmp_path, monkeypatch):
    run, (one, _) = TWO_PHASES, whole
    for step in (4, 8):  # in the first phase, and in the last
        with monkeypatch.context() as patched:
            interrupted_at(step, patched)
            with pytest.raises(Stop):
                train_multi_task(run, tasks_of(run), out=tmp_path, checkpoint_seconds=0)
    (cut,) = train_multi_task(run, tasks_of(run), out=tmp_path, checkpoint_seconds=0)
    expected = saved(one.whole.path).get_weights()
    for mine, theirs in zip(saved(cut.whole.path).get_weights(), expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    cards = [read_multi_task_card(plan.whole.path).epochs for plan in (one, cut)]
    assert cards[0] == cards[1]


def test_a_step_compiled_with_xla_gives_the_same_student(tasks_of, tmp_path, monkeypatch):
    asked, plain_build = [], SeveralTables.lesson

    def lesson(course, number):
        made = plain_build(course, number)
        asked.append(made.model.jit_compile)
        return made

    monkeypatch.setattr(SeveralTables, "lesson", lesson)
    how = (
        "train.baseline=false",
        "train.epochs=1",
        "train.students=[{name='lstm', kind='lstm', options={units=8, dropout=0.0}}]",
    )
    losses = []
    for xla in ("false", "true"):
        run = tiny_tasks.run(*how, f"train.xla={xla}")
        (plan,) = train_multi_task(run, tasks_of(run), out=tmp_path / xla)
        losses.append([one["loss"] for one in read_multi_task_card(plan.whole.path).epochs])
    assert asked == [False, True]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)


def test_a_student_is_not_trained_twice(whole, tasks_of, capfd):
    plan, out = whole
    assert train_multi_task(TWO_PHASES, tasks_of(TWO_PHASES), out=out) == [plan]
    assert "nothing to do, 1 student is" in capfd.readouterr().err


def test_what_is_one_tasks_is_written_again_where_it_is_gone(whole, tasks_of, tmp_path, capfd):
    out = tmp_path / "out"
    shutil.copytree(whole[1], out)
    ids = np.array([[2, 7, 9, 3, 0]], np.int32)
    [plan] = plan_multi_task(TWO_PHASES, tasks_of(TWO_PHASES), out=out)
    view = plan.views["words"].path
    cards, expected = read_student_card(view), saved(view)(ids, training=False)
    shutil.rmtree(view)
    assert train_multi_task(TWO_PHASES, tasks_of(TWO_PHASES), out=out) == [plan]
    assert "wrote what is each task's of lstm student seed 1 again" in capfd.readouterr().err
    assert read_student_card(view) == cards
    np.testing.assert_array_equal(saved(view)(ids, training=False), expected)
    (view / "student.json").unlink()
    (plan.whole.path / "student.keras").write_bytes(b"x")
    with pytest.raises(StudentError, match="student cannot be loaded: .*Remove this folder and"):
        train_multi_task(TWO_PHASES, tasks_of(TWO_PHASES), out=out)


def test_a_fingerprint_says_what_a_student_was_trained_on(tasks_of, tmp_path):
    run = tiny_tasks.run()

    def fingerprints(how):
        planned = plan_multi_task(how, tasks_of(how), out=tmp_path)
        return [plan.whole.fingerprint for plan in planned]

    kept = fingerprints(run)
    colder = fingerprints(tiny_tasks.run("train.temperature=1.0"))
    assert colder[0] != kept[0]
    assert colder[1] == kept[1]  # a baseline has no teacher
    heavier = tiny_tasks.RUN_TEXT.replace("weight = 2.0", "weight = 3.0")
    heavier = fingerprints(parse_multi_task(heavier, source="both.toml"))
    assert not set(heavier) & set(kept)
    tasks = tasks_of(run)
    turned = {name: tasks[name] for name in reversed(tasks)}  # the first decides the vocabulary
    planned = plan_multi_task(run, turned, out=tmp_path)
    assert not {plan.whole.fingerprint for plan in planned} & set(kept)


def test_each_task_is_evaluated_on_its_own_table(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    reports = list(run_file_all(folder / "both.toml", (), out=tmp_path))
    assert [report.name for report in reports] == ["tiny", "words"]
    assert [report.teacher.scores.lines for report in reports] == ["rows", "words"]
    assert all(report.students[0].baseline is not None for report in reports)
    assert (tmp_path / "by_task" / "words" / "report" / "report.html").is_file()
    cards = [*tmp_path.rglob("student.json"), *tmp_path.rglob("tasks.json")]
    assert {card.name for card in cards} == {"student.json", "tasks.json"}
    for card in cards:
        said = json.loads(card.read_text())["vocabulary"]
        assert said == digest_file(card.with_name("vocab.txt"))
    said = inspect_folder(tmp_path / "students" / "lstm" / "seed-1" / "student", as_json=False)
    assert "softmax per token, 4 classes" in said
    again = list(run_file_all(folder / "both.toml", (), out=tmp_path))
    assert again == reports


def test_a_student_is_exported_with_each_head_alone(folder, whole, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    _, out = whole
    tables = {name: task.table for name, task in labelled(TWO_PHASES, folder).items()}
    labels = join_heads(tables, labels=tmp_path).path
    how = ("both.toml", "--labels", str(labels), "--out", str(out), "--format", "saved_model")
    stated = ("--set", "train.baseline=false", "--set", "train.hard_label_epochs=1")
    done = CliRunner().invoke(main, ["export", *how, *stated])
    assert done.exit_code == 0, done.stderr
    _, *rows = done.stdout.splitlines()
    assert [row.split("  ")[0] for row in rows] == [
        "thing: lstm student seed 1",
        "words: lstm student seed 1",
    ]
    cards = [json.loads(path.read_text()) for path in sorted(out.rglob("export.json"))]
    assert [(card["per"], card["takes"]) for card in cards] == [
        ("example", "text"),
        ("token", "words"),
    ]


def test_what_a_task_has_of_its_own(folder):
    run = tiny_tasks.run()
    thing, words = (task_run(run, task, base=folder) for task in run.tasks)
    assert (thing.train.temperature, words.train.temperature) == (2.0, 3.0)
    assert words.train.seeds == thing.train.seeds == (1,)
    task = run.tasks[0].model_copy(update={"set": ("label.num_shards=2",)})
    assert task_run(run, task, base=folder).label.num_shards == 2


def test_a_student_without_a_dense_end_has_no_several_heads(tasks_of, tmp_path):
    kind = "tests.train.multi_task.test_pipeline:ends_otherwise"
    run = tiny_tasks.run(f'train.students=[{{name="mine", kind="{kind}"}}]')
    with pytest.raises(StudentError, match="'mine' ends with Activation, expected a dense layer"):
        train_multi_task(run, tasks_of(run), out=tmp_path)


def ends_otherwise(*, vocabulary_size, classes, per="example"):
    """Return a student whose last layer is no dense one."""
    import keras

    token_ids = keras.Input((None,), dtype="int32")
    hidden = keras.layers.Embedding(vocabulary_size, classes)(token_ids)
    return keras.Model(token_ids, keras.layers.Activation("linear")(hidden))


def test_several_devices_are_refused(tasks_of, tmp_path, monkeypatch):
    monkeypatch.setattr("stages.machine.replicas.replicas_here", lambda: Replicas(None, count=2))
    run = tiny_tasks.run()
    with pytest.raises(StudentError, match="several tasks cannot be shared: .* found 2 replicas"):
        train_multi_task(run, tasks_of(run), out=tmp_path)


def test_an_empty_split_of_one_task_is_said(folder, tasks_of, tmp_path):
    run = tiny_tasks.run()
    tasks = tasks_of(run)
    empty = open_table(folder / "tasks" / "thing" / LABELS_FOLDER)
    object.__setattr__(empty, "shards", [s for s in empty.shards if s.split != "validation"])
    tasks["thing"] = LabelledTask(tasks["thing"].run, empty, 1.0)
    with pytest.raises(TableError, match="no row in split 'validation'"):
        train_multi_task(run, tasks, out=tmp_path)


def test_a_task_without_a_hard_label_is_said_before_the_student_is_trained(
    folder, tasks_of, tmp_path, monkeypatch
):
    run = tiny_tasks.run()
    tasks = tasks_of(run)
    thing = tasks["thing"]
    learned = set(thing.table.read("train", ["text"])["text"].to_pylist())
    monkeypatch.chdir(tmp_path)
    tiny_tasks.write(tmp_path)
    rows = [{**row, "thing": None} if row["text"] in learned else row for row in tiny.examples()]
    tiny.write_corpus(tmp_path / "corpus.jsonl", rows)
    label_step(thing.run, labels=tmp_path / "labels", out=tmp_path)
    unlabelled = open_table(tmp_path / "labels")
    tasks["thing"] = LabelledTask(thing.run, unlabelled, 1.0)
    with pytest.raises(TableError, match="no row with a hard label in split 'train'"):
        train_multi_task(run, tasks, out=tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.keras"))
