"""A classifier of Hugging Face transformers, of texts, words or questions: safetensors only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import TeacherError, first_line
from schemas.head_kinds import head_kinds
from stages.inputs.find import input_of
from stages.machine.listing import first_few
from stages.places.hub import is_hub_handle, snapshot
from stages.rows.probabilities import one_number_remedy
from stages.teachers.parts.source import TeacherSource
from stages.teachers.parts.tokens import TokenInputs
from stages.teachers.parts.whole import check_problem, check_tokenizer, check_whole
from stages.teachers.parts.words import NO_WORD, WordInputs, logits_of_words

_SEGMENTS = "token_type_ids"
_GENERIC = "LABEL_"


class TransformersTeacher:
    """`AutoModelForSequenceClassification` or, of words, `…TokenClassification`.

    On the accelerator if there is one.

    Where the model's configuration names the classes, its logits are put into the run's order.
    In bfloat16 its last layer computes so too: logits then have 8 bits of mantissa.
    """

    def __init__(self, source: TeacherSource) -> None:
        """Load model and tokenizer.

        Raises:
          TeacherError: the `torch` extra is not installed, a file is missing or cannot be used,
            or the model has other classes.
        """
        self.classes, self._kind = source.classes, source.kind
        self._place = source.location
        self._outputs, self._speaks_of = source.outputs, source.how.speaks_of
        self._of_words = source.per == "token"
        self._word_logits = source.how.word_logits
        self._tokenizer, self._model = _loaded(self._place, _task_of(source))
        check_problem(self._place, self._model.config, source)
        self._order = self._class_order()
        limit = min(self._tokenizer.model_max_length, source.max_length)
        self._max_length = int(limit)
        self._pad_id = self._tokenizer.pad_token_id
        if self._pad_id is None:  # a decoder: its classifier looks for the last token before these
            self._pad_id = self._tokenizer.eos_token_id or 0
        self._model.config.pad_token_id = self._pad_id
        self.unknown_piece = self._tokenizer.unk_token_id
        self._rounded = source.how.compute_dtype == "bfloat16"

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return int(self._model.num_parameters())

    def encode(self, inputs: pa.Table) -> TokenInputs:
        """Return the token ids of texts, of pairs of two columns, or of lists of words."""
        if self._of_words:
            return self._encode_words(inputs.column(0).to_pylist())
        texts = input_of(inputs).texts(inputs)
        token_ids, segments = self._tokenized(texts, truncation=False)
        overlong = np.array([len(ids) > self._max_length for ids in token_ids], np.bool_)
        cut = np.flatnonzero(overlong)
        shorter = self._tokenized([texts[row] for row in cut], truncation=True)
        for row, ids, parts in zip(cut, *shorter, strict=True):
            token_ids[row], segments[row] = ids, parts
        lengths = np.array([len(ids) for ids in token_ids], np.int32)
        are_pairs = inputs.num_columns == 2 and _SEGMENTS in self._tokenizer.model_input_names
        return TokenInputs(token_ids, lengths, overlong, segments if are_pairs else None)

    def logits(self, encoded: TokenInputs, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return float32 [len(rows), classes]; dropout is off and padding is masked.

        Of words [len(rows), words, classes], NaN for one beyond the window.
        """
        import torch

        token_ids, mask = encoded.padded(rows, pad_id=self._pad_id)
        fed = {"input_ids": token_ids, "attention_mask": mask}
        if (segments := encoded.padded_segments(rows)) is not None:
            fed[_SEGMENTS] = segments
        device = self._model.device
        tensors = {name: torch.from_numpy(value).to(device) for name, value in fed.items()}
        rounded = torch.autocast(device.type, torch.bfloat16, enabled=self._rounded)
        with torch.inference_mode(), rounded:
            logits = self._scores(self._model(**tensors)).float()
        answer: npt.NDArray[np.float32] = logits.cpu().numpy()
        return self._by_line(answer[..., self._order], encoded, rows)

    def _by_line(
        self,
        logits: npt.NDArray[np.float32],
        encoded: TokenInputs,
        rows: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float32]:
        """Return the logits of rows, or of the words of rows, of what the model says of them."""
        if not isinstance(encoded, WordInputs):
            return logits
        return logits_of_words(logits, encoded.padded_words(rows), pieces=self._word_logits)

    def _scores(self, output: Any) -> Any:
        """Return the logits [batch, classes], or [batch, tokens, classes], of what it says."""
        return output.logits

    @property
    def max_pieces(self) -> int:
        """Pieces that fit its window beside its special ones."""
        return int(self._max_length - self._tokenizer.num_special_tokens_to_add())

    def word_pieces(self, inputs: pa.Table) -> npt.NDArray[np.int64]:
        """Return how many pieces each word has, int64 [words of all rows]."""
        lists = inputs.column(0).to_pylist()
        found = self._tokenizer(
            lists, is_split_into_words=True, add_special_tokens=False, verbose=False
        )
        counts = [
            np.bincount(np.array(found.word_ids(row), np.int64), minlength=len(words))
            for row, words in enumerate(lists)
        ]
        return np.concatenate(counts)

    def word_embeddings(self) -> npt.NDArray[np.float32]:
        """Return float32 [pieces, width]: the input embeddings."""
        table = self._model.get_input_embeddings().weight.detach().float()
        found: npt.NDArray[np.float32] = table.cpu().numpy()
        return found

    def _encode_words(self, lists: list[list[str]]) -> WordInputs:
        found = self._tokenizer(
            lists,
            is_split_into_words=True,
            truncation=True,
            max_length=self._max_length,
            verbose=False,
        )
        every = range(len(lists))
        word_ids = [
            np.array([NO_WORD if word is None else word for word in found.word_ids(row)], np.int64)
            for row in every
        ]
        cut = [bool(found.encodings[row].overflowing) for row in every]
        ids = found["input_ids"]
        lengths = np.array([len(one) for one in ids], np.int32)
        return WordInputs(ids, lengths, np.array(cut, np.bool_), word_ids=word_ids)

    def _tokenized(
        self, texts: list[Any], *, truncation: bool
    ) -> tuple[list[list[int]], list[list[int]]]:
        """Return the token ids of texts, or of lists of two, and of which text each token is."""
        if not texts:
            return [], []
        limit = self._max_length if truncation else None
        asked = zip(*texts, strict=True) if isinstance(texts[0], list) else [texts]
        found = self._tokenizer(
            *(list(part) for part in asked),
            truncation=truncation,
            max_length=limit,
            return_token_type_ids=True,
            verbose=False,
        )
        return found["input_ids"], found[_SEGMENTS]

    def _class_order(self) -> list[int]:
        named = self._model.config.id2label
        names = [str(named[number]) for number in range(len(named))]
        generic = all(name.startswith(_GENERIC) for name in names) or head_kinds()[self._kind].named
        same = sorted(names) == sorted(self.classes)
        if self._speaks_of is not None:
            others = [name for name in self.classes if name != self._speaks_of]
            generic, same = names[0] not in others, False
        if generic and not same and len(names) == self._outputs:
            return list(range(len(names)))
        if not same:
            wanted = self.classes if self._speaks_of is None else [self._speaks_of]
            raise TeacherError(
                f"teacher has other classes: {self._place}: found {len(names)} "
                f"({first_few(names)}), expected {len(wanted)} "
                f"({first_few(wanted)}). Use its classes, or another teacher."
                + one_number_remedy(len(names), len(self.classes), self._kind)
            )
        return [names.index(name) for name in self.classes]


def _task_of(source: TeacherSource) -> str:
    """Return what the library calls the task of a head."""
    if head_kinds()[source.kind].points:
        return "QuestionAnswering"
    return "TokenClassification" if source.per == "token" else "SequenceClassification"


def _loaded(place: str, task: str) -> tuple[Any, Any]:
    """Return the tokenizer and the model of a task."""
    try:
        import torch
        import transformers
        from transformers.utils.logging import disable_progress_bar
    except ImportError as error:
        raise TeacherError(
            f"teacher cannot be loaded: {place}: {error}. Install softshards[torch]."
        ) from error
    folder = snapshot(place).folder if is_hub_handle(place) else Path(place)
    disable_progress_bar()  # type: ignore[no-untyped-call]
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **local)
        goes_on = getattr(tokenizer, "add_prefix_space", True) is False
        if task == "TokenClassification" and goes_on:
            tokenizer = transformers.AutoTokenizer.from_pretrained(
                folder, add_prefix_space=True, **local
            )  # or else a word is cut as if it went on the one before
        with _silenced(transformers.logging):
            model, info = getattr(transformers, f"AutoModelFor{task}").from_pretrained(
                folder,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are said below, by name
                **local,
            )
    except Exception as error:  # whatever the library raises
        said = first_line(error)
        raise TeacherError(
            f"teacher cannot be loaded: {place}: {said} Expected config.json, model.safetensors "
            "and a tokenizer in one folder."
        ) from error
    check_whole(place, model, info, task=task)
    check_tokenizer(place, tokenizer, model)
    if task != "SequenceClassification" and not tokenizer.is_fast:
        raise TeacherError(
            f"teacher's pieces cannot be put to words: {place}: its tokenizer has no "
            "tokenizer.json. Save it as a fast one."
        )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return tokenizer, model.to(device).eval()


@contextmanager
def _silenced(logging: Any) -> Iterator[None]:
    """Let the library say no more than errors: what a load lacks is said by `check_whole`."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)


def load(source: TeacherSource) -> TransformersTeacher:
    """Return the teacher in a folder.

    Raises:
      TeacherError: it cannot be loaded.
    """
    if head_kinds()[source.kind].points:
        from stages.teachers.questions import QuestionTeacher

        return QuestionTeacher(source)
    return TransformersTeacher(source)
