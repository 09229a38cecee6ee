"""Wordpiece in the graph: strings to token ids, as BERT does it, with tensorflow-text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import tensorflow as tf
import tensorflow_text as tf_text

from schemas.errors import TeacherError, first_line
from stages.inputs.vocabulary_file import read_vocabulary as read_vocabulary
from stages.rows.pointers import SEPARATOR

PAD, UNKNOWN, START, END = "[PAD]", "[UNK]", "[CLS]", SEPARATOR


class Wordpiece:
    """Turn a batch of strings into token ids: [CLS] pieces… [SEP], cut to a length.

    Cutting keeps the first `max_length - 2` pieces. Works eagerly, in `tf.data` and inside an
    exported graph.
    """

    def __init__(self, vocabulary: Sequence[str], *, lowercase: bool, max_length: int) -> None:
        """Build the tokenizer.

        Args:
          vocabulary: pieces by id; holds [PAD] [UNK] [CLS] [SEP].
          lowercase: lower-case and strip accents first.
          max_length: tokens in the longest row, ≥ 3.

        Raises:
          TeacherError: a special piece is missing, or no tokenizer can be made of them.
        """
        pieces = list(vocabulary)
        if missing := [name for name in (PAD, UNKNOWN, START, END) if name not in pieces]:
            raise TeacherError(
                f"vocabulary is not a wordpiece vocabulary: {len(pieces)} pieces without "
                f"{', '.join(missing)}. Use the vocab.txt that belongs to the teacher."
            )
        self.pad_id, self._start, self.end_id = (pieces.index(name) for name in (PAD, START, END))
        self.unknown_id = pieces.index(UNKNOWN)
        self.vocabulary_size = len(pieces)
        self.max_pieces = max_length - 2
        try:
            self._tokenizer = tf_text.FastBertTokenizer(
                pieces,
                token_out_type=tf.int32,
                unknown_token=UNKNOWN,
                lower_case_nfd_strip_accents=lowercase,
            )
        except (RuntimeError, ValueError, tf.errors.OpError) as error:
            raise TeacherError(
                f"vocabulary cannot be used: {len(pieces)} pieces: {first_line(error)[:200]}. Use "
                "the vocab.txt that belongs to the teacher."
            ) from error

    @property
    def resources(self) -> object:
        """What an exported graph has to carry along."""
        return self._tokenizer

    def pieces(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Return int32 [batch, (pieces)]: every piece, nothing added, nothing cut."""
        return self._tokenizer.tokenize(texts)

    def frame(self, pieces: tf.RaggedTensor) -> tf.RaggedTensor:
        """Return int32 [batch, (tokens)]: pieces cut to fit, between [CLS] and [SEP]."""
        kept = pieces[:, : self.max_pieces]
        edge = tf.ones_like(kept[:, :1].to_tensor(shape=[None, 1]))
        return tf.concat([edge * self._start, kept, edge * self.end_id], axis=1)

    def tokens(self, texts: tf.Tensor) -> tuple[tf.RaggedTensor, tf.Tensor]:
        """Return the framed token ids of texts, or of pairs of them, and which were cut.

        Args:
          texts: string [batch], or [batch, 2] for pairs, which become [CLS] first [SEP] second
            [SEP]; of one that is too long the longer text is cut.

        Returns:
          int32 [batch, (tokens)]; bool [batch].
        """
        texts = tf.convert_to_tensor(texts)
        if texts.shape.rank == 1:
            pieces = self.pieces(texts)
            return self.frame(pieces), self.overlong(pieces)
        pair = [self.pieces(texts[:, place]) for place in (0, 1)]
        room = self.max_pieces - 1
        first, second = tf_text.RoundRobinTrimmer(room).trim(pair)
        edge = tf.ones_like(texts[:, :1], tf.int32)
        end = edge * self.end_id
        framed = tf.concat([edge * self._start, first, end, second, end], axis=1)
        return framed, pair[0].row_lengths() + pair[1].row_lengths() > room

    def words(self, words: tf.RaggedTensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """Return every piece of rows of words, and how many pieces each word has.

        A word `[SEP]` is that one piece: it stands between what is asked and what is asked about.

        Args:
          words: string [batch, (words)].

        Returns:
          int32 [batch, (pieces)], nothing added, nothing cut; int64 [batch, (words)].
        """
        ends = words.flat_values == END
        pieces = self._tokenizer.tokenize(tf.where(ends, "", words.flat_values))
        lengths = tf.cast(ends, tf.int64)
        end = tf.fill([tf.reduce_sum(lengths)], tf.constant(self.end_id, tf.int32))
        pieces = tf.concat([pieces, tf.RaggedTensor.from_row_lengths(end, lengths)], axis=1)
        counts = words.with_flat_values(pieces.row_lengths())
        return words.with_flat_values(pieces).merge_dims(1, 2), counts

    def first_pieces(self, counts: tf.RaggedTensor) -> tf.Tensor:
        """Return the place of each word's first piece in its row of token ids.

        Args:
          counts: int64 [batch, (words)], pieces of each word.

        Returns:
          int32 [batch, most words]; -1 for a word that has no piece or is cut off, and for padding.
        """
        dense = counts.to_tensor(0)
        starts = tf.cumsum(dense, axis=1, exclusive=True)
        there = (dense > 0) & (starts < self.max_pieces)
        return tf.cast(tf.where(there, starts + 1, -1), tf.int32)

    def token_ids(self, texts: tf.Tensor, *, length: int | None = None) -> tf.Tensor:
        """Return int32 [batch, longest row, or a stated length], padded with [PAD].

        `texts` is string [batch], or [batch, 2] for pairs.
        """
        shape = None if length is None else [None, length]
        return self.tokens(texts)[0].to_tensor(default_value=self.pad_id, shape=shape)

    def overlong(self, pieces: tf.RaggedTensor) -> tf.Tensor:
        """Return bool [batch]: which rows lose pieces to the cut."""
        return pieces.row_lengths() > self.max_pieces


def ragged_words(lists: Iterable[Sequence[str]]) -> tf.RaggedTensor:
    """Return lists of words as string [rows, (words)]."""
    return tf.ragged.constant([list(one) for one in lists], ragged_rank=1, dtype=tf.string)
