"""Where an exception was raised, and its traceback in a file: a user sees one line of it.

A file says when and by which command it was written, the versions that matter, and all of the
traceback, with its causes and notes. Writing it never raises.
"""

from __future__ import annotations

import dis
import inspect
import os
import platform
import re
import sys
import sysconfig
import tempfile
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

ERRORS_FOLDER = "errors"
_PACKAGES = ("softshards", "tensorflow", "keras", "apache-beam", "pyarrow", "numpy")
_OURS = tuple(str(Path(__file__).parents[2] / name) for name in ("stages", "schemas"))
_LIBRARIES = (sysconfig.get_path("stdlib"), "<", *_OURS)
_LONGEST = 500


def text_of(error: BaseException) -> str:
    """Return what an exception says; of one that cannot be shown nothing."""
    try:
        return str(error)
    except Exception:  # whatever its own code raises
        return ""


def said(error: BaseException) -> str:
    r"""Return an exception as one line: its class and the first of what it says, without a stop.

    Of what Keras wraps, what was raised within.

    >>> said(KeyError("width")), said(ValueError()), said(OSError("wrong:\n- a line."))
    ("KeyError: 'width'", 'ValueError', 'OSError: wrong: - a line')
    """
    lines = [line.strip() for line in _within(text_of(error)).splitlines() if line.strip()]
    what = lines.pop(0) if lines else ""
    while what.endswith(":") and lines:
        what = f"{what} {lines.pop(0)}"
    name, what = type(error).__name__, what[:_LONGEST].rstrip(".")
    return f"{name}: {what}" if what else name


def _within(text: str) -> str:
    found = re.search("\x1b\\[1m(.+?)\x1b\\[0m", text, re.DOTALL)
    return found[1] if found else text


def own_place(error: BaseException) -> str | None:
    """Return `file:line` of the deepest line that is neither ours nor installed, or None."""
    places = list(traceback.walk_tb(error.__traceback__))
    own = [place for place in places if _is_own(place[0], "")]
    return f"{_shown(own[-1][0].f_code.co_filename)}:{own[-1][1]}" if own else None


def raised_at(
    error: BaseException, *, package: str = "", function: Callable[..., Any] | None = None
) -> str:
    """Return `file:line` of the deepest line of somebody's own code that an exception came through.

    That is code of the top-level package that is named, or of none that is installed; where there
    is none, the first line of the function, or ours; and else the deepest line of all.

    Args:
      error: with its traceback.
      package: the name of a user's own top-level module.
      function: a user's own, if it was called.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_shown(error.filename)}:{error.lineno}"
    places = list(traceback.walk_tb(error.__traceback__))[::-1]
    own = [place for place in places if _is_own(place[0], package)]
    code = getattr(inspect.unwrap(function), "__code__", None) if function else None
    if not own and code is not None:
        return f"{_shown(code.co_filename)}:{code.co_firstlineno}"
    ours = [place for place in places if place[0].f_code.co_filename.startswith(_OURS)]
    if not (found := own or ours or places):
        return "a place that is not known"
    frame, line = found[0]
    return f"{_shown(frame.f_code.co_filename)}:{line}"


def _is_own(frame: FrameType, package: str) -> bool:
    file, module = frame.f_code.co_filename, str(frame.f_globals.get("__name__"))
    if package and module.split(".")[0] == package:
        return True
    compiled = str(frame.f_globals.get("__file__"))  # whose frames name sources that are not here
    installed = _is_installed(file) or _is_installed(compiled)
    return not installed and module not in ("__main__", "run_pipeline")


def _is_installed(file: str) -> bool:
    return "site-packages" in file or "dist-packages" in file or file.startswith(_LIBRARIES)


def _shown(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def is_own_statement(error: BaseException) -> bool:
    """Return whether a `raise` in a user's own code raised it, and not a signal that came then."""
    places = list(traceback.walk_tb(error.__traceback__))
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None or not _is_own(places[-1][0], ""):
        return False
    return last.tb_frame.f_code.co_code[last.tb_lasti] == dis.opmap["RAISE_VARARGS"]


def keep_traceback(error: BaseException, *, folder: Path | None) -> Path | None:
    """Write an exception's traceback to a file; return its path, or None where none can be written.

    Args:
      error: with its causes and notes.
      folder: the file is written under its `errors/`, or where that cannot be, or None is given,
        among the temporary files.
    """
    try:
        text = "".join([_heading(), *traceback.format_exception(error)])
    except Exception as failure:  # an exception that cannot be shown
        text = (
            f"{_heading()}{type(error).__name__}, which cannot be shown: {type(failure).__name__}"
        )
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.txt"
    for place in (folder, None) if folder else (None,):
        try:
            return _written(text, place, name)
        except (OSError, ValueError):
            continue
    return None


def _written(text: str, folder: Path | None, name: str) -> Path:
    if folder is None:
        path = Path(tempfile.mkdtemp(prefix="softshards-errors-")) / name
    else:
        path = folder / ERRORS_FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(text)
    return path


def _heading() -> str:
    versions = (f"{name} {_version(name)}" for name in _PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n"
        f"{' '.join(sys.argv)}\n"
        f"python {platform.python_version()}, {', '.join(versions)}; {platform.platform()}\n\n"
    )


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # takes its time to import

    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
