"""Several tasks from their run files to their reports; each step is skipped where it is done.

Folders under `out`: `tasks/<task>/`, as of the task's own run (`teacher/`, `labels/`); `labels/`,
the tasks' tables as one; `students/`, each with an output for every task; `by_task/<task>/`, the
students as that task sees them, and its report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from schemas.export_card import ExportCard
from schemas.export_formats import ExportFormat
from schemas.multi_task import MultiTask, Task, has_tasks, parse_multi_task
from schemas.report import Report
from schemas.run_file import RunFile, parse_run_file
from schemas.task_checks import check_columns, check_shared
from stages.label.planning.plan import LOCAL, Machinery
from stages.machine.own_folders import run_alone
from stages.run.experiment import (
    LABELS_FOLDER,
    export_step,
    label_step,
    read_run_text,
    run_all,
    teacher_at_hand,
)
from stages.table.opening import SoftLabelTable, open_table
from stages.train.multi_task.plan import LabelledTask, plan_multi_task, view_place

TASKS_FOLDER = "tasks"


def run_file_all(
    path: Path, overrides: Sequence[str], *, out: Path, machinery: Machinery = LOCAL
) -> Iterator[Report]:
    """Do every step that is not done of a run file, of one task or of several; yield the reports.

    Raises:
      PipelineError: any stated failure; what is done is kept.
    """
    run = _read(path, overrides)
    if isinstance(run, MultiTask):
        yield from run_tasks(run, base=path.parent, out=out, machinery=machinery)
    else:
        yield run_all(run, out=out, machinery=machinery)


def run_tasks(
    run: MultiTask, *, base: Path, out: Path, machinery: Machinery = LOCAL
) -> Iterator[Report]:
    """Label each task, train the students of all, and yield each task's report.

    Args:
      run: names the tasks' run files.
      base: folder that their paths start from.
      out: of everything made.
      machinery: of labelling.

    Raises:
      BusyError: another run is at work there.
      PipelineError: any stated failure; what is done is kept.
    """
    from stages.train.pipeline import check_learnable

    runs = {task.name: task_run(run, task, base=base) for task in run.tasks}
    check_columns({name: own.layout() for name, own in runs.items()}, source=run.name)
    if run.batches == "shared":
        check_shared(runs)
    for own in runs.values():
        check_learnable(own)
    with run_alone(out):
        yield from _run_checked(run, runs, out=out, machinery=machinery)


def _run_checked(
    run: MultiTask, runs: Mapping[str, RunFile], *, out: Path, machinery: Machinery
) -> Iterator[Report]:
    from stages.combine.heads import join_heads
    from stages.evaluate.pipeline import evaluate
    from stages.label.planning.split_check import check_splits
    from stages.train.multi_task.pipeline import train_multi_task

    for own in runs.values():
        check_splits(own, base=Path.cwd())
    tables = {
        name: _labelled(own, place=out / TASKS_FOLDER / name, machinery=machinery)
        for name, own in runs.items()
    }
    crossing = {name: own.corpus.crossing for name, own in runs.items()}
    joined = join_heads(tables, labels=out / LABELS_FOLDER, crossing=crossing)
    tasks = {
        task.name: LabelledTask(runs[task.name], joined.part(runs[task.name].head), task.weight)
        for task in run.tasks
    }
    plans = train_multi_task(run, tasks, out=out)
    for name, labelled in tasks.items():
        views = [plan.views[name] for plan in plans]
        yield evaluate(labelled.run, labelled.table, views, out=view_place(out, name))


def export_file_all(
    path: Path,
    overrides: Sequence[str],
    *,
    labels: Path,
    out: Path,
    formats: Sequence[ExportFormat],
) -> Iterator[tuple[str, ExportCard]]:
    """Export the trained students of a run file; of several tasks with each head alone.

    Args:
      path: of the run file.
      overrides: of its keys.
      labels: folder of the table; of several tasks that of all their heads.
      out: of everything made.
      formats: to write.

    Raises:
      PipelineError: any stated failure; what is exported is kept.
    """
    from stages.export.pipeline import export

    run = _read(path, overrides)
    if isinstance(run, RunFile):
        yield from export_step(run, labels=labels, out=out, formats=formats)
        return
    tasks = {}
    for task in run.tasks:
        own = task_run(run, task, base=path.parent)
        table = open_table(labels, head=own.head)
        tasks[task.name] = LabelledTask(own, table, task.weight)
    plans = list(plan_multi_task(run, tasks, out=out))
    for name, labelled in tasks.items():
        views = [plan.views[name] for plan in plans]
        once = labelled.run.corpus.repeats == "once"
        for student, card in export(views, labelled.table, formats=formats, once=once):
            yield f"{name}: {student}", card


def _read(path: Path, overrides: Sequence[str]) -> RunFile | MultiTask:
    """Return a run file, of one task or of several."""
    text, source = read_run_text(path), str(path)
    parse = parse_multi_task if has_tasks(text, source=source) else parse_run_file
    return parse(text, source=source, overrides=overrides)


def task_run(run: MultiTask, task: Task, *, base: Path) -> RunFile:
    """Return a task's own run file, with the `[train]` of all tasks.

    Raises:
      RunFileError: it cannot be read, or does not hold.
    """
    if task.run is None:
        return run.run_of_head(task, source=f"task {task.name!r} of {run.name}")
    path = base / task.run
    return parse_run_file(
        read_run_text(path), source=str(path), overrides=task.set, train=run.train_of(task)
    )


def _labelled(run: RunFile, *, place: Path, machinery: Machinery) -> SoftLabelTable:
    labels = place / LABELS_FOLDER
    label_step(run, labels=labels, out=place, machinery=machinery)
    return open_table(labels, head=run.head, teacher=teacher_at_hand(run, out=place))
