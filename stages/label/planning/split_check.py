"""A split that a run will need and its corpus lacks: found before a teacher is taught or asked."""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc

from schemas.errors import CorpusError
from schemas.layout import SPLIT_COLUMN
from schemas.run_file import RunFile
from stages.corpus.files import CorpusPlan, plan_corpus
from stages.corpus.sample import corpus_rows


def check_splits(run: RunFile, *, base: Path) -> None:
    """Refuse a corpus without a row for training, for validation, or in the split of the report.

    A column is read until each was met; fractions are refused where they are 0. Whether those of a
    few rows leave a split empty is not looked for.

    Args:
      run: of all steps.
      base: folder that relative paths start from.

    Raises:
      AssetError, CorpusError: the corpus cannot be read, or lacks a split.
    """
    needed = dict.fromkeys(("train", "validation", run.evaluate.split))
    found = _splits(plan_corpus(run, base=base), list(needed), tolerant=run.label.tolerant)
    if lacking := [split for split in needed if split not in found]:
        raise CorpusError(
            f"corpus has no row in split {' and '.join(map(repr, lacking))}: {run.name}: found "
            f"{', '.join(sorted(found)) or 'none'}, expected {', '.join(needed)}, for `train` and "
            "`evaluate`. No teacher was asked. Mend corpus.split or its files; `label` alone "
            "does without."
        )


def _splits(plan: CorpusPlan, needed: list[str], *, tolerant: bool) -> set[str]:
    """Return the splits that a corpus has, as far as they are needed."""
    if any(unit.split for unit in plan.units):
        return {unit.split for unit in plan.units if unit.split}
    split = plan.corpus.split
    if split.column is None:
        held_out = {"validation": split.validation, "test": split.test}
        return {"train", *(name for name, share in held_out.items() if share > 0)}
    found: set[str] = set()
    for rows in corpus_rows(plan, [], tolerant=tolerant):
        found.update(pc.unique(rows[SPLIT_COLUMN]).to_pylist())
        if found.issuperset(needed):
            break
    return found
