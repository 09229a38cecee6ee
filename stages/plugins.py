"""A user's own code, named `module:function`; it is also looked for where the run starts."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def import_function(name: str) -> Callable[..., Any]:
    """Return what `module:function` names.

    Raises:
      ImportError, AttributeError, ValueError: it cannot be imported.

    >>> import_function("math:sqrt")(9)
    3.0
    """
    module, _, function = name.partition(":")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
    found = importlib.import_module(module)
    for part in function.split("."):
        found = getattr(found, part)
    return found  # type: ignore[return-value]


def can_import(name: str) -> bool:
    """Return whether the module of `module:function`, and what it needs, is on this machine.

    >>> can_import("math:sqrt"), can_import("no_such_module:sqrt")
    (True, False)
    """
    try:
        import_function(name)
    except ImportError:
        return False
    except (AttributeError, ValueError):  # it is here, and something else is wrong
        return True
    return True


def source_of(name: str) -> Path:
    """Return the file that `module:function` is written in.

    Raises:
      ImportError, AttributeError, ValueError: it cannot be imported, or is in no file.
    """
    function = import_function(name)
    file = getattr(sys.modules[function.__module__], "__file__", None)
    if file is None:
        raise ImportError(f"{name} is in no file")
    return Path(file)
