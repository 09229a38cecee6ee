"""Plan: what a label run would make, before anything is read or run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.provenance import fingerprint
from schemas.run_file import RunFile
from schemas.soft_labels import FORMAT_VERSION
from stages.label.corpus import CorpusPlan, plan_corpus
from stages.teacher_folder import TeacherFolder


@dataclass(frozen=True)
class LabelPlan:
    """What a label run would make, and the fingerprint of everything that decides it."""

    run: RunFile
    corpus: CorpusPlan
    teacher: TeacherFolder
    fingerprint: str


@dataclass(frozen=True)
class Machinery:
    """How the work is done; nothing of it changes the table.

    Attributes:
      beam_arguments: Beam's own options.
      max_shuffle_bytes: memory that a local runner's shuffle may take; half of this machine's
        when None.
    """

    beam_arguments: tuple[str, ...] = ()
    max_shuffle_bytes: int | None = None


LOCAL = Machinery()


def plan_label(run: RunFile, *, base: Path, teacher: TeacherFolder) -> LabelPlan:
    """Find the corpus and say what the table would be made of.

    Raises:
      AssetError, CorpusError: the corpus cannot be had.
    """
    corpus = plan_corpus(run, base=base)
    parts = {
        "format_version": FORMAT_VERSION,
        "teacher": teacher.fingerprint,
        "corpus": corpus.digest,
        "label": run.label.model_dump(mode="json"),
    }
    return LabelPlan(run, corpus, teacher, fingerprint(parts))
