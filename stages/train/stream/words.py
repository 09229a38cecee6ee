"""From a student's pieces to the words of the corpus, and back to what its targets are."""

from __future__ import annotations

import tensorflow as tf

from stages.inputs.wordpiece import Wordpiece
from stages.train.stream.piece_windows import windowed_inputs

Inputs = dict[str, tf.Tensor]


def word_inputs(
    wordpiece: Wordpiece,
    words: tf.RaggedTensor,
    *,
    length: int | None = None,
    stride: int | None = None,
    asks: bool = False,
) -> Inputs:
    """Return what a student of words is asked with.

    Args:
      wordpiece: the student's own tokenizer.
      words: string [batch, (words)].
      length: of the token ids, where it is fixed.
      stride: where a row that is too long is seen through several windows, not cut: the pieces that
        two of them share; then the token ids are those of `windowed_inputs`.
      asks: whether the words up to `[SEP]` are in each window.

    Returns:
      `token_ids` int32 [batch, longest]; `first_pieces` int32 [batch, most words], the place of
      each word's first piece, -1 for a word that the student does not see, and for padding.
    """
    if stride is not None:
        return windowed_inputs(wordpiece, words, stride=stride, asks=asks)
    pieces, counts = wordpiece.words(words)
    shape = None if length is None else [None, length]
    token_ids = wordpiece.frame(pieces).to_tensor(wordpiece.pad_id, shape=shape)
    return {"token_ids": token_ids, "first_pieces": wordpiece.first_pieces(counts)}


def at_first_pieces(logits: tf.Tensor, first_pieces: tf.Tensor) -> tf.Tensor:
    """Return float32 [batch, most words, classes] of logits [batch, longest, classes].

    A word that is not seen has the logits of the first token; it is for the caller to mask it.
    """
    return tf.gather(logits, tf.maximum(first_pieces, 0), batch_dims=1)


def masked_targets(targets: dict[str, tf.Tensor], first_pieces: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return the targets with what the student can learn of them, and what it is measured by.

    Returns:
      `label` and `seen` without the words that the student does not see, for the losses;
      `all_labels` and `teacher_seen` with them, and `asked` bool [batch, words], which it sees,
      for the figures.
    """
    asked, labels = first_pieces >= 0, targets["label"]
    each = asked[..., None] if labels.shape.rank == 3 else asked  # of pointers there are two
    return {
        **targets,
        "label": tf.where(each, labels, -1),
        "seen": targets["seen"] & asked,
        "all_labels": labels,
        "teacher_seen": targets["seen"],
        "asked": asked,
    }
