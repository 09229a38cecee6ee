"""What a student's products are computed in while it is trained; it is saved in float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from schemas.train_section import ComputeDtype


@contextmanager
def computing_in(dtype: ComputeDtype) -> Iterator[None]:
    """Have models made here compute so; their weights are float32 all the same.

    Reference:
      Micikevicius, Narang, Alben et al. Mixed Precision Training. 2018.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if dtype == "float32" else f"mixed_{dtype}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
