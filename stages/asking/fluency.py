"""How well a teacher's tokenizer reads a corpus, said of a sample before the teacher is asked.

A tokenizer of another language cuts words into many pieces, knows some of none of them, and fills
the window early; what it makes of them is a table all the same. Nothing is said of a teacher that
takes texts as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import TeacherError
from schemas.heads import Head
from schemas.label_section import Label
from schemas.provenance import digest_file
from schemas.teacher_card import CARD_FILE
from stages.inputs.find import input_of
from stages.machine.progress import say
from stages.rows.pointers import SEPARATOR, first_positions
from stages.teachers.parts.protocol import Teacher, TeacherAround
from stages.teachers.parts.source import TeacherSource

_OTHER = "Use a teacher of the corpus's language, with its own tokenizer"


@dataclass(frozen=True)
class Fluency:
    """What a tokenizer makes of some inputs.

    Attributes:
      inputs: how many there are.
      unknown: of them, with a piece that it does not know.
      nothing_known: whether they have no other pieces.
      truncated: of them, longer than the window.
      places: positions that are asked about; of a head per example the inputs.
      unseen: of them, without a piece in the window.
      pieces_per_word: over the inputs that are not cut, words being what white space divides; 0
        where there is none.
    """

    inputs: int
    unknown: int
    nothing_known: bool
    truncated: int
    places: int
    unseen: int
    pieces_per_word: float

    def said(self, head: Head) -> str:
        """Return it in one line."""
        what = "positions" if head.by_position else "inputs"
        return (
            f"of a sample of {self.inputs} inputs: {self.pieces_per_word:.2f} pieces a word; "
            f"{self.unknown / self.inputs:.1%} have an unknown piece, "
            f"{self.truncated / self.inputs:.1%} are cut; {self.unseen / self.places:.1%} of "
            f"{what} have no piece"
        )


def fluency_of(teacher: Teacher, inputs: pa.Table, head: Head) -> Fluency | None:
    """Return what a teacher's tokenizer makes of inputs; None where it says nothing of pieces.

    Args:
      teacher: is not asked.
      inputs: its feature columns, one row at least.
      head: what it would be asked.
    """
    from stages.teachers.parts.windows import Windowed

    own: Any = teacher
    windowed: Windowed | None = None
    while isinstance(own, TeacherAround):
        windowed = own if isinstance(own, Windowed) else windowed
        own = own.teacher
    if not hasattr(own, "unknown_piece"):
        return None
    return measured(
        own.encode(inputs),
        inputs,
        head,
        unknown_piece=own.unknown_piece,
        framing=int(own.encode(nothing(inputs, head)).lengths[0]),
        overlong=None if windowed is None else windowed.encode(inputs).overlong,
        word_pieces=None if windowed is None else own.word_pieces(inputs),
    )


def measured(
    encoded: Any,
    inputs: pa.Table,
    head: Head,
    *,
    unknown_piece: int | None,
    framing: int,
    overlong: npt.NDArray[np.bool_] | None = None,
    word_pieces: npt.NDArray[np.int64] | None = None,
) -> Fluency | None:
    """Return what encoded inputs show.

    Args:
      encoded: with `lengths`, `overlong` and `flat()`, of words `words_seen()`.
      inputs: what was encoded.
      head: what is asked.
      unknown_piece: its number, if there is one.
      framing: tokens of an input without any piece.
      overlong: which inputs do not fit the window; those that were cut, when None.
      word_pieces: of each word, where several windows see all of a row.
    """
    cut = encoded.overlong if overlong is None else overlong
    ids, rows = encoded.flat()
    unknown = np.bincount(rows[ids == unknown_piece], minlength=len(cut))
    pieces = np.maximum(encoded.lengths - framing, 0)
    places, seen = len(cut), int((pieces > 0).sum())
    if head.by_position:
        first = first_positions(inputs.column(0), head)
        places = int((pc.list_value_length(inputs.column(0)).to_numpy() - first).sum())
        seen = encoded.words_seen(first)
        if word_pieces is not None:
            seen = _with_pieces(inputs, first, word_pieces)
    if not places:
        return None
    words, whole = _words(inputs), ~encoded.overlong
    return Fluency(
        inputs=len(cut),
        unknown=int((unknown > 0).sum()),
        nothing_known=bool(pieces.sum() == unknown.sum()),
        truncated=int(cut.sum()),
        places=places,
        unseen=max(0, places - seen),
        pieces_per_word=float(pieces[whole].sum() / max(1, words[whole].sum())),
    )


def check_fluency(found: Fluency, how: Label, head: Head, *, place: str) -> None:
    """Refuse a tokenizer that reads too little of a corpus, or nothing at all.

    Raises:
      TeacherError: no input has a piece that it knows, or a stated share is exceeded.
    """
    what = "positions" if head.by_position else "inputs"
    if found.unseen == found.places or found.nothing_known:
        raise TeacherError(
            f"teacher reads nothing of the corpus: {place}: of {found.places} {what} of a sample "
            f"none has a piece that its tokenizer knows. {_OTHER}, or mend corpus.features."
        )
    checks = (
        ("max_unseen", how.max_unseen, found.unseen / found.places, f"{what} have no piece"),
        (
            "max_unknown",
            how.max_unknown,
            found.unknown / found.inputs,
            "inputs have a piece that it does not know",
        ),
    )
    for name, limit, share, said in checks:
        if limit is not None and share > limit:
            raise TeacherError(
                f"teacher reads too little of the corpus: {place}: {share:.1%} of the {said} (of a "
                f"sample of {found.inputs} inputs), expected at most {limit:.1%} as label.{name} "
                f"says. {_OTHER}, or state another share."
            )


def say_fluency(found: Fluency | None, head: Head, *, stage: str) -> None:
    """Say what a tokenizer makes of a sample, where that is known."""
    if found is not None:
        say(f"{stage}: the teacher's tokenizer, {found.said(head)}")


def say_unvouched(source: TeacherSource) -> None:
    """Say where a teacher folder's card names no digest that its vocabulary is held to."""
    if source.how.kind == "keras" and not source.vouched and source.vocabulary is not None:
        say(
            f"label: {CARD_FILE} names no digest of {source.vocabulary.name}, so that lines out of "
            f'place are not seen; "vocabulary": "{digest_file(source.vocabulary)}" in it holds it '
            "from now on"
        )


def nothing(inputs: pa.Table, head: Head) -> pa.Table:
    """Return one input without a piece, of the columns of some."""
    empty: Any = ["", SEPARATOR, ""] if head.points else [""] if head.by_position else ""
    return pa.table({name: pa.array([empty]) for name in inputs.column_names})


def _words(inputs: pa.Table) -> npt.NDArray[np.int64]:
    """Return how many words each input has, int64 [inputs]."""
    return np.array([len(text.split()) for text in input_of(inputs).shown(inputs)], np.int64)


def _with_pieces(
    inputs: pa.Table, first: npt.NDArray[np.int64], word_pieces: npt.NDArray[np.int64]
) -> int:
    """Return how many words have a piece, from the first of each row that counts."""
    lists = input_of(inputs).asked(inputs)
    places = [place for words in lists for place in range(len(words))]
    starts = np.repeat(first, [len(words) for words in lists])
    separators = np.array([word == SEPARATOR for words in lists for word in words], np.bool_)
    return int((((word_pieces > 0) | separators) & (np.array(places) >= starts)).sum())
