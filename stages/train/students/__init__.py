"""Students: each a function from vocabulary size and classes to a Keras model.

A student takes token ids, int32 [batch, length], 0 for padding, and returns logits, float32
[batch, classes]; asked with `per = "token"`, [batch, length, classes]. Or name your own as
`module:function`, or a saved model by its file. To add a kind: a module of this folder with `build`
and `DECLARES`: options with least, most and default, and the products whose sum its weights are.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from schemas.errors import StudentError, first_line
from schemas.heads import HeadPer
from schemas.student_options import student_kinds
from schemas.train_section import Student
from stages.machine.plugins import guarded, import_function
from stages.networks.layers import embedding_rows
from stages.networks.weights import left_in_keras_file, unloaded_is_an_error, why_unloaded
from stages.train.start.sizes import check_memory

Builder = Callable[..., keras.Model]

_SAVED = ".keras"


def build_student(
    student: Student, *, vocabulary_size: int, classes: int, per: HeadPer = "example"
) -> keras.Model:
    """Return a new student.

    Raises:
      StudentError: an unknown kind or option, a model with another shape, or one that is too
        large for this machine.
      UserCodeError: a builder of a user's own raises.
    """
    check_memory(student, vocabulary_size=vocabulary_size, classes=classes)
    builder = find_builder(student.kind)
    given = {**student.options, **({} if per == "example" else {"per": per})}
    try:
        model = builder(vocabulary_size=vocabulary_size, classes=classes, **given)
    except (TypeError, ValueError, MemoryError, tf.errors.OpError) as error:
        raise StudentError(
            f"student cannot be built: {student.name!r} of kind {student.kind!r}: "
            f"{first_line(error)}. {_takes(builder, given)}"
        ) from error
    axes = 2 if per == "example" else 3
    fits = isinstance(model, keras.Model) and len(model.output_shape) == axes
    if not fits or model.output_shape[-1] != classes:
        expected = "[batch, " + ("" if per == "example" else "tokens, ") + f"{classes}]"
        found = getattr(model, "output_shape", type(model).__name__)
        raise StudentError(
            f"student has another shape: {student.name!r}: found {found}, expected a Keras "
            f"model with output {expected}. Mend {student.kind!r}."
        )
    return model


def _takes(builder: Builder, options: Mapping[str, Any]) -> str:
    """Return what a builder takes, and what it is called with but does not name."""
    known = inspect.signature(builder).parameters
    text = f"It takes {', '.join(known)}" if known else "It takes nothing"
    needed = ["vocabulary_size", "classes", *(["per"] if "per" in options else [])]
    if any(one.kind is one.VAR_KEYWORD for one in known.values()) or set(needed) <= set(known):
        return f"{text}."
    return f"{text}; expected {', '.join(needed)} and its options."


def find_builder(kind: str) -> Builder:
    """Return the function that builds a kind; a module is also looked for where the run starts.

    Raises:
      StudentError: neither a shipped kind nor an importable `module:function`.
      UserCodeError: its module raises when it is imported.
    """
    if kind.endswith(_SAVED):
        return partial(_saved, Path(kind))
    if kind in student_kinds():
        shipped: Builder = import_module(f"{__name__}.{kind}").build
        return shipped
    try:
        builder: Builder = guarded(kind, import_function(kind))
    except (ImportError, AttributeError, ValueError) as error:
        expected = f"one of {', '.join(student_kinds())}, or module:function"
        detail = f" ({error})" if ":" in kind else ""
        raise StudentError(
            f"unknown student: kind {kind!r}: expected {expected}{detail}. Mend `kind`."
        ) from error
    return builder


def _saved(
    path: Path, *, vocabulary_size: int, classes: int, per: HeadPer = "example"
) -> keras.Model:
    """Return a saved model, in safe mode, to be trained on."""
    del classes, per  # compared by the caller
    for kind in student_kinds():
        import_module(f"{__name__}.{kind}")  # registers layers of theirs
    try:
        with unloaded_is_an_error():
            model: keras.Model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever Keras makes of a damaged file
        raise StudentError(
            f"student cannot be loaded: {path}: {why_unloaded(error)}. Mend `kind`."
        ) from error
    if found := left_in_keras_file(path, model):
        raise StudentError(f"student is not whole: {path}: {found}. Mend `kind`.")
    rows = embedding_rows(model)
    if rows and vocabulary_size not in rows:
        raise StudentError(
            f"student has another vocabulary: {path}: found embeddings of {sorted(rows)} pieces, "
            f"expected {vocabulary_size}. Name its own vocabulary."
        )
    wanted = keras.config.dtype_policy().compute_dtype
    computes = {one.compute_dtype for one in model.layers if one.weights}
    if computes - {wanted}:
        raise StudentError(
            f"student cannot be trained so: {path}: it computes in {', '.join(sorted(computes))}, "
            f'and {wanted} was asked for. State train.compute_dtype = "float32".'
        )
    return model
