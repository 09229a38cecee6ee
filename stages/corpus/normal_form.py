"""Rows in one normal form, whatever the format they came in.

Normal form: the feature columns (string, or a list of them), the head's label (see
`hard_labels.py`), `example_id` (string, null when the corpus has none), `split`, `input_digest`,
`source_file`, `source_row` and `origin`. A row that does not fit is refused: the intake keeps it,
with file, row and column, or raises.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from schemas.corpus_section import Corpus
from schemas.heads import Head
from schemas.input_kinds import kind_of_input
from schemas.layout import SPLIT_COLUMN, SPLITS, label_type
from stages.corpus.answer_column import AnswerColumn
from stages.corpus.checked_rows import CheckedRows
from stages.corpus.formats.units import RawRows
from stages.heads import head_kind
from stages.inputs.find import input_digests, input_named
from stages.rows.columns import KNOWN_COLUMN
from stages.rows.identity import splits_by_digest
from stages.rows.intake import Intake


def normalise(
    raw: RawRows,
    corpus: Corpus,
    head: Head,
    intake: Intake,
    *,
    answers: AnswerColumn | None = None,
    split: str | None = None,
) -> pa.Table:
    """Return the usable rows in normal form; `split` is theirs where it is the file's.

    Raises:
      CorpusError: a declared column is missing; or a feature is null, a class or split unknown,
        and nothing may be quarantined.
    """
    rows = CheckedRows(raw, intake)
    columns = _inputs(rows, corpus, head, answers)
    positions = columns[corpus.features[0]]
    columns[head.label_column] = head_kind(head.kind).hard_labels(rows, head, of=positions)
    columns["example_id"] = _example_id(rows, corpus)
    columns[SPLIT_COLUMN] = (
        _split(rows, corpus, columns["input_digest"])
        if split is None
        else pa.repeat(pa.scalar(split), raw.table.num_rows)
    )
    return rows.usable(columns, origin=0)


def normalise_unlabelled(
    raw: RawRows,
    corpus: Corpus,
    head: Head,
    intake: Intake,
    *,
    origin: int,
    answers: AnswerColumn | None = None,
) -> pa.Table:
    """Return the usable rows of an unlabelled corpus in normal form: no label, split `train`.

    Raises:
      CorpusError: a feature column is missing; or a feature is null, and nothing may be
        quarantined.
    """
    rows = CheckedRows(raw, intake)
    columns = _inputs(rows, corpus, head, answers)
    columns[head.label_column] = pa.nulls(raw.table.num_rows, label_type(head))
    columns["example_id"] = pa.nulls(raw.table.num_rows, pa.string())
    columns[SPLIT_COLUMN] = pa.repeat(pa.scalar("train"), raw.table.num_rows)
    return rows.usable(columns, origin=origin)


def _inputs(
    rows: CheckedRows, corpus: Corpus, head: Head, answers: AnswerColumn | None
) -> dict[str, pa.Array]:
    kind = kind_of_input(corpus.features, corpus.feature_kinds, points=head.points)
    features = [input_named(kind).read(rows, name) for name in corpus.features]
    columns: dict[str, pa.Array] = dict(zip(corpus.features, features, strict=True))
    columns["input_digest"] = input_digests(features)
    if answers is not None:
        columns[KNOWN_COLUMN] = rows.answers(answers)
    return columns


def _example_id(rows: CheckedRows, corpus: Corpus) -> pa.Array:
    if corpus.example_id is None:
        return pa.nulls(rows.raw.num_rows, pa.string())
    column = rows.text(corpus.example_id)
    rows.refuse(
        pc.is_null(column), "no example_id", lambda _: "every row needs one.", corpus.example_id
    )
    return column


def _split(rows: CheckedRows, corpus: Corpus, digests: pa.Array) -> pa.Array:
    if corpus.split.column is None:
        return splits_by_digest(digests, corpus.split)
    column = rows.text(corpus.split.column)
    known = pc.fill_null(pc.is_in(column, value_set=pa.array(SPLITS)), False)
    rows.refuse(
        pc.invert(known),
        "unknown split",
        lambda offset: (
            f"found {column[offset].as_py()!r}, expected one of {', '.join(SPLITS)}. "
            "Mend the row, or state another column as corpus.split."
        ),
        corpus.split.column,
    )
    return column
