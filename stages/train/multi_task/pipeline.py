"""Train the students of several tasks, each beside its baseline."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import StaleTableError, StudentError, TableError, first_line
from schemas.multi_task import MultiTask
from schemas.multi_task_card import MultiTaskCard
from schemas.task_checks import check_shared
from stages.machine.progress import say
from stages.table.artefacts import read_measures
from stages.table.opening import JoinedTable, open_version
from stages.train.building import (
    check_length,
    open_start_of,
    saved_weights,
    start_output,
    start_pieces,
    vocabulary_of,
)
from stages.train.multi_task.plan import (
    VIEWS_FOLDER,
    LabelledTask,
    MultiTaskPlan,
    plan_multi_task,
)
from stages.train.own_students import students_alone
from stages.train.pipeline import (
    CHECKPOINT_SECONDS,
    FIGURES_FOLDER,
    card_of,
    check_plan,
    is_current,
    make_ready,
    write_student,
)
from stages.train.plan import CHECKPOINTS_FOLDER, STUDENTS_FOLDER, phases
from stages.train.student_cards import read_trained

if TYPE_CHECKING:
    import keras

    from stages.train.multi_task.course import SeveralTables

Epochs = tuple[dict[str, float], ...]
Tasks = Mapping[str, LabelledTask]


def train_multi_task(
    run: MultiTask,
    tasks: Tasks,
    *,
    out: Path,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> list[MultiTaskPlan]:
    """Train what is not there yet; return every student of the run.

    An interrupted training goes on from its newest checkpoint. The bytes of the tables are compared
    with their digests before the first.

    Raises:
      PipelineError: any stated failure; finished students are kept.
    """
    plans = list(plan_multi_task(run, tasks, out=out))
    waiting = [plan for plan in plans if not is_current(plan.whole, MultiTaskCard)]
    unseen = [plan for plan in plans if not all(map(is_current, plan.views.values()))]
    tables = [task.table for task in tasks.values()]
    places = [out / STUDENTS_FOLDER, out / VIEWS_FOLDER]
    written = [plan.whole for plan in plans if plan in waiting or plan in unseen]
    with students_alone(written, [plan.whole for plan in plans], places=places):
        make_ready(len(waiting), run.train, tables, planned=len(plans))
        for plan in plans:
            if plan in waiting:
                _train_student(run, tasks, plan, checkpoint_seconds)
            elif plan in unseen:
                _write_views_again(run, tasks, plan)
    return plans


def read_multi_task_card(path: Path) -> MultiTaskCard:
    """Return the card of a folder with a student of several tasks.

    Raises:
      StudentError: there is none, or it does not hold.
    """
    return read_trained(path, MultiTaskCard)


def _train_student(
    run: MultiTask, tasks: Tasks, plan: MultiTaskPlan, checkpoint_seconds: float
) -> None:
    import keras

    from stages.networks.checkpoint import Checkpoints
    from stages.networks.precision import computing_in
    from stages.train.fit import Training

    whole = plan.whole
    keras.utils.set_random_seed(whole.seed)
    _check(run, tasks, plan)
    tables = [task.table for task in tasks.values()]
    lowercase = read_measures(tables[0]).lowercase
    vocabulary = vocabulary_of(tables, whole.student, lowercase=lowercase)
    with computing_in(run.train.compute_dtype):
        student, models = _built(plan, tasks, vocabulary)
    check_length(student, run.train.max_length, name=whole.name)
    course = _course(run, tasks, plan, models, student, vocabulary, lowercase=lowercase)
    training = Training(
        course,
        name=whole.name,
        checkpoints=Checkpoints(whole.path / CHECKPOINTS_FOLDER / whole.fingerprint),
        figures=whole.path / FIGURES_FOLDER / whole.fingerprint,
        checkpoint_seconds=checkpoint_seconds,
    )
    epochs = training.fit()
    if run.train.compute_dtype != "float32":
        weights = student.get_weights()
        student, models = _built(plan, tasks, vocabulary)
        student.set_weights(weights)
    _write(run, tasks, plan, models, student, vocabulary, lowercase=lowercase, epochs=epochs)


def _write_views_again(run: MultiTask, tasks: Tasks, plan: MultiTaskPlan) -> None:
    """Write what is each task's of a student that is there whole.

    Raises:
      StudentError: its weights cannot be read.
    """
    whole, card = plan.whole, read_multi_task_card(plan.whole.path)
    tables = [task.table for task in tasks.values()]
    vocabulary = vocabulary_of(tables, whole.student, lowercase=card.lowercase)
    student, models = _built(plan, tasks, vocabulary)
    try:
        student.set_weights(saved_weights(whole.path))
    except Exception as error:  # whatever Keras makes of a damaged file
        said = first_line(error)
        raise StudentError(
            f"student cannot be loaded: {whole.path}: {said}. Remove this folder and run again."
        ) from error
    say(f"train: wrote what is each task's of {whole.name} again")
    _write_views(tasks, plan, models, vocabulary, lowercase=card.lowercase, epochs=card.epochs)


def _check(run: MultiTask, tasks: Tasks, plan: MultiTaskPlan) -> None:
    """Refuse what cannot be trained, before anything is built."""
    from stages.machine.replicas import replicas_here

    replicas = replicas_here()
    if replicas.count > 1:
        raise StudentError(
            f"several tasks cannot be shared: {plan.whole.name}: found {replicas.count} replicas, "
            "expected one device. Hide the others, or leave out TF_CONFIG."
        )
    for name, task in tasks.items():
        check_plan(task.run, plan.views[name], replicas)
    if run.batches == "shared":
        check_shared({name: task.run for name, task in tasks.items()})


def _course(
    run: MultiTask,
    tasks: Tasks,
    plan: MultiTaskPlan,
    models: Mapping[str, keras.Model],
    student: keras.Model,
    vocabulary: list[str],
    *,
    lowercase: bool,
) -> SeveralTables:
    from stages.inputs.wordpiece import Wordpiece
    from stages.machine.replicas import Replicas
    from stages.train.lesson import OneTable
    from stages.train.multi_task.course import SeveralTables, SharedBatches
    from stages.train.multi_task.shared_rows import SharedRows

    role, seed = plan.whole.role, plan.whole.seed
    wordpiece = Wordpiece(vocabulary, lowercase=lowercase, max_length=run.train.max_length)
    courses = {}
    for name, task in tasks.items():
        courses[name] = OneTable(
            models[name],
            task.table,
            task.run,
            phases(task.run.train, role, task.run.head.kind),
            wordpiece=wordpiece,
            seed=seed,
            replicas=Replicas(),
        )
    weights = {name: task.weight for name, task in tasks.items()}
    xla = all(task.run.train.xla for task in tasks.values())
    if run.batches == "own":
        return SeveralTables(student, courses, weights, xla=xla)
    rows = SharedRows(tasks, _table_of_all(tasks), wordpiece=wordpiece, seed=seed)
    return SharedBatches(student, courses, weights, rows=rows, xla=xla)


def _table_of_all(tasks: Tasks) -> JoinedTable:
    """Return the table that every task's is a part of.

    Raises:
      TableError: there is none.
    """
    places = {task.table.path: task.table for task in tasks.values()}
    [path, *others] = places
    found = open_version(path)
    version = places[path].version
    if not others and isinstance(found, JoinedTable) and found.version != version:
        raise StaleTableError(
            f"table has changed: {path}: found version {found.version}, expected {version}: "
            "another run has committed one. Run again."
        )
    if others or not isinstance(found, JoinedTable):
        raise TableError(
            f"tables are not in one: {', '.join(map(str, places))}: batches are of the rows of one "
            "table of all heads. Give the run file to `run`, which makes it."
        )
    return found


def _built(
    plan: MultiTaskPlan, tasks: Tasks, vocabulary: list[str]
) -> tuple[keras.Model, dict[str, keras.Model]]:
    """Return the student before its first step, and the same with each task's head alone.

    What it starts from is the first task's.
    """
    from stages.train.multi_task.heads import build_heads, joined

    start = open_start_of(plan.whole.student)
    student = plan.whole.student if start is None else start.sized(plan.whole.student)
    heads = {name: task.run.head for name, task in tasks.items()}
    models = build_heads(student, heads, vocabulary_size=len(vocabulary))
    for name, task in tasks.items():
        start_output(models[name], task.table, student, plan.whole.role)
    first = next(iter(tasks.values())).table
    whole = joined(models)
    start_pieces(whole, plan.whole, start, first, vocabulary)
    return whole, models


def _write(
    run: MultiTask,
    tasks: Tasks,
    plan: MultiTaskPlan,
    models: Mapping[str, keras.Model],
    student: keras.Model,
    vocabulary: list[str],
    *,
    lowercase: bool,
    epochs: Epochs,
) -> None:
    """Write each task's view of a student, then the student; its card is the last file."""
    whole = plan.whole
    (whole.path / MultiTaskCard.file).unlink(missing_ok=True)
    _write_views(tasks, plan, models, vocabulary, lowercase=lowercase, epochs=epochs)
    card = MultiTaskCard(
        fingerprint=whole.fingerprint,
        student=whole.student,
        role=whole.role,
        seed=whole.seed,
        tasks={name: task.run.head for name, task in tasks.items()},
        max_length=run.train.max_length,
        lowercase=lowercase,
        parameters=int(student.count_params()),
        epochs=epochs,
    )
    write_student(whole.path, student, vocabulary, card)


def _write_views(
    tasks: Tasks,
    plan: MultiTaskPlan,
    models: Mapping[str, keras.Model],
    vocabulary: list[str],
    *,
    lowercase: bool,
    epochs: Epochs,
) -> None:
    for name, task in tasks.items():
        view, own = plan.views[name], _epochs_of(name, epochs)
        one = card_of(task.run, view, models[name], lowercase=lowercase, epochs=own)
        write_student(view.path, models[name], vocabulary, one)


def _epochs_of(task: str, epochs: Epochs) -> Epochs:
    """Return one task's figures.

    >>> _epochs_of("a", ({"a.loss": 1.0, "a.val_accuracy": 0.5, "b.val_accuracy": 0.1},))
    ({'loss': 1.0, 'val_accuracy': 0.5},)
    """
    own = f"{task}."
    return tuple(
        {name.removeprefix(own): value for name, value in figures.items() if name.startswith(own)}
        for figures in epochs
    )
