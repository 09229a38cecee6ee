"""TOML with `section.key=value` overrides, as nested dictionaries."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from schemas.errors import RunFileError


def read_toml(text: str, *, source: str, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a TOML text and overrides state.

    Args:
      text: TOML.
      source: name of the file, for messages.
      overrides: each `section.key=value`; the value is TOML, or else a plain string.

    Raises:
      RunFileError: not TOML, or an override that cannot be read or applied.

    >>> read_toml("[train]", source="x.toml", overrides=["train.loss=kl", "train.epochs=2"])
    {'train': {'loss': 'kl', 'epochs': 2}}
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RunFileError(f"run file is not TOML: {source}: {error}. Mend that line.") from error
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
    if not equals or not all(keys):
        raise RunFileError(
            f"override cannot be read: --set {override!r}. Expected section.key=value."
        )
    section = data
    for key in keys[:-1]:
        section = section.setdefault(key, {})
        if not isinstance(section, dict):
            raise RunFileError(f"override cannot be applied: --set {override!r}: {key} is a value.")
    section[keys[-1]] = _toml_value(value.strip())


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
