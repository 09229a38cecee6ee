"""A teacher that is there: what a worker loads it from, and what decides its logits."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from schemas.head_kinds import USUAL_KIND, HeadKind
from schemas.heads import HeadPer
from schemas.provenance import fingerprint
from schemas.teacher_section import Teacher

STATED_APART = {  # keys of a teacher that fingerprints have only where they matter
    "runtime",
    "compute_dtype",
    "word_logits",
    "stride",
    "speaks_of",
    "version",
}
KERAS = Teacher(path=".")  # what is said of a teacher folder where nobody says more


@dataclass(frozen=True)
class TeacherSource:
    """What a worker needs to load a teacher.

    Attributes:
      how: as the run file states it.
      location: its folder, file or handle; empty where it has none.
      classes: in the order of its logits.
      fingerprint: of everything that decides its logits.
      max_length: tokens of the longest input.
      lowercase: how its tokenizer reads text.
      per: what has a class.
      kind: what is said of each class.
      vocabulary: its wordpiece vocabulary, one piece a line, where it has one.
      vouched: whether its card says that this vocabulary is its own.
    """

    how: Teacher
    location: str
    classes: tuple[str, ...]
    fingerprint: str
    max_length: int
    lowercase: bool
    vocabulary: Path | None = None
    vouched: bool = False
    per: HeadPer = "example"
    kind: HeadKind = USUAL_KIND

    @property
    def outputs(self) -> int:
        """Numbers that it answers with: a line of them."""
        return 1 if self.how.gives_one_number else len(self.classes)

    @property
    def place(self) -> str:
        """Where it is, or what it is called, for messages."""
        return self.location or self.how.callable or self.how.kind

    @property
    def file_bytes(self) -> int:
        """Size of its files; 0 where it has none here."""
        path = Path(self.location)
        if not self.location or not path.exists():
            return 0
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        return sum(file.stat().st_size for file in files)


def answer_parts(how: Teacher, kind: HeadKind) -> dict[str, object]:
    """Return what a fingerprint says of answers that are made logits; nothing of logits."""
    if how.gives_one_number:
        return {"answers": how.answers, "speaks_of": how.speaks_of}
    if how.answers != "probabilities":
        return {}
    return {"answers": how.answers, **({} if kind == USUAL_KIND else {"kind": kind})}


def teacher_fingerprint(parts: dict[str, object]) -> str:
    """Return the fingerprint of what decides a teacher's logits, with this process's maths."""
    maths = os.environ.get("TF_SET_ONEDNN_FPMATH_MODE", "")
    return fingerprint({"compute_dtype": "float32", **parts, "maths_mode": maths})
