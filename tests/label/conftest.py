"""What the tests of teachers share."""

import sys

import pytest


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory):
    """The cache of a module's tests, a folder."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def own_modules_and_cache(monkeypatch, own_cache):
    """A cache of the tests' own, and no module of a teacher left behind."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("SOFTSHARDS_CACHE", str(own_cache))
    yield
    sys.modules.pop("own_teacher", None)
