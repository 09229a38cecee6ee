"""Places that a command is given, looked at before anything is done: folders where folders are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from schemas.errors import StorageError

_FOLDERS = ("out", "labels", "folder", "sources")  # parameters of commands


def usable_places(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a command's parameters, by name, of which none is a file where a folder is to be.

    A folder need not be there yet.

    Raises:
      StorageError: one, or a folder that it would be in, is a file or cannot be entered.
    """
    for name in _FOLDERS:
        for path in _paths(given.get(name)):
            _check_folder(path)
    return given


def _paths(value: Any) -> Iterable[Path]:
    return (value,) if isinstance(value, Path) else value or ()


def _check_folder(path: Path) -> None:
    for place in (path, *path.parents):
        try:
            there, is_folder = place.exists() or place.is_symlink(), place.is_dir()
        except OSError as error:
            raise _unusable(path, f"{place}: {error.strerror}") from error
        if there and not is_folder:
            raise _unusable(path, f"{place} is {'a file' if place.exists() else 'a broken link'}")
        if there:
            if not os.access(place, os.R_OK | os.X_OK):
                raise _unusable(path, f"there is no permission to read {place}")
            return


def _unusable(path: Path, said: str) -> StorageError:
    return StorageError(f"folder cannot be used: {path}: {said}. Name another, or mend it.")
