"""A user's own code, named `module:function`; it is also looked for where the run starts.

What it raises is stated as a `UserCodeError`, which names its file and line; so are `sys.exit` and
whatever else is no `Exception`. A `PipelineError` of its own is let through, and Ctrl-C, but
no `KeyboardInterrupt` that it raises itself.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from schemas.errors import PipelineError, UserCodeError
from stages.machine.tracebacks import is_own_statement, raised_at, said


def import_function(name: str) -> Callable[..., Any]:
    """Return what `module:function` names.

    Raises:
      ImportError, AttributeError, ValueError: there is no such module, or nothing of that name.
      UserCodeError: it is there, and raises when it is imported.

    >>> import_function("math:sqrt")(9)
    3.0
    """
    module, _, function = name.partition(":")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
    found: Any = _imported(module, name)
    for part in function.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def _imported(module: str, name: str) -> ModuleType:
    if module.startswith("."):
        raise ImportError(f"{module!r} is relative, and there is nothing that it starts from")
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            raise  # it is not there itself
        raise user_code_error(name, error) from error
    except PipelineError:
        raise
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        if isinstance(error, ValueError) and not module:
            raise
        raise user_code_error(name, error) from error


def guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a user's own function, whose exceptions are stated.

    What is raised before it begins, as where it takes other arguments, is raised as it is.

    Args:
      name: by which it was found, `module:function`.
      function: that, or what it made.
    """

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except PipelineError:
            raise
        except BaseException as error:
            trace = error.__traceback__
            if is_ctrl_c(error) or trace is None or trace.tb_next is None:
                raise
            raise user_code_error(name, error) from error

    return called


def is_ctrl_c(error: BaseException) -> bool:
    """Return whether an exception is a Ctrl-C, and none that a user's own code raised."""
    return isinstance(error, KeyboardInterrupt) and not is_own_statement(error)


def user_code_error(
    name: str, error: BaseException, *, function: Callable[..., Any] | None = None
) -> UserCodeError:
    """Return what is said of an exception that a user's own code raised.

    Args:
      name: by which it was found, `module:function`.
      error: the exception.
      function: whose first line is named where it did not begin.
    """
    where = raised_at(error, package=name.partition(":")[0].split(".")[0], function=function)
    found = UserCodeError(f"your own code raised: {name}: {where}: {said(error)}. Mend it.")
    found.of_input = f"makes it raise {said(error)}, at {where}"
    return found


def can_import(name: str) -> bool:
    """Return whether the module of `module:function`, and what it needs, is on this machine.

    >>> can_import("math:sqrt"), can_import("no_such_module:sqrt")
    (True, False)
    """
    try:
        import_function(name)
    except ImportError:
        return False
    except UserCodeError as error:
        return not isinstance(error.__cause__, ImportError)
    except (AttributeError, ValueError):  # it is here, and something else is wrong
        return True
    return True


def source_of(name: str) -> Path:
    """Return the file that `module:function` is written in.

    Raises:
      ImportError, AttributeError, ValueError: it cannot be imported, or is in no file.
      UserCodeError: it raises when it is imported.
    """
    function = import_function(name)
    file = getattr(sys.modules.get(function.__module__), "__file__", None)
    if file is None:
        raise ImportError(f"{name} is in no file")
    return Path(file)
