"""What students that read pieces in both directions share: all but the cell."""

from __future__ import annotations

import keras

from schemas.heads import HeadPer


def both_directions(
    cell: type[keras.layers.Layer],
    *,
    name: str,
    vocabulary_size: int,
    classes: int,
    embedding_width: int,
    units: int,
    dropout: float,
    per: HeadPer,
) -> keras.Model:
    """Return embedding → a cell in both directions, its two last states → logits.

    Per token: its states at every piece → logits of each.

    Args:
      cell: a recurrent layer's class.
      name: of the model.
      vocabulary_size: pieces.
      classes: outputs.
      embedding_width: of each piece.
      units: in each direction.
      dropout: share dropped before the cell and before the logits.
      per: what has a class.
    """
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    embedding = keras.layers.Embedding(vocabulary_size, embedding_width, mask_zero=True)
    hidden = keras.layers.Dropout(dropout)(embedding(token_ids))
    states = cell(units, return_sequences=per == "token")
    hidden = keras.layers.Bidirectional(states)(hidden)
    hidden = keras.layers.Dropout(dropout)(hidden)
    return keras.Model(token_ids, keras.layers.Dense(classes, name="logits")(hidden), name=name)
