"""What modules of `stages` declare of themselves, read from their source and never imported.

A kind (of head, input, loss, student, teacher, corpus format, augmenter) is one module, named as a
run file names the kind. What the run file has to know of it before a framework is loaded stands in
it as a literal, `DECLARES = {…}`. A module without one is no kind. So a kind is added by a file.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

STAGES = Path(__file__).parents[1] / "stages"
NAME = "DECLARES"


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
    """Return the names of the kinds that a folder of `stages` has."""
    return tuple(declared(folder))
