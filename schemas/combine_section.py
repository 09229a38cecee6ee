"""How the answers of several teachers become one, as a run file states it."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from schemas.section import Section


class Combine(Section):
    """The mean of several teachers' answers to the same input.

    Attributes:
      mean: of their probabilities (the result is kept as their logarithm), or of their logits.
      weights: of the teachers in the order of their tables: `even`; `validation`, those that make
        the hard labels of the validation split likeliest under the mean of probabilities; or
        numbers.
      missing: what becomes of a row that a teacher has no answer for: the mean of the `others`, the
        row is left out (`drop`), or an `error`.
    """

    mean: Literal["probabilities", "logits"] = "probabilities"
    weights: Literal["even", "validation"] | tuple[float, ...] = "even"
    missing: Literal["others", "drop", "error"] = "others"

    @model_validator(mode="after")
    def _weights_can_be_shares(self) -> Self:
        numbers = self.weights if isinstance(self.weights, tuple) else (1.0,)
        if min(numbers, default=0.0) < 0 or sum(numbers) <= 0:
            raise ValueError("weights are at least 0, and their sum is above it")
        return self
