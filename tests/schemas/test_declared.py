"""Kinds are found by what their modules declare, without importing them."""

import pytest

from schemas import declared as module
from schemas.declared import declaration, declared


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "STAGES", tmp_path)
    (tmp_path / "kinds").mkdir()
    declared.cache_clear()
    yield tmp_path / "kinds"
    declared.cache_clear()


def test_a_module_is_a_kind_where_it_declares_something_and_is_not_imported(folder):
    (folder / "plain.py").write_text("raise RuntimeError\nDECLARES = {'sides': 2}\n")
    (folder / "annotated.py").write_text("DECLARES: dict[str, int] = {}\n")
    (folder / "shared.py").write_text("OTHER = {'sides': 3}\n")
    assert declared("kinds") == {"annotated": {}, "plain": {"sides": 2}}
    assert module.kind_names("kinds") == ("annotated", "plain")


def test_what_is_declared_is_a_literal(folder):
    (folder / "called.py").write_text("DECLARES = dict(sides=2)\n")
    with pytest.raises(ValueError, match="malformed"):
        declaration(folder / "called.py")
