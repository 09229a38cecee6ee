"""The space of a search: settings as a run file of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from schemas.adjust_section import Adjust, Range, Value
from schemas.errors import RunFileError
from schemas.explain import explain
from schemas.run_file import RunFile
from schemas.train_section import Student

OF_STUDENT = "student."


def searched_student(run: RunFile) -> Student:
    """Return the student whose settings are searched."""
    students = {student.name: student for student in run.train.students}
    name = run.adjust.student if run.adjust is not None else None
    return students[name] if name is not None else run.train.students[0]


def with_values(run: RunFile, values: Mapping[str, Value]) -> RunFile:
    """Return the run of one student with other settings.

    Args:
      run: with `[adjust]`.
      values: by key of the search.

    Raises:
      RunFileError: a key or a value does not hold.
    """
    data = run.model_dump(mode="json")
    student = searched_student(run).model_dump(mode="json")
    for key, value in values.items():
        if key.startswith(OF_STUDENT):
            _put(student, key.removeprefix(OF_STUDENT), value)
        else:
            _put(data["train"], key, value)
    data["train"]["students"] = [student]
    data["adjust"] = None
    try:
        return RunFile.model_validate(data)
    except ValidationError as error:
        raise RunFileError(
            explain(error, RunFile, source="[adjust.search]", stated=data)
        ) from error


def of_trial(run: RunFile, values: Mapping[str, Value]) -> RunFile:
    """Return the run of one trial: the first seed, and no baseline."""
    found = with_values(run, values)
    update = {"seeds": found.train.seeds[:1], "baseline": False}
    return found.model_copy(update={"train": found.train.model_copy(update=update)})


def check_space(run: RunFile, adjust: Adjust) -> None:
    """Try every end of every range, and every value of every list.

    Raises:
      RunFileError: one does not hold.
    """
    for key, searched in adjust.search.items():
        ends = (searched.low, searched.high) if isinstance(searched, Range) else searched
        for value in ends:
            with_values(run, {key: value})


def overrides(values: Mapping[str, Value], run: RunFile) -> list[str]:
    """Return what to say after `--set` for settings that were found."""
    stated = [
        f"train.{key}={_toml(value)}"
        for key, value in values.items()
        if not key.startswith(OF_STUDENT)
    ]
    if any(key.startswith(OF_STUDENT) for key in values):
        [found] = with_values(run, values).train.students
        students = [found if one.name == found.name else one for one in run.train.students]
        dumped = [one.model_dump(mode="json", exclude_defaults=True) for one in students]
        stated.append(f"train.students={_toml(dumped)}")
    return stated


def _put(section: dict[str, Any], key: str, value: Value) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        section = section.setdefault(parent, {})
        if not isinstance(section, dict):
            raise RunFileError(f"adjust.search cannot be applied: {key!r}: {parent} is a value.")
    section[last] = value


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)  # numbers, truth values and strings are written alike in TOML
