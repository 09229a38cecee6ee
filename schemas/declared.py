"""What modules of `stages` declare of themselves, read from their source and never imported.

A kind (of head, input, loss, student, teacher, corpus format, augmenter) is one module, named as a
run file names the kind. What the run file has to know of it before a framework is loaded stands in
it as a literal, `DECLARES = {…}`. A module without one is no kind. So a kind is added by a file.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic_core import PydanticKnownError

STAGES = Path(__file__).parents[1] / "stages"
NAME = "DECLARES"
LAST = 100  # the place of a kind that states none


def declaration(path: Path) -> Any:
    """Return the literal that a module declares, or None where it declares nothing.

    Raises:
      ValueError: it is no literal.
    """
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(target, ast.Name) and target.id == NAME for target in targets):
            return ast.literal_eval(node.value)
    return None


@cache
def declared(folder: str) -> Mapping[str, Any]:
    """Return what each kind in a folder of `stages` declares, by its name, sorted.

    >>> declared("recipes")
    mappingproxy({})
    """
    found = {path.stem: declaration(path) for path in sorted((STAGES / folder).glob("*.py"))}
    return MappingProxyType({name: said for name, said in found.items() if said is not None})


def kind_names(folder: str) -> tuple[str, ...]:
    """Return the names of the kinds that a folder has, by `place` where they state one, then name.

    One that states no `place` comes after those that do.
    """
    found = declared(folder)
    return tuple(sorted(found, key=lambda name: (found[name].get("place", LAST), name)))


def known_kind(folder: str) -> Callable[[object], object]:
    """Return what lets a run file name a kind of a folder, and refuses another with those known."""
    return one_of(partial(kind_names, folder))


def one_of(names: Callable[[], Sequence[str]]) -> Callable[[object], object]:
    """Return what lets a run file state one of some names, which are asked for when it does."""

    def known(stated: object) -> object:
        if isinstance(stated, str) and stated in names():
            return stated
        *others, last = map(repr, names())
        raise PydanticKnownError("literal_error", {"expected": f"{', '.join(others)} or {last}"})

    return known
