"""The teacher as the label stage sees it, and how a table of rows is put to it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import TeacherError
from stages.columns import logits_matrix
from stages.label.batching import token_bounded_batches
from stages.label.identity import occurrences
from stages.label.previous import KNOWN_COLUMN


class EncodedInputs(Protocol):
    """Inputs after preprocessing, before any batch is padded."""

    @property
    def lengths(self) -> npt.NDArray[np.int32]:
        """Tokens in each input, int32 [inputs]."""

    @property
    def truncated(self) -> int:
        """Inputs that did not fit the teacher's window."""


class Teacher(Protocol):
    """A trained model that answers with logits."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the logits."""

    def encode(self, inputs: pa.Table) -> EncodedInputs:
        """Return the feature columns' rows preprocessed."""

    def logits(
        self, encoded: EncodedInputs, rows: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return float32 [len(rows), classes] for some rows, padded to their longest only."""


@dataclass(frozen=True)
class SoftLabels:
    """The teacher's answers for a table of rows.

    Attributes:
      logits: float32 [rows, classes], in the order of the rows.
      calls: distinct inputs that were put to the teacher.
      reused: distinct inputs whose answer was known.
      truncated: inputs among the calls that did not fit its window.
      seconds: time spent.
    """

    logits: npt.NDArray[np.float32]
    calls: int
    reused: int
    truncated: int
    seconds: float


def soft_labels(
    teacher: Teacher, rows: pa.Table, *, features: tuple[str, ...], batch_tokens: int
) -> SoftLabels:
    """Return the teacher's logits for rows sorted by digest; equal inputs are asked once.

    Args:
      teacher: asked for each distinct input whose answer is not known.
      rows: with `input_digest` (sorted), the feature columns and, where there is a version
        before, `known_logits` (null for unknown).
      features: columns the teacher sees, in order.
      batch_tokens: bound on a batch's padded tokens.

    Raises:
      TeacherError: the teacher answers with another shape, or with a value that is not finite.
    """
    started = time.perf_counter()
    digests = np.array(rows["input_digest"].to_pylist(), dtype=object)
    first = occurrences(digests) == 0
    distinct = rows.filter(pa.array(first))
    known = _known(distinct)
    answers = np.empty((distinct.num_rows, len(teacher.classes)), np.float32)
    if known.any():
        answers[known] = logits_matrix(distinct[KNOWN_COLUMN].filter(pa.array(known)))
    asked = np.flatnonzero(~known)
    inputs = distinct.select(list(features)).take(pa.array(asked))
    encoded = teacher.encode(inputs)
    for batch in token_bounded_batches(encoded.lengths, batch_tokens=batch_tokens):
        answers[asked[batch]] = _checked(teacher.logits(encoded, batch), batch, teacher, inputs)
    return SoftLabels(
        logits=answers[np.cumsum(first) - 1],
        calls=len(asked),
        reused=int(known.sum()),
        truncated=encoded.truncated,
        seconds=time.perf_counter() - started,
    )


def _known(rows: pa.Table) -> npt.NDArray[np.bool_]:
    if KNOWN_COLUMN not in rows.column_names:
        return np.zeros(rows.num_rows, np.bool_)
    return np.asarray(rows[KNOWN_COLUMN].is_valid().to_numpy(), np.bool_)


def _checked(
    logits: npt.NDArray[np.float32],
    batch: npt.NDArray[np.int64],
    teacher: Teacher,
    inputs: pa.Table,
) -> npt.NDArray[np.float32]:
    expected = (len(batch), len(teacher.classes))
    if logits.shape != expected:
        raise TeacherError(
            f"teacher answers with another shape: found {list(logits.shape)}, expected "
            f"{list(expected)} for {len(teacher.classes)} classes. Use the teacher's own classes."
        )
    bad = ~np.isfinite(logits).all(axis=1)
    if bad.any():
        row = inputs.slice(int(batch[int(bad.argmax())]), 1).to_pylist()[0]
        raise TeacherError(
            f"teacher's logits are not finite: input {str(row)[:120]}: found "
            f"{logits[bad.argmax()].tolist()}. Mend the teacher or leave the row out."
        )
    return logits
