"""Say what is wrong in a run file or a card: where, what was found and what was expected.

An unknown key of a run file comes with the known one that it misspells, or with the section that
has it, or else with all that are known where it stands.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from schemas.expectations import EXPECTED, cut, expectations, shown

_NEAR = 0.8  # share of letters that a misspelt key has in common with the one that is meant
_MOST = 3  # sections that are named, and fields of a card
Place = tuple[int | str, ...]
Items = list[dict[str, Any]]


def explain(error: ValidationError, model: type[BaseModel], *, source: str, stated: Any) -> str:
    """Return what does not hold in a run file, as one sentence.

    Args:
      error: pydantic's.
      model: the whole file's, for the names of known keys.
      source: name of the file.
      stated: what was validated.
    """
    lines = [_of_run_file(place, items, model) for place, items in _grouped(error, stated)]
    return f"run file does not hold: {source}: " + _ended("; ".join(lines))


def _ended(text: str) -> str:
    return text if text.endswith("?") else f"{text}."


def explain_card(error: ValidationError, stated: Any = None) -> str:
    """Return what does not hold in a card, by field, without a final stop.

    Args:
      error: pydantic's.
      stated: what was validated, as far as it is known.
    """
    lines = [_of_card(place, items) for place, items in _grouped(error, stated)]
    others = f"; and {len(lines) - _MOST} more" if len(lines) > _MOST else ""
    return "; ".join(lines[:_MOST]) + others


def _grouped(error: ValidationError, stated: Any) -> list[tuple[Place, Items]]:
    """Return errors by their place, those of alternatives together; what is within says more."""
    found: dict[Place, Items] = {}
    for item in error.errors(include_url=False):
        place = item["loc"] if stated is None else _without_tags(item, stated)
        found.setdefault(place, []).append(dict(item))
    inner = {place[:end] for place in found for end in range(len(place))}
    alone = [place for place in found if place not in inner]
    return [(place, found[place]) for place in alone or found]


def _without_tags(item: Mapping[str, Any], stated: Any) -> Place:
    """Return a place without the names of alternatives, which nobody wrote."""
    found: list[int | str] = []
    named = item["type"] == "missing"
    for number, part in enumerate(item["loc"]):
        if _has(stated, part):
            stated = stated[part]
        elif not (named and number == len(item["loc"]) - 1):
            continue
        found.append(part)
    return tuple(found)


def _has(stated: Any, part: int | str) -> bool:
    if isinstance(stated, Mapping):
        return part in stated
    return isinstance(part, int) and isinstance(stated, list | tuple) and part < len(stated)


def _of_run_file(place: Place, items: Items, model: type[BaseModel]) -> str:
    said, first = _said(place), items[0]
    if first["type"] == "extra_forbidden":
        return f"unknown key {said!r}; {_hint(place, model)}"
    if first["type"] == "missing":
        return f"missing key {said!r}; it has no default, state it"
    return f"{said or 'file'}: {_found(items)}"


def _of_card(place: Place, items: Items) -> str:
    said, first = _said(place), items[0]
    if first["type"] in ("extra_forbidden", "missing"):
        return f"{'missing' if first['type'] == 'missing' else 'unknown'} field {said!r}"
    return f"field {said!r}: {_found(items)}" if place else _found(items)


def _found(items: Items) -> str:
    own = [item for item in items if item["type"] not in EXPECTED]
    if not own:
        return f"found {shown(items[0])}, expected {expectations(items)}"
    message = own[0]["msg"].removeprefix("Value error, ")
    return message if isinstance(own[0]["input"], dict) else f"{message} (found {shown(own[0])})"


def _said(place: Place) -> str:
    return cut(".".join(str(part) for part in place))[1:-1]


def _hint(place: Place, model: type[BaseModel]) -> str:
    key, known = str(place[-1]), _known_keys(place[:-1], model)
    if near := difflib.get_close_matches(key, known, n=1, cutoff=_NEAR):
        return f"did you mean {near[0]!r}?"
    elsewhere = [one for one in _places(model) if one.rpartition(".")[2] == key]
    if elsewhere:
        return f"there is {', '.join(elsewhere[:_MOST])}"
    return f"known here: {', '.join(sorted(known))}"


def _known_keys(location: Iterable[int | str], model: type[BaseModel]) -> list[str]:
    for part in location:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        if field is not None:  # or else a key of the user's own, or a place in a list
            model = _section_model(field.annotation) or model
    return list(model.model_fields)


def _places(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Yield every key of a run file with its sections."""
    for name, field in model.model_fields.items():
        yield f"{before}{name}"
        if (inner := _section_model(field.annotation)) is not None:
            yield from _places(inner, f"{before}{name}.")


def _section_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    return next(filter(None, map(_section_model, typing.get_args(annotation))), None)
