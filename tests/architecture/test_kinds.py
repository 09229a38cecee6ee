"""A kind of head is named in its own module, and nowhere else asked for by name."""

import ast

import pytest

from schemas.head_kinds import FOLDER, head_kinds
from tests.architecture.floors import HERE

ALLOWED = {  # may only shrink: module, and how often kinds of heads are named there
    "schemas/head_kinds.py": 1,  # the usual one, which fingerprints leave out
    "stages/networks/layers.py": 2,  # activations of these names
    "stages/teachers/parts/endings.py": 1,  # likewise
}


def names_in(path, kinds):
    """Return the names of kinds that a module has as texts of their own."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = [node for node in tree.body if not declares(node)]
    found = (node for part in parts for node in ast.walk(part) if isinstance(node, ast.Constant))
    return [node.value for node in found if isinstance(node.value, str) and node.value in kinds]


def declares(node):
    """Return whether a statement says what a loss is for, or another kind of thing."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(one, ast.Name) and one.id == "DECLARES" for one in targets)


def named():
    """Return how often each module names kinds of heads, those of the kinds themselves left out."""
    kinds = set(head_kinds())
    own = {f"stages/{FOLDER}/{kind}.py" for kind in kinds}
    paths = [*HERE.glob("schemas/**/*.py"), *HERE.glob("stages/**/*.py")]
    found = {path.relative_to(HERE).as_posix(): len(names_in(path, kinds)) for path in paths}
    return {name: count for name, count in found.items() if count and name not in own}


def test_no_kind_of_head_is_named_outside_its_module():
    assert named() == ALLOWED


@pytest.mark.parametrize(
    "text, found",
    [
        ('k == "sigmoid"', ["sigmoid"]),
        ('"a sigmoid head"', []),
        ('DECLARES = {"heads": {"sigmoid": "f"}}', []),
    ],
)
def test_a_name_is_a_text_of_its_own(tmp_path, text, found):
    path = tmp_path / "module.py"
    path.write_text(text)
    assert names_in(path, set(head_kinds())) == found
