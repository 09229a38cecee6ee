"""The run file of a student of several tasks: their own run files, and one `[train]` for all.

Each task keeps its corpus, its head, its teacher and its table, so a task is labelled once for any
number of such students, and alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field, ValidationError, field_validator

from schemas.errors import RunFileError
from schemas.explain import explain
from schemas.section import Name, Section
from schemas.toml_text import read_toml
from schemas.train_section import OF_TEACHER, Train

OF_A_TASK = (*OF_TEACHER, "label_smoothing", "batch_size", "stride")


class Task(Section):
    """One task.

    Attributes:
      name: of its folder and of its output.
      run: its run file, from the folder of this one; its own `[train]` is not used.
      weight: of its loss in the sum.
      set: overrides of its run file, each `section.key=value`.
      train: what of `[train]` is otherwise for it.
    """

    name: Name
    run: str
    weight: float = Field(default=1.0, gt=0)
    set: tuple[str, ...] = ()
    train: dict[str, Any] = {}

    @field_validator("train")
    @classmethod
    def _is_of_a_task(cls, value: dict[str, Any]) -> dict[str, Any]:
        if others := sorted(value.keys() - set(OF_A_TASK)):
            raise ValueError(
                f"{', '.join(others)} is of the student, not of a task; a task may have "
                f"{', '.join(OF_A_TASK)}"
            )
        return value


class MultiTask(Section):
    """Several tasks that one student learns: one encoder, a head for each."""

    name: Name
    tasks: tuple[Task, ...] = Field(min_length=2)
    train: Train

    @field_validator("tasks")
    @classmethod
    def _distinct(cls, value: tuple[Task, ...]) -> tuple[Task, ...]:
        names = [task.name for task in value]
        if len(set(names)) != len(names):
            raise ValueError(f"named twice in {names}")
        return value

    def train_of(self, task: Task) -> dict[str, Any]:
        """Return the `[train]` of a task."""
        return {**self.train.model_dump(mode="json", exclude_unset=True), **task.train}


def has_tasks(text: str, *, source: str) -> bool:
    """Return whether a TOML text is of several tasks.

    Raises:
      RunFileError: not TOML.
    """
    return "tasks" in read_toml(text, source=source)


def parse_multi_task(text: str, *, source: str, overrides: Sequence[str] = ()) -> MultiTask:
    """Return what a TOML text and `section.key=value` overrides state.

    Raises:
      RunFileError: not TOML, an unknown key, a missing key or a value out of range.
    """
    data = read_toml(text, source=source, overrides=overrides)
    try:
        return MultiTask.model_validate(data)
    except ValidationError as error:
        raise RunFileError(explain(error, MultiTask, source=source)) from error
