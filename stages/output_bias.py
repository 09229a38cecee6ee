"""Where a model of numbers starts: at their mean, so that it has only to learn the differences."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt


def start_at_mean(model: keras.Model, numbers: npt.NDArray[np.float32]) -> None:
    """Set the bias of a model's last layer, where that is dense, to the mean of some numbers.

    Args:
      model: of one number.
      numbers: float32 [rows]; NaN does not count.
    """
    last = model.layers[-1]
    known = numbers[~np.isnan(numbers)]
    if isinstance(last, keras.layers.Dense) and last.use_bias and len(known):
        last.bias.assign(np.full(last.units, known.astype(np.float64).mean(), np.float32))
