"""What a run of several tasks trains: each student once, and seen as the student of each task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.multi_task import MultiTask
from schemas.provenance import fingerprint
from schemas.run_file import RunFile
from stages.table.opening import SoftLabelTable
from stages.train.plan import StudentPlan, determined_by, folder_of, learns_from, wanted

VIEWS_FOLDER = "by_task"


@dataclass(frozen=True)
class LabelledTask:
    """A task that can be learned.

    Attributes:
      run: its own run file, with the `[train]` of all tasks.
      table: the opened version.
      weight: of its loss in the sum.
    """

    run: RunFile
    table: SoftLabelTable
    weight: float


@dataclass(frozen=True)
class MultiTaskPlan:
    """One student of several tasks.

    Attributes:
      whole: the student with all heads.
      views: by task, the same with that head alone, as any other student of its table.
    """

    whole: StudentPlan
    views: dict[str, StudentPlan]


def plan_multi_task(
    run: MultiTask, tasks: Mapping[str, LabelledTask], *, out: Path
) -> Iterator[MultiTaskPlan]:
    """Yield every student of a run, each before its baseline.

    Raises:
      AssetError: a file that a student starts from is not there.
    """
    for student, seed, role in wanted(run.train):
        sources = {
            name: {**learns_from(task.run, task.table, role), "weight": task.weight}
            for name, task in tasks.items()
        }
        parts = {"tasks": sources, **determined_by(student), "role": role, "seed": seed}
        if list(tasks) != sorted(tasks):  # the first decides what all read
            parts["order"] = list(tasks)
        if run.batches != "own":
            parts["batches"] = run.batches
        folder = folder_of(student, seed, role)
        whole = StudentPlan(student, role, seed, out / folder, fingerprint(parts))
        views = {name: whole.in_folder(view_place(out, name) / folder) for name in tasks}
        yield MultiTaskPlan(whole, views)


def view_place(out: Path, task: str) -> Path:
    """Return the folder of what is one task's: its views of the students, and its report."""
    return out / VIEWS_FOLDER / task
