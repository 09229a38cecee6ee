"""What the rest of the house asks of a kind of input: one object a module, named `INPUT`.

Of a table of inputs each column is a feature, in the order of the corpus. Tensors are made by
TensorFlow, which a module imports within what makes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

if TYPE_CHECKING:
    import tensorflow as tf


class Rows(Protocol):
    """Corpus rows under check, which refuse those that cannot be read."""

    def text(self, name: str) -> pa.Array:
        """Return a column as text, null for none."""

    def lists(self, name: str) -> pa.Array:
        """Return a column as lists of text."""

    def number_lists(self, name: str) -> pa.Array:
        """Return a column as lists of float64."""

    def refuse(
        self, mask: pa.Array, what: str, said: Callable[[int], str], column: str | None = None
    ) -> None:
        """Refuse the rows of a mask; `said` says why of each."""


class Input(Protocol):
    """One kind of input."""

    def read(self, rows: Rows, name: str) -> pa.Array:
        """Return a feature of corpus rows in normal form: of the declared type, without nulls.

        Raises:
          CorpusError: the column is missing or of another type.
        """

    def canonical(self, column: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Return of each row of a feature what digests are made of: a header, and bytes."""

    def lengths(self, inputs: pa.Table) -> npt.NDArray[np.int32]:
        """Return int32 [rows]: about how many tokens each is, to sort batches by."""

    def asked(self, inputs: pa.Table) -> list[Any]:
        """Return each row as a function that takes Python values is asked about it."""

    def texts(self, inputs: pa.Table) -> list[Any]:
        """Return each row as a model of texts is asked about it: a text, or a list of texts."""

    def shown(self, inputs: pa.Table) -> list[str]:
        """Return each row as one text for a person to read, and to count words in."""

    def strings(self, inputs: pa.Table) -> pa.Array:
        """Return the texts of all rows, one after another, as they go into a graph."""

    def in_graph(self, strings: tf.Tensor) -> tf.Tensor:
        """Return what `strings` became, string [all texts], as string [rows, …]."""


class Varied(Input, Protocol):
    """A kind of input that views are made of."""

    def words(self, column: pa.ChunkedArray) -> list[list[str]]:
        """Return each row's words, for a view to change."""

    def of_words(self, words: list[list[str]]) -> pa.Array:
        """Return the feature that some words are, a row each."""
