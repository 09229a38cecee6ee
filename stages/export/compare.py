"""Ask an exported student in a process of its own, and compare what it says with the student."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schemas.errors import StudentError
from schemas.export_formats import FROM_STRINGS, ExportFormat
from schemas.head_kinds import HeadKind
from stages.evaluate.predict import StudentPredictor
from stages.export import readers
from stages.heads import head_kind
from stages.heads.likeness import largest_difference, share_of_others
from stages.inputs.wordpiece import ragged_words
from stages.machine.own_process import own_process
from stages.rows.lists import offsets_of
from stages.rows.row_logits import RowLogits
from stages.train.distiller import logits_of

LARGEST_DIFFERENCE = 1e-3  # of a logit, for formats that keep float32
Said = TypeVar("Said")
_BATCH = 64  # rows
_TOKENS = 8192  # of one call, of formats that take token ids, with padding
_TIMED = 1000  # texts, or windows of them


@dataclass(frozen=True)
class Compared:
    """What an export said, beside the student itself.

    Attributes:
      rows: that both were asked.
      largest_difference: of a logit; infinite where other words were seen.
      agreement: as `ExportCard` says.
    """

    rows: int
    largest_difference: float
    agreement: float


@dataclass(frozen=True)
class ExportedStudent:
    """An exported student as a new interpreter loads it; made by `loaded`."""

    kind: ExportFormat
    folder: Path
    student: StudentPredictor
    _process: ProcessPoolExecutor

    def answers(self, inputs: list[Any]) -> RowLogits:
        """Return the logits of texts, or of each word of lists of words; NaN for one not seen."""
        starts = range(0, len(inputs), _BATCH)
        return RowLogits.joined([self._answered(inputs[at : at + _BATCH]) for at in starts])

    def seconds(self, inputs: list[Any]) -> float:
        """Return the median seconds for one text, or one window of it, at a time."""
        first = inputs[:_TIMED]
        fed = first if self.kind in FROM_STRINGS else padded(self.student, first)[:_TIMED]
        return self._ask(readers.seconds, fed)

    def _answered(self, inputs: list[Any]) -> RowLogits:
        said = np.concatenate([self._ask(readers.answers, part) for part in self._fed(inputs)])
        if not self.student.by_position:
            return RowLogits(said)
        counts = np.array([len(words) for words in inputs])
        if self.kind not in FROM_STRINGS:
            said = _of_words(self.student, said, inputs)
        return RowLogits(said[np.arange(said.shape[1]) < counts[:, None]], offsets_of(counts))

    def _fed(self, inputs: list[Any]) -> list[Any]:
        """Return a batch as the format takes it: strings, or parts of int32 […, max_length]."""
        if self.kind not in FROM_STRINGS:
            ids, size = padded(self.student, inputs), max(1, _TOKENS // self.student.max_length)
            return [ids[at : at + size] for at in range(0, len(ids), size)]
        if not self.student.by_position:
            return [inputs]
        longest = max(map(len, inputs))
        return [[[*words, *[""] * (longest - len(words))] for words in inputs]]

    def _ask(self, question: Callable[[str, str, Any], Said], fed: Any) -> Said:
        return self._process.submit(question, self.kind, str(self.folder), fed).result()


@contextmanager
def loaded(
    kind: ExportFormat, folder: Path, student: StudentPredictor
) -> Iterator[ExportedStudent]:
    """Load an export in a clean process, which ends with the block.

    Args:
      kind: its format.
      folder: where it is.
      student: that was exported; its tokenizer makes the token ids of formats that take these.
    """
    with own_process() as process:
        yield ExportedStudent(kind, folder, student, process)


def padded(student: StudentPredictor, inputs: list[Any]) -> npt.NDArray[np.int32]:
    """Return int32 [texts or windows of them, max_length], as a model of token ids takes them."""
    ids = student.token_ids(inputs)
    if ids.ndim == 3:
        ids = ids[ids.any(axis=2)]
    found = np.zeros((len(ids), student.max_length), np.int32)
    found[:, : ids.shape[1]] = ids
    return found


def _of_words(
    student: StudentPredictor, said: npt.NDArray[np.float32], inputs: list[Any]
) -> npt.NDArray[np.float32]:
    """Return what was said of each word, [batch, most words, classes]: at its first piece.

    Args:
      student: whose tokenizer made the token ids.
      said: float32 [windows, max_length, classes], by token.
      inputs: lists of words.
    """
    found = student.word_inputs(ragged_words(inputs))
    of_tokens = tf.constant(said[:, : found["token_ids"].shape[-1]])
    values = logits_of(lambda ids, training: of_tokens, found, training=False).numpy()
    values[found["first_pieces"].numpy() < 0] = np.nan
    return np.asarray(values)


def compared(
    kind: ExportFormat,
    head: HeadKind,
    answers: RowLogits,
    said: RowLogits,
    folder: Path,
    *,
    thresholds: Sequence[float] | None = None,
) -> Compared:
    """Return how much an export says of what the student says.

    Args:
      kind: the format.
      head: what the logits are.
      answers: of the student.
      said: by the export, of the same rows.
      folder: of the export, for the message.
      thresholds: of a `sigmoid` head, the probability of each class from which on it is said.

    Raises:
      StudentError: a float format differs by more than 0.001; or it sees other words, or says what
        is no number.
    """
    difference = _difference(answers, said, head)
    of_eight_bits = kind == "tflite_int8"
    if not (difference < float("inf") if of_eight_bits else difference <= LARGEST_DIFFERENCE):
        expected = "a number" if of_eight_bits else f"at most {LARGEST_DIFFERENCE:g}"
        raise StudentError(
            f"exported student says something else: {folder}: a logit differs by {difference:.2e}, "
            f"expected {expected}. Leave this format out."
        )
    if thresholds is not None:
        answers, said = (_over(one, thresholds) for one in (answers, said))
    agreement = 1.0 - share_of_others(*head_kind(head).pairs(answers, said), head)
    return Compared(len(answers), difference, agreement)


def _over(answers: RowLogits, thresholds: Sequence[float]) -> RowLogits:
    """Return logits that are 0 where a class's probability is that from which on it is said."""
    probs = np.clip(np.array(thresholds), 1e-12, 1 - 1e-12)
    return RowLogits(answers.values - np.log(probs / (1 - probs)), answers.offsets)


def _difference(answers: RowLogits, said: RowLogits, kind: HeadKind) -> float:
    if not np.array_equal(answers.seen, said.seen):
        return float("inf")
    seen = answers.seen
    return largest_difference(answers.values[seen], said.values[seen], kind)
