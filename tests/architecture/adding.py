"""A kind that is added for a test: one new module in its folder, of which nothing else knows."""

from __future__ import annotations

from importlib import import_module, invalidate_caches
from pathlib import Path

import pytest

from schemas import declared

STAGES = declared.STAGES


def add_kind(
    monkeypatch: pytest.MonkeyPatch, folder: Path, place: str, name: str, code: str
) -> None:
    """Add a module to a folder of `stages`, as one more file there would.

    Args:
      monkeypatch: takes it back; what was read of declarations is forgotten by the caller.
      folder: an empty one, for the new module beside links to those that are there.
      place: the folder of `stages`, such as `heads/losses`.
      name: of the module.
      code: its text.
    """
    inner = folder / place
    inner.mkdir(parents=True)
    above = STAGES
    for part in Path(place).parts:
        within = folder / above.relative_to(STAGES)
        for path in above.iterdir():
            if path.name != part:
                (within / path.name).symlink_to(path)
        above = above / part
    for path in above.glob("*.py"):
        (inner / path.name).symlink_to(path)
    (inner / f"{name}.py").write_text(code, encoding="utf-8")
    package = import_module(f"stages.{place.replace('/', '.')}")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(inner)])
    monkeypatch.setattr(declared, "STAGES", folder)
    invalidate_caches()
    declared.declared.cache_clear()
