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
    monkeypatch.setattr(sys, "path", [place for place in sys.path if "pytest-of-" not in place])
    monkeypatch.setenv("SOFTSHARDS_CACHE", str(own_cache))
    sys.modules.pop("own_teacher", None)
    yield
    sys.modules.pop("own_teacher", None)
