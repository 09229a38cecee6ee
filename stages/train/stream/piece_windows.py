"""Rows of words that are longer than a student's window, seen through several that overlap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from stages.inputs.wordpiece import Wordpiece
from stages.rows.pointers import SEPARATOR


@dataclass(frozen=True)
class _Windows:
    """How each row of a batch is cut, in pieces; all int64 [batch].

    Attributes:
      count: of its windows, one at least.
      lead: pieces that each window begins with.
      room: for what comes after these, in one window.
      step: from where one window begins to where the next does.
    """

    count: tf.Tensor
    lead: tf.Tensor
    room: tf.Tensor
    step: tf.Tensor

    @classmethod
    def of(cls, lengths: tf.Tensor, asked: tf.Tensor, room_in_all: int, stride: int) -> _Windows:
        """Cut rows of so many pieces, of which the first so many ask."""
        has_room = 2 * asked <= room_in_all
        lead = tf.where(has_room, asked, 0)
        room = room_in_all - lead
        step = room - tf.minimum(tf.constant(stride, tf.int64), room // 2)
        beyond = tf.maximum(lengths - room_in_all, 0)
        return cls(1 + tf.where(has_room, (beyond + step - 1) // step, 0), lead, room, step)


def windowed_inputs(
    wordpiece: Wordpiece, words: tf.RaggedTensor, *, stride: int, asks: bool
) -> dict[str, tf.Tensor]:
    """Return what a student of words is asked with, window by window.

    The windows of a row begin at even distances, and share `stride` pieces or half of what they
    have room for. A word is read in the one whose middle is nearest to it. Where a row asks
    something, each window begins with that; a question of more than half a window leaves no room
    for several, so its row is cut.

    Args:
      wordpiece: the student's own tokenizer.
      words: string [batch, (words)].
      stride: pieces that two windows share.
      asks: whether the words up to `[SEP]` are in each window.

    Returns:
      `token_ids` int32 [batch, most windows, longest], a window that a row lacks is padding;
      `first_pieces` int32 [batch, most words], places in what `answers_of_windows` returns, -1 for
      a word that the student does not see, and for padding.
    """
    pieces, counts = wordpiece.words(words)
    lengths = pieces.row_lengths()
    asked = _pieces_before(words, counts) if asks else tf.zeros_like(lengths)
    windows = _Windows.of(lengths, asked, wordpiece.max_pieces, stride)
    token_ids = _framed(wordpiece, pieces, windows)
    first = _first_pieces(counts, windows, tf.shape(token_ids, tf.int64))
    return {"token_ids": token_ids, "first_pieces": first}


def answers_of_windows(ask: Callable[[tf.Tensor], tf.Tensor], token_ids: tf.Tensor) -> tf.Tensor:
    """Return the logits of all windows of each row, one after another, and the least of them.

    Args:
      ask: from token ids [windows, longest] to logits [windows, longest, classes].
      token_ids: int32 [batch, most windows, longest]; a window of zeros is none.

    Returns:
      [batch, (most windows + 1) · longest, classes]; the last `longest` are at each place the
      least that any window says there: of what is asked, that there is no answer only where none is
      found.
    """
    there = tf.reduce_any(token_ids != 0, axis=-1)
    said = ask(tf.boolean_mask(token_ids, there))
    shape = tf.concat([tf.shape(token_ids), tf.shape(said)[-1:]], axis=0)
    by_window = tf.scatter_nd(tf.cast(tf.where(there), tf.int32), said, shape)
    of_none = tf.constant(said.dtype.max, said.dtype)
    least = tf.reduce_min(tf.where(there[..., None, None], by_window, of_none), axis=1)
    flat = tf.reshape(by_window, [shape[0], shape[1] * shape[2], shape[3]])
    return tf.ensure_shape(tf.concat([flat, least], axis=1), [None, None, said.shape[-1]])


def _pieces_before(words: tf.RaggedTensor, counts: tf.RaggedTensor) -> tf.Tensor:
    """Return how many pieces each row has up to its first `[SEP]`, with that: int64 [batch]."""
    separators = tf.cast(words.to_tensor("") == SEPARATOR, tf.int64)
    before = tf.cumsum(separators, axis=1, exclusive=True) == 0
    return tf.reduce_sum(tf.where(before, counts.to_tensor(0), 0), axis=1)


def _framed(wordpiece: Wordpiece, pieces: tf.RaggedTensor, windows: _Windows) -> tf.Tensor:
    """Return int32 [batch, most windows, longest]: each window between [CLS] and [SEP]."""
    row = tf.repeat(tf.range(pieces.nrows()), windows.count)
    number = tf.ragged.range(windows.count).flat_values
    slots = tf.range(tf.constant(wordpiece.max_pieces, tf.int64))
    moved = (number * tf.gather(windows.step, row))[:, None]
    is_lead = slots < tf.gather(windows.lead, row)[:, None]
    place = slots + tf.where(is_lead, tf.zeros_like(moved), moved)
    there = place < tf.gather(pieces.row_lengths(), row)[:, None]
    at = tf.boolean_mask(place + tf.gather(pieces.row_starts(), row)[:, None], there)
    held = tf.reduce_sum(tf.cast(there, tf.int64), axis=1)
    framed = wordpiece.frame(
        tf.RaggedTensor.from_row_lengths(tf.gather(pieces.flat_values, at), held)
    )
    return tf.RaggedTensor.from_row_lengths(framed, windows.count).to_tensor(wordpiece.pad_id)


def _first_pieces(counts: tf.RaggedTensor, windows: _Windows, shape: tf.Tensor) -> tf.Tensor:
    """Return int32 [batch, most words]: where in the answers each word's first piece is.

    Args:
      counts: int64 [batch, (words)], pieces of each word.
      windows: of the rows.
      shape: of the token ids.
    """
    count, lead = windows.count[:, None], windows.lead[:, None]
    room, step = windows.room[:, None], windows.step[:, None]
    dense = counts.to_tensor(0)
    starts = tf.cumsum(dense, axis=1, exclusive=True)
    within = starts - lead
    nearest = (2 * within - room + 1 + step) // (2 * step)
    window = tf.clip_by_value(nearest, tf.zeros_like(count), count - 1)
    offset = within - window * step
    most, longest = shape[1], shape[2]
    is_lead = starts < lead
    place = 1 + tf.where(is_lead, most * longest + starts, window * longest + lead + offset)
    there = (dense > 0) & (is_lead | (offset < room))
    return tf.cast(tf.where(there, place, -1), tf.int32)
