"""The run file of a student of several tasks, and one `[train]` for all.

A task is a head of this very file, with the file's corpus and teacher, or has a run file of its
own, with its corpus, head and teacher. Each is labelled once for any number of such students.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from schemas.errors import RunFileError
from schemas.explain import explain
from schemas.run_file import RunFile, run_file_of, states_heads
from schemas.section import Name, Section
from schemas.toml_text import overridden, read_toml
from schemas.train_section import OF_TEACHER, Train

OF_A_TASK = (*OF_TEACHER, "label_smoothing", "batch_size", "stride")
_OF_ALL = ("name", "tasks", "train", "batches")


class Task(Section):
    """One task.

    Attributes:
      name: of its folder and of its output; of a head of this file, the head's.
      run: its run file, from the folder of this one, whose own `[train]` is not used; none of a
        head of this file.
      weight: of its loss in the sum.
      set: overrides of its run file, each `section.key=value`.
      train: what of `[train]` is otherwise for it.
    """

    name: Name
    run: str | None = None
    weight: float = Field(default=1.0, gt=0)
    set: tuple[str, ...] = ()
    train: dict[str, Any] = {}

    @field_validator("set")
    @classmethod
    def _is_not_of_training(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if one.split("=")[0].strip().split(".")[0] == "train":
                raise ValueError(
                    f"{one!r} is of [train], which all tasks share; state what is otherwise for a "
                    f"task in its `train = {{…}}` ({', '.join(OF_A_TASK)})"
                )
        return value

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
    """Several tasks that one student learns: one encoder, a head for each.

    Attributes:
      batches: `own`, at each step a batch of every task; or `shared`, one of rows of the table of
        all, each asked once for all heads that it has. These must then have the same features.
      own: of a file that states heads: its sections, as those of a run file, but for `[train]`.
    """

    name: Name
    tasks: tuple[Task, ...] = Field(min_length=2)
    train: Train
    batches: Literal["own", "shared"] = "own"
    own: dict[str, Any] = {}

    @field_validator("tasks")
    @classmethod
    def _distinct(cls, value: tuple[Task, ...]) -> tuple[Task, ...]:
        names = [task.name for task in value]
        if len(set(names)) != len(names):
            raise ValueError(f"named twice in {names}")
        return value

    @model_validator(mode="after")
    def _is_not_searched(self) -> Self:
        if "adjust" in self.own:
            raise ValueError(
                "[adjust] searches the settings of a student of one task; leave it out"
            )
        return self

    @model_validator(mode="after")
    def _each_has_a_run(self) -> Self:
        heads = [head.get("name") for head in self.own.get("heads", ())]
        for task in self.tasks:
            if (task.run is None) != (task.name in heads):
                said = "is a head of this file, and has a `run`" if task.run else "has no `run`"
                raise ValueError(
                    f"task {task.name!r} {said}; a task has a run file of its own, or is one of "
                    f"[[heads]] (found {heads})"
                )
        return self

    def train_of(self, task: Task) -> dict[str, Any]:
        """Return the `[train]` of a task."""
        return {**self.train.model_dump(mode="json", exclude_unset=True), **task.train}

    def run_of_head(self, task: Task, *, source: str) -> RunFile:
        """Return the run file of a task that is a head of this file.

        Raises:
          RunFileError: it does not hold.
        """
        [head] = [one for one in self.own["heads"] if one.get("name") == task.name]
        stated = {**self.own, "name": f"{self.name}-{task.name}", "heads": [head]}
        return run_file_of(overridden(stated, task.set), source=source, train=self.train_of(task))


def has_tasks(text: str, *, source: str) -> bool:
    """Return whether a TOML text is of several tasks.

    Raises:
      RunFileError: not TOML.
    """
    data = read_toml(text, source=source)
    return "tasks" in data or states_heads(data)


def parse_multi_task(text: str, *, source: str, overrides: Sequence[str] = ()) -> MultiTask:
    """Return what a TOML text and `section.key=value` overrides state.

    Raises:
      RunFileError: not TOML, an unknown key, a missing key or a value out of range.
    """
    data = read_toml(text, source=source, overrides=overrides)
    stated = _with_heads(data) if "heads" in data else data
    try:
        return MultiTask.model_validate(stated)
    except ValidationError as error:
        raise RunFileError(explain(error, MultiTask, source=source, stated=stated)) from error


def _with_heads(data: dict[str, Any]) -> dict[str, Any]:
    """Return what is stated with a task for each head, and the sections of their runs as `own`.

    What is no list of sections stays, for the model to refuse.
    """
    heads, stated = data["heads"], data.get("tasks", [])
    if not _are_sections(heads) or not _are_sections(stated):
        return data
    own = {name: value for name, value in data.items() if name not in _OF_ALL}
    names = [head.get("name") for head in heads]
    tasks = []
    for name in names:
        tasks += [task for task in stated if task.get("name") == name] or [{"name": name}]
    tasks += [task for task in stated if task.get("name") not in names]
    of_all = {name: data[name] for name in _OF_ALL if name in data}
    return {**of_all, "tasks": tasks, "own": own}


def _are_sections(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)
