"""Train: every student of the run file on every seed, each beside its baseline."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.counted import counted
from schemas.errors import StudentError
from schemas.input_kinds import input_kinds
from schemas.provenance import digest_file
from schemas.run_file import RunFile
from schemas.student_card import STUDENT_MODEL_FILE, StudentCard, TrainedCard
from schemas.teacher_card import VOCABULARY_FILE
from schemas.train_section import Train
from stages.machine.atomic import whole_file, write_whole
from stages.machine.progress import say
from stages.table.artefacts import read_measures
from stages.table.opening import SoftLabelTable
from stages.table.shard import check_bytes
from stages.train.building import built, vocabulary_of
from stages.train.own_students import students_alone
from stages.train.plan import (
    CHECKPOINTS_FOLDER,
    STUDENTS_FOLDER,
    StudentPlan,
    phases,
    plan_students,
)
from stages.train.start.sizes import check_memory
from stages.train.student_cards import read_student_card, read_trained
from stages.train.watched import watched

if TYPE_CHECKING:
    import keras

    from stages.machine.replicas import Replicas


CHECKPOINT_SECONDS = 60.0
FIGURES_FOLDER = "tensorboard"


def train(
    run: RunFile,
    table: SoftLabelTable,
    *,
    out: Path,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    wandb: str | None = None,
) -> list[StudentPlan]:
    """Train what is not there yet; return every student of the run.

    An interrupted training goes on from its newest checkpoint. The table's bytes are compared with
    its digests before the first. `wandb` is a project of Weights & Biases for the figures.

    Raises:
      PipelineError: any stated failure; finished students are kept.
    """
    plans = list(plan_students(run, table, out=out))
    waiting = [plan for plan in plans if not is_current(plan)]
    with students_alone(waiting, plans, places=[out / STUDENTS_FOLDER]):
        make_ready(len(waiting), run.train, [table], planned=len(plans))
        for plan in waiting:
            with watched(run, plan, wandb) as watchers:
                train_student(
                    run, table, plan, checkpoint_seconds=checkpoint_seconds, watchers=watchers
                )
    return plans


def make_ready(waiting: int, how: Train, tables: Iterable[SoftLabelTable], *, planned: int) -> None:
    """Say what there is to say before so many of the planned students are trained, and check.

    Raises:
      DamagedTableError: the bytes of a table are not those of its digests.
    """
    if not waiting:
        said = counted(planned, "student is up to date", "students are up to date")
        say(f"train: nothing to do, {said}")
        return
    if how.label_smoothing and how.hard_label_weight != 1.0:
        say("train: label smoothing blurs what the teacher says of the other classes")
    from stages.machine.replicas import replicas_here

    replicas_here()  # before TensorFlow does anything else
    for shard in {shard.path: shard for table in tables for shard in table.shards}.values():
        check_bytes(shard)


def trained_card(plan: StudentPlan) -> StudentCard:
    """Return the card of a student that was trained as a plan says.

    Raises:
      StudentError: there is none, or it was trained otherwise.
    """
    card = read_student_card(plan.path)
    if card.fingerprint != plan.fingerprint:
        raise StudentError(
            f"student is of another run: {plan.path}: found {card.fingerprint}, expected "
            f"{plan.fingerprint}. Run `train`, or `adjust` where settings are searched."
        )
    return card


def train_student(
    run: RunFile,
    table: SoftLabelTable,
    plan: StudentPlan,
    *,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    watchers: Sequence[keras.callbacks.Callback] = (),
) -> StudentCard:
    """Train one student and write its folder, its card last.

    What a watcher raises ends the training; the student's checkpoints are kept.

    Raises:
      StudentError: it cannot be built, or its loss is not finite.
      TableError: train or validation have no row.
    """
    import keras

    from stages.inputs.wordpiece import Wordpiece
    from stages.machine.replicas import replicas_here
    from stages.networks.checkpoint import Checkpoints
    from stages.networks.precision import computing_in
    from stages.train.fit import Training
    from stages.train.lesson import OneTable

    keras.utils.set_random_seed(plan.seed)
    replicas = replicas_here()
    check_plan(run, plan, replicas)
    lowercase = read_measures(table).lowercase
    vocabulary = vocabulary_of([table], plan.student, lowercase=lowercase)
    with replicas.scope(), computing_in(run.train.compute_dtype):
        model = built(plan, table, vocabulary)
    run = _within_positions(run, model, plan)
    checkpoints = Checkpoints(plan.path / CHECKPOINTS_FOLDER / plan.fingerprint)
    course = OneTable(
        model,
        table,
        run,
        phases(run.train, plan.role, run.head.kind),
        wordpiece=Wordpiece(vocabulary, lowercase=lowercase, max_length=run.train.max_length),
        seed=plan.seed,
        replicas=replicas,
    )
    training = Training(
        course,
        name=plan.name,
        checkpoints=checkpoints,
        figures=plan.path / FIGURES_FOLDER / plan.fingerprint,
        checkpoint_seconds=checkpoint_seconds,
        watchers=watchers,
        replicas=replicas,
    )
    epochs = training.fit()
    if run.train.compute_dtype != "float32" or replicas.strategy is not None:
        weights = model.get_weights()
        model = built(plan, table, vocabulary)  # in float32, and on one device
        model.set_weights(weights)
    by = course.kept_by
    card = card_of(run, plan, model, lowercase=lowercase, epochs=epochs, kept_by=by)
    if replicas.writes:
        write_student(plan.path, model, vocabulary, card)
    return card


def _within_positions(run: RunFile, model: keras.Model, plan: StudentPlan) -> RunFile:
    """Return the run with rows cut where a student's positions end, if they end earlier."""
    from stages.networks.layers import positions_below

    longest = positions_below(model, run.train.max_length)
    if longest is None:
        return run
    say(f"train: {plan.name} has {longest} positions: what goes beyond is cut")
    how = run.train.model_copy(update={"max_length": longest})
    return run.model_copy(update={"train": how})


def card_of(
    run: RunFile,
    plan: StudentPlan,
    model: keras.Model,
    *,
    lowercase: bool,
    epochs: tuple[dict[str, float], ...],
    kept_by: str | None = None,
) -> StudentCard:
    """Return the card of a trained student."""
    return StudentCard(
        fingerprint=plan.fingerprint,
        student=plan.student,
        role=plan.role,
        seed=plan.seed,
        classes=run.head.classes,
        kind=run.head.kind,
        per=run.head.per,
        pairs=len(run.corpus.features) == 2,
        max_length=run.train.max_length,
        stride=run.train.stride,
        kept_by=kept_by,
        lowercase=lowercase,
        parameters=int(model.count_params()),
        epochs=epochs,
    )


def check_learnable(run: RunFile) -> None:
    """Refuse what no student can learn, on any device.

    Raises:
      StudentError: features of numbers, a loss that compares examples of positions, or a student
        that this machine has no memory for.
    """
    for student in run.train.students:
        check_memory(student, classes=len(run.head.classes))
    kind = run.layout().input_kind
    if not input_kinds()[kind].students:
        raise StudentError(
            f"no student takes {kind} yet: {run.name}: the corpus has features of {kind}. Its "
            "table is whole: make it with `label`, and read it with any Delta reader."
        )
    if run.train.loss == "dist" and run.head.by_position:
        raise StudentError(
            f"loss cannot be used: {run.name}: dist compares examples, and the head has a "
            f"class per {run.head.per}. Take another loss."
        )


def check_plan(run: RunFile, plan: StudentPlan, replicas: Replicas) -> None:
    """Refuse what cannot be learned, or not by several replicas."""
    check_learnable(run)
    if replicas.count > 1 and run.train.xla:
        raise StudentError(
            f"step cannot be compiled: {plan.name}: XLA is for one device, and there are "
            f"{replicas.count}. State train.xla = false."
        )
    if replicas.count > 1 and run.train.loss == "dist":
        raise StudentError(
            f"loss cannot be shared: {plan.name}: dist compares the rows of a whole batch, and "
            f"{replicas.count} replicas have a part each. Take another loss, or one device."
        )


def write_student(path: Path, model: keras.Model, vocabulary: list[str], card: TrainedCard) -> None:
    """Write a student's folder, its card last with the vocabulary's digest; remove checkpoints."""
    (path / card.file).unlink(missing_ok=True)
    with whole_file(path / STUDENT_MODEL_FILE) as part:
        model.save(part)
    write_whole(path / VOCABULARY_FILE, "\n".join(vocabulary).encode())
    card = card.model_copy(update={"vocabulary": digest_file(path / VOCABULARY_FILE)})
    write_whole(path / card.file, card.model_dump_json(indent=2).encode())
    shutil.rmtree(path / CHECKPOINTS_FOLDER, ignore_errors=True)


def is_current(plan: StudentPlan, kind: type[TrainedCard] = StudentCard) -> bool:
    """Return whether a student is there as a plan says, with a card of a kind."""
    if not (plan.path / kind.file).is_file():
        return False
    try:
        return read_trained(plan.path, kind).fingerprint == plan.fingerprint
    except StudentError as error:
        say(f"train: begun anew: {error}")
        return False
