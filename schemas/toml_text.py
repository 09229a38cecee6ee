"""TOML with `section.key=value` overrides, as nested dictionaries."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

from schemas.errors import RunFileError, UsageError

_DEEPEST = 32  # sections and lists within one another; no run file needs more than seven
_LARGEST = 2**63  # TOML's whole numbers have 64 bits
_SHOWN = 60
_UNFIT = re.compile("[\0\ud800-\udfff]")


def read_toml(text: str, *, source: str, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a TOML text and overrides state.

    Args:
      text: TOML.
      source: name of the file, for messages.
      overrides: each `section.key=value`; the value is TOML, or else a plain string.

    Raises:
      RunFileError: not TOML, an override that cannot be read or applied, a number beyond 64 bits,
        a text that is none, or sections too deep within one another.

    >>> read_toml("[train]", source="x.toml", overrides=["train.loss=kl", "train.epochs=2"])
    {'train': {'loss': 'kl', 'epochs': 2}}
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RunFileError(f"run file is not TOML: {source}: {error}. Mend that line.") from error
    except (ValueError, RecursionError) as error:
        raise RunFileError(f"run file is not TOML: {source}: {_beyond(error)}") from error
    check_plain(data, f"run file does not hold: {source}")
    return overridden(data, overrides)


def overridden(data: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return a copy of what is stated with `section.key=value` overrides.

    Raises:
      RunFileError: an override cannot be read or applied.
    """
    data = deepcopy(data)
    for override in overrides:
        _apply_override(data, override)
    return data


def _apply_override(data: dict[str, Any], override: str) -> None:
    path, equals, value = override.partition("=")
    keys = [key.strip() for key in path.split(".")]
    said = _shown(override)
    if not equals or not all(keys):
        raise UsageError(f"override cannot be read: --set {said}. Expected section.key=value.")
    if len(keys) > _DEEPEST:
        raise RunFileError(f"override cannot be applied: --set {said}: no key is so deep.")
    section = data
    for key in keys[:-1]:
        section = section.setdefault(key, {})
        if not isinstance(section, dict):
            raise RunFileError(f"override cannot be applied: --set {said}: {key} is a value.")
    section[keys[-1]] = _toml_value(value.strip(), said)


def _toml_value(text: str, said: str) -> Any:
    try:
        data = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        data = {"value": text}
    except (ValueError, RecursionError) as error:
        raise RunFileError(f"override cannot be read: --set {said}: {_beyond(error)}") from error
    check_plain(data, f"override cannot be applied: --set {said}")
    return data["value"]


def _beyond(error: Exception) -> str:
    """Return what a text has that the parser gives up on."""
    if isinstance(error, RecursionError):
        return f"its brackets are more than {_DEEPEST} deep. Write it flatter."
    return "it has a number of more than 4300 digits, expected 64 bits. Write a smaller one."


def check_plain(data: dict[str, Any], what: str) -> None:
    """Refuse what no key can take.

    Raises:
      RunFileError: it says where.
    """
    for place, value, depth in _values(data):
        if depth > _DEEPEST:
            said = f"it is more than {_DEEPEST} sections or lists deep. Write it flatter."
        elif isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
            said = (
                f"found {_shown(value)}, expected a whole number of 64 bits. Write a smaller one."
            )
        elif isinstance(value, str) and _UNFIT.search(value):
            said = f"found {_shown(value)}, expected a text without NUL or half characters."
        else:
            continue
        raise RunFileError(f"{what}: {place[:_SHOWN]!r}: {said}")


def _values(data: dict[str, Any]) -> Iterator[tuple[str, Any, int]]:
    """Yield every value, and every key as one, with its place and its depth."""
    waiting: list[tuple[str, Any, int]] = [("", data, 0)]
    while waiting:
        place, value, depth = waiting.pop()
        yield place, value, depth
        if depth > _DEEPEST or not isinstance(value, dict | list):
            continue
        named = value.items() if isinstance(value, dict) else enumerate(value)
        for name, one in named:
            inner = f"{place}.{name}".removeprefix(".")
            yield inner, name, depth
            waiting.append((inner, one, depth + 1))


def _shown(value: object) -> str:
    """Return a value as it is written, cut."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
