"""A model of Hugging Face transformers that points to the answer of a question in a context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.rows.pointers import SEPARATOR, written_together
from stages.teachers.parts.tokens import Ids, TokenInputs
from stages.teachers.parts.words import said
from stages.teachers.transformers import TransformersTeacher

NO_TOKEN = -1


@dataclass(frozen=True)
class QuestionInputs(TokenInputs):
    """Token ids, not padded, with the first and the last token of each word, -1 where it has none.

    Attributes:
      ends: of each row int64 [words, 2].
    """

    ends: Sequence[Ids] = ()

    def words_seen(self, first: Ids) -> int:
        """Return how many words have a piece here, from the first of each row that counts."""
        rows = zip(self.ends, first, strict=True)
        return sum(int((ends[at:, 0] != NO_TOKEN).sum()) for ends, at in rows)


@dataclass(frozen=True)
class _Text:
    """Words as one text: where each begins in it, and ends, white space not counted."""

    text: str
    begins: Ids
    ends: Ids

    @staticmethod
    def of(words: list[str], between: str) -> _Text:
        """Return words with something between them."""
        lengths = np.array([len(word) + len(between) for word in words], np.int64)
        begins = np.cumsum(lengths) - lengths
        seen = np.array([len(word.rstrip()) for word in words], np.int64)
        return _Text(between.join(words), begins, begins + seen)

    def spans(self, offsets: Ids) -> Ids:
        """Return int64 [tokens, 2], the characters of each without white space around them."""
        covered = [self.text[first:last] for first, last in offsets]
        begins = offsets[:, 0] + [len(one) - len(one.lstrip()) for one in covered]
        return np.stack([begins, begins + [len(one.strip()) for one in covered]], axis=1)

    def tokens(self, offsets: Ids, own: npt.NDArray[np.bool_], *, cut: bool) -> Ids:
        """Return int64 [words, 2], the first and the last token that share a character with each.

        -1 for a word without any; where the text was `cut`, also for one that goes on after it.

        Args:
          offsets: the characters of each token, int64 [tokens, 2].
          own: which tokens are of this text, bool [tokens].
          cut: whether there were more of them.
        """
        spans = self.spans(offsets)
        some = np.flatnonzero(own & (spans[:, 1] > spans[:, 0]))
        first = np.searchsorted(spans[some, 1], self.begins, side="right")
        last = np.searchsorted(spans[some, 0], self.ends, side="left") - 1
        there = (first <= last) & (first < len(some))
        if cut and len(some):
            there &= self.ends <= spans[some[-1], 1]
        found = np.full((len(self.begins), 2), NO_TOKEN, np.int64)
        found[there] = some[np.stack([first[there], last[there]], axis=1)]
        return found

    def counts(self, offsets: Ids) -> Ids:
        """Return int64 [words], how many tokens end in each; their characters as for `spans`."""
        owners = np.searchsorted(self.begins, self.spans(offsets)[:, 1] - 1, side="right") - 1
        words = len(self.begins)
        return np.bincount(np.maximum(owners, 0), minlength=words)[:words]


class QuestionTeacher(TransformersTeacher):
    """`AutoModelForQuestionAnswering`: it reads a question and its context as the texts they were.

    An answer begins at a word's first piece and ends at a word's last; words that share a piece
    share what is said of it. What is said of the first token of all, that there is no answer, is
    what is said of `[SEP]`.
    """

    def encode(self, inputs: pa.Table) -> QuestionInputs:
        """Return the token ids of the one column of lists of words, and where each word is in them.

        Of one that is too long the longer part is cut, which is the context.
        """
        lists = inputs.column(0).to_pylist()
        asked = [_texts_of(words) for words in lists]
        found = self._tokenizer(
            [question.text for question, _ in asked],
            [context.text for _, context in asked],
            truncation=True,
            max_length=self._max_length,
            return_offsets_mapping=True,
            return_token_type_ids=True,
            verbose=False,
        )
        ids, parts = found["input_ids"], found["token_type_ids"]
        cut = np.array([bool(one.overflowing) for one in found.encodings or ()], np.bool_)
        ends = []
        for row, (question, context) in enumerate(asked):
            of_context = np.array([part == 1 for part in found.sequence_ids(row)], np.bool_)
            offsets = np.array(found["offset_mapping"][row], np.int64)
            own = context.tokens(offsets, of_context, cut=bool(cut[row]))
            before = np.full((len(question.begins), 2), NO_TOKEN, np.int64)
            ends.append(np.concatenate([before, [[self._none(ids[row])] * 2], own]))
        lengths = np.array([len(one) for one in ids], np.int32)
        segments = parts if "token_type_ids" in self._tokenizer.model_input_names else None
        return QuestionInputs(ids, lengths, cut, segments, ends)

    def _none(self, ids: list[int]) -> int:
        """Return the place of the token whose logits say that there is no answer."""
        first = self._tokenizer.cls_token_id
        return ids.index(first) if first in ids else 0

    def _scores(self, output: Any) -> Any:
        import torch

        return torch.stack([output.start_logits, output.end_logits], dim=-1)

    def _by_line(
        self, logits: npt.NDArray[np.float32], encoded: TokenInputs, rows: Ids
    ) -> npt.NDArray[np.float32]:
        assert isinstance(encoded, QuestionInputs)
        counts = [len(encoded.ends[row]) for row in rows]
        found = np.full((len(rows), max(counts, default=0), 2), np.nan, np.float32)
        for place, row in enumerate(rows):
            ends = encoded.ends[row]
            seen = ends[:, 0] != NO_TOKEN
            found[place, : len(ends)][seen] = said(logits[place][ends[seen], [0, 1]])
        return found

    def _class_order(self) -> list[int]:
        return [0, 1]

    @property
    def max_pieces(self) -> int:
        """Pieces of question and context that fit its window beside its special ones."""
        return int(self._max_length - self._tokenizer.num_special_tokens_to_add(pair=True))

    def word_pieces(self, inputs: pa.Table) -> Ids:
        """Return how many pieces each word has, int64 [words of all rows]; `[SEP]` has none.

        A piece that several words share is the last one's.
        """
        parts = [part for words in inputs.column(0).to_pylist() for part in _texts_of(words)]
        found = self._tokenizer(
            [part.text for part in parts],
            add_special_tokens=False,
            return_offsets_mapping=True,
            verbose=False,
        )
        counts = [
            part.counts(np.array(offsets, np.int64).reshape(-1, 2))
            for part, offsets in zip(parts, found["offset_mapping"], strict=True)
        ]
        none = np.zeros(1, np.int64)
        rows = zip(counts[::2], counts[1::2], strict=True)
        return np.concatenate([one for asked, of in rows for one in (asked, none, of)])


def _texts_of(words: list[str]) -> tuple[_Text, _Text]:
    """Return the question, and the context, of a row."""
    place = words.index(SEPARATOR)
    between = "" if written_together(words) else " "
    return _Text.of(words[:place], between), _Text.of(words[place + 1 :], between)
