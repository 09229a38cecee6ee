"""Whether a student answers with logits, as it is trained to, and not with probabilities."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt

from schemas.errors import StudentError
from schemas.heads import Head
from stages.heads import head_kind
from stages.networks.layers import last_activation

_ROWS, _PIECES, _DRAWS, _SPREAD = 8, 5, 4, 3.0


def check_answers(model: keras.Model, head: Head, *, name: str, vocabulary_size: int) -> None:
    """Refuse a student of one's own whose answers are probabilities.

    Its graph says it, or else its answers to rows of random pieces, under random weights too: a
    softmax or a sigmoid keeps them in [0, 1] whatever the weights are. The weights stay.

    Raises:
      StudentError: they are.
    """
    refused = head_kind(head.kind).no_logits
    ending = last_activation(model)
    if ending in refused:
        raise StudentError(_message(name, f"it ends with a {ending}"))
    if refused and _stays_within(model, vocabulary_size):
        raise StudentError(_message(name, "its answers stay in [0, 1], whatever its weights"))


def _message(name: str, found: str) -> str:
    return (
        f"student answers with probabilities: {name!r}: {found}, expected logits. Leave out its "
        "last activation."
    )


def _stays_within(model: keras.Model, vocabulary_size: int) -> bool:
    """Return whether its answers are in [0, 1] under its weights and under random ones."""
    rng = np.random.default_rng(0)
    token_ids = rng.integers(1, vocabulary_size, (_ROWS, _PIECES), np.int32)
    if not _are_within(model, token_ids):
        return False
    kept = [(one, one.numpy()) for one in model.trainable_variables]
    try:
        for _ in range(_DRAWS):
            for variable, value in kept:
                variable.assign(rng.normal(0.0, _SPREAD, value.shape).astype(value.dtype))
            if not _are_within(model, token_ids):
                return False
    finally:
        for variable, value in kept:
            variable.assign(value)
    return True


def _are_within(model: keras.Model, token_ids: npt.NDArray[np.int32]) -> bool:
    """Return whether all answers are in [0, 1], and some are not 0."""
    answers = np.asarray(keras.ops.convert_to_numpy(model(token_ids, training=False)), np.float64)
    return bool(((answers >= 0) & (answers <= 1)).all() and answers.any())
