"""A Keras model whose layers compute in bfloat16; weights and logits stay float32.

Keras's mixed precision: products are rounded to 8 bits of mantissa, sums are not. Processors
with bfloat16 instructions, and accelerators, do it faster; others do it slower.
"""

from __future__ import annotations

from typing import Any

import keras

from schemas.errors import TeacherError, first_line
from stages.machine.progress import say
from stages.teachers.parts.processors import computes_bfloat16

_POLICY = "mixed_bfloat16"


def in_bfloat16(model: keras.Model) -> keras.Model:
    """Return a copy of a functional model; layers that make its outputs keep their own dtype.

    Raises:
      TeacherError: its layers cannot be made anew.
    """
    if not computes_bfloat16():
        say("teacher: this processor has no bfloat16 instructions; float32 would be faster")
    last = set(model.output_names)

    def anew(layer: keras.Operation) -> keras.Operation:
        config: dict[str, Any] = layer.get_config()
        if isinstance(layer, keras.Layer) and layer.name not in last and "dtype" in config:
            config["dtype"] = _POLICY
        return layer.__class__.from_config(config)

    try:
        copy = keras.models.clone_model(model, clone_function=anew, recursive=True)
        copy.set_weights(model.get_weights())
    except (ValueError, TypeError, NotImplementedError) as error:
        said = first_line(error)
        raise TeacherError(
            f"teacher cannot be computed in bfloat16: {said} Expected a functional Keras model. "
            'State teacher.compute_dtype = "float32".'
        ) from error
    return copy
