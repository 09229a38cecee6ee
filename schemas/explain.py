"""Say what is wrong in a run file, with the nearest known key for an unknown one."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

SCHEDULED = ("temperature", "hard_label_weight")  # keys with a union, in `train_section.py`
ALTERNATIVES = ("number", "schedule")  # its tags
SEARCH, SEARCHED = "search", ("range", "choices")  # the same in `adjust_section.py`, by any key


def explain(error: ValidationError, model: type[BaseModel], *, source: str) -> str:
    """Return what does not hold in a run file, as one sentence.

    Args:
      error: pydantic's.
      model: the whole file's, for the names of known keys.
      source: name of the file.
    """
    lines = [_explain_one(_without_tags(dict(item)), model) for item in error.errors()]
    return f"run file does not hold: {source}: " + "; ".join(lines) + "."


def _without_tags(item: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a place the names of alternatives, which nobody wrote."""
    loc: list[Any] = []
    for part in item["loc"]:
        known = loc[-1:] and loc[-1] in SCHEDULED and part in ALTERNATIVES
        if not known and not (loc[-2:-1] == [SEARCH] and part in SEARCHED):
            loc.append(part)
    return {**item, "loc": tuple(loc)}


def _explain_one(item: dict[str, Any], model: type[BaseModel]) -> str:
    place = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        known = _known_keys(item["loc"][:-1], model)
        near = difflib.get_close_matches(str(item["loc"][-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(sorted(known))}"
        return f"unknown key {place!r}; {hint}"
    if item["type"] == "missing":
        return f"missing key {place!r}; it has no default, state it"
    message = item["msg"].removeprefix("Value error, ")
    found = "" if isinstance(item["input"], dict) else f" (found {item['input']!r})"
    return f"{place or 'file'}: {message}{found}"


def _known_keys(location: Iterable[int | str], model: type[BaseModel]) -> list[str]:
    for part in location:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        if field is not None:  # or else a key of the user's own, or a place in a list
            model = _section_model(field.annotation) or model
    return list(model.model_fields)


def _section_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    return next(filter(None, map(_section_model, typing.get_args(annotation))), None)
