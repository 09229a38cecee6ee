"""Doctests of every module, and every error class stated and asserted somewhere."""

import doctest
import importlib

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import error_classes
from tests.architecture.test_top_level import CODE, ROOT, room

WITH_EXAMPLES = [path for path in CODE if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=room)
def test_examples_in_docstrings(path):
    module = importlib.import_module(room(path).removesuffix(".py").replace("/", "."))
    found = doctest.testmod(module, extraglobs={"np": np, "pa": pa})
    assert found.attempted
    assert found.failed == 0


@pytest.mark.parametrize("name", sorted(set(error_classes()) - {"PipelineError", "TableError"}))
def test_every_error_is_asserted_by_a_test(name):
    tests = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "tests").rglob("test_*.py")
        if path.name != "test_docs.py"
    )
    assert f"raises({name}" in tests or f", {name}, " in tests
