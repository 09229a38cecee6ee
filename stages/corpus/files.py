"""The corpus: which files, which units, and how a unit is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from schemas.corpus_section import Corpus, Unlabelled
from schemas.errors import CorpusError, first_line
from schemas.heads import Head
from schemas.provenance import fingerprint
from schemas.run_file import RunFile
from stages.corpus.answer_column import AnswerColumn
from stages.corpus.formats import cuts_words, find_reader, units_of
from stages.corpus.formats.units import TextFormat, Unit
from stages.corpus.normal_form import normalise, normalise_unlabelled
from stages.heads import head_kind
from stages.inputs.cutting import VERSION as CUTTING_VERSION
from stages.places.assets import ResolvedAsset, resolve_files
from stages.rows.intake import Intake


@dataclass(frozen=True)
class CorpusPlan:
    """The corpus of a run, found and fingerprinted but not read.

    Attributes:
      corpus: as the run file declares it.
      head: what its labels are.
      files: resolved, in order of name.
      units: what is read, in order of file and row.
      digest: of the files' contents and of how they are read, not of their order.
      answers: the column that holds the teacher's, where one does.
    """

    corpus: Corpus
    head: Head
    files: tuple[ResolvedAsset, ...]
    units: tuple[Unit, ...]
    digest: str
    answers: AnswerColumn | None = None


_COUNTED_APART: Any = {  # files count by name and digest
    "files": True,
    "repeats": True,
    "unlabelled": {"__all__": {"files": {"__all__": {"npm", "deb"}}}},
}


def plan_corpus(run: RunFile, *, base: Path) -> CorpusPlan:
    """Find the corpus files of a run.

    Raises:
      AssetError: a file is not there.
      CorpusError: a Parquet file cannot be read.
    """
    files, units, splits = [], [], []
    parts: list[Corpus | Unlabelled] = [run.corpus, *run.corpus.unlabelled]
    for origin, part in enumerate(parts):
        found = [
            (file, getattr(asset, "split", None))
            for asset in part.files
            for file in resolve_files(asset, base=base)
        ]
        _check_named_once([file for file, _ in found])
        for file, split in sorted(found, key=lambda one: (one[0].source, one[0].digest)):
            files.append(file)
            splits.append(split)
            units += units_of(
                file.location, file.source, format=part.format, origin=origin, split=split
            )
    how = run.corpus.model_dump(mode="json", exclude=_COUNTED_APART)
    if run.corpus.crossing == "error":  # changes no row
        del how["crossing"]
    names = [
        [file.source, file.digest, *([split] if split else [])]
        for file, split in zip(files, splits, strict=True)
    ]
    unstated = {"out_of_scope"} if run.head.out_of_scope is None else set()
    head = run.head.model_dump(mode="json", exclude=unstated)
    cut = {"cut": CUTTING_VERSION} if any(cuts_words(part.format) for part in parts) else {}
    digest = fingerprint({"files": names, "how": how, "head": head, **cut})
    return CorpusPlan(run.corpus, run.head, tuple(files), tuple(units), digest)


def _check_named_once(files: Sequence[ResolvedAsset]) -> None:
    """Refuse a file that is read twice: its rows would be doubled, or in two splits.

    Raises:
      CorpusError: it says which.
    """
    seen: set[Path] = set()
    for file in files:
        place = Path(file.location).resolve()
        if place in seen:
            raise CorpusError(
                f"corpus file is named twice: {file.source}: found it by two entries of `files`, "
                "or by one that is there twice; expected each once. Mend `files`."
            )
        seen.add(place)


def read_unit(
    unit: Unit,
    corpus: Corpus,
    head: Head,
    intake: Intake,
    *,
    answers: AnswerColumn | None = None,
) -> Iterator[pa.Table]:
    """Yield the unit's usable rows in normal form; the others are with the intake.

    Where a column holds the teacher's answers, they are in `known_logits`.

    Raises:
      CorpusError: the file cannot be read, a column is missing, or a row cannot be used and
        nothing may be quarantined.
    """
    part: Corpus | Unlabelled = corpus.unlabelled[unit.origin - 1] if unit.origin else corpus
    wanted = {head.corpus_column, corpus.example_id, corpus.split.column} if part is corpus else {}
    columns = tuple(sorted(name for name in {*corpus.features, *wanted} if name))
    text = TextFormat(
        columns,
        part.encoding,
        part.line_pattern,
        answers.name if answers else None,
        lists_of(corpus, head),
        part.conll_columns,
        numbers_of(head),
        named_of(head),
    )
    try:
        for raw in find_reader(part.format)(unit, text, intake):
            if unit.origin:
                yield normalise_unlabelled(
                    raw, corpus, head, intake, answers=answers, origin=unit.origin
                )
            else:
                yield normalise(raw, corpus, head, intake, answers=answers, split=unit.split)
    except (pa.ArrowException, OSError, UnicodeError, LookupError) as error:
        raise CorpusError(
            f"corpus file cannot be read: {unit.source} as {part.format} after row "
            f"{intake.seen}: {first_line(error).rstrip('.')}. Mend the file, `format` or "
            "`encoding`."
        ) from error


def lists_of(corpus: Corpus, head: Head) -> frozenset[str]:
    """Return the corpus columns that hold a list a row."""
    words = {name for name, kind in corpus.feature_kinds.items() if kind == "words"}
    several = head_kind(head.kind).column(head).several
    return frozenset(words | ({head.corpus_column} if several else set()))


def named_of(head: Head) -> frozenset[str]:
    """Return the corpus columns with classes that have names which are no numbers."""
    by_number = all(name.isdigit() for name in head.classes)
    named = head_kind(head.kind).column(head).named and not by_number
    return frozenset({head.corpus_column} if named else set())


def numbers_of(head: Head) -> frozenset[str]:
    """Return the corpus columns that may hold a number, or a truth value."""
    return frozenset({head.corpus_column} if head_kind(head.kind).column(head).number else set())
