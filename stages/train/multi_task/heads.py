"""One encoder with a head for each task."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from schemas.errors import StudentError
from schemas.heads import Head, HeadPer
from schemas.train_section import Student
from stages.train.students import build_student
from stages.train.students.pooling import mean_over_valid_pieces


def build_heads(
    student: Student, heads: Mapping[str, Head], *, vocabulary_size: int
) -> dict[str, keras.Model]:
    """Return a model for each task, from token ids to its logits; only the last layer is its own.

    Where any task has a class per token the encoder is asked for every piece, and a task with one
    per example reads the mean over them.

    Raises:
      StudentError: the student cannot be built, or does not end with a dense layer.
    """
    per: HeadPer = "token" if any(head.by_position for head in heads.values()) else "example"
    first = next(iter(heads.values()))
    whole = build_student(
        student, vocabulary_size=vocabulary_size, classes=len(first.classes), per=per
    )
    [token_ids], hidden = whole.inputs, _before_logits(whole, student.name)
    vectors = {"example": hidden, "token": hidden}
    if per == "token":
        vectors["example"] = mean_over_valid_pieces(hidden, token_ids)
    models = {}
    for name, head in heads.items():
        logits = keras.layers.Dense(len(head.classes), name=f"{name}_logits")
        models[name] = keras.Model(token_ids, logits(vectors[head.per]), name=name)
    return models


def joined(models: Mapping[str, keras.Model]) -> keras.Model:
    """Return the models of all tasks as one, whose outputs have their names."""
    [token_ids] = next(iter(models.values())).inputs
    outputs = {name: model.output for name, model in models.items()}
    return keras.Model(token_ids, outputs, name="tasks")


def _before_logits(model: keras.Model, name: str) -> keras.KerasTensor:
    """Return what the layer that makes the logits is given."""
    last = getattr(model.output._keras_history, "operation", None)
    if not isinstance(last, keras.layers.Dense):
        raise StudentError(
            f"student cannot have several heads: {name!r} ends with {type(last).__name__}, "
            "expected a dense layer of logits. Take another kind."
        )
    return last.input
