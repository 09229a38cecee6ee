"""Start a student's word embeddings from the teacher's, reduced to the student's width.

The teacher's rows for the student's pieces are projected on their principal components: the plane
in which they differ most. The teacher itself is not loaded; its table carries them.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt

from schemas.errors import StudentError

Matrix = npt.NDArray[np.float32]

TYPICAL_SIZE = 1.0  # root mean square of an entry; smaller ones were tried, see RESULTS.md


def start_embeddings(
    student: keras.Model,
    embeddings: Matrix | None,
    *,
    teacher_pieces: Sequence[str],
    pieces: Sequence[str],
    name: str,
) -> None:
    """Set the student's word embeddings.

    Args:
      student: with one embedding layer of as many rows as it has pieces.
      embeddings: float32 [teacher pieces, width], or None where the teacher left none.
      teacher_pieces: the teacher's vocabulary by id.
      pieces: the student's; the first is padding. One that the teacher has not starts at zero, the
        middle of all.
      name: of the student, for messages.

    Raises:
      StudentError: there are none, or the student has no place for them.
    """
    if embeddings is None:
        raise StudentError(
            f"no embeddings to start from: {name}: the teacher left none beside the table. State "
            'embeddings = "random", or label again with a teacher that has some.'
        )
    layers = [
        layer
        for layer in student.layers
        if isinstance(layer, keras.layers.Embedding) and layer.input_dim == len(pieces)
    ]
    widest = embeddings.shape[1]
    if len(layers) != 1 or layers[0].output_dim > widest:
        found = ", ".join(str(layer.output_dim) for layer in layers) or "none"
        raise StudentError(
            f"no place for the teacher's embeddings: {name}: found embedding layers of "
            f"{len(pieces)} rows with width {found}, expected one, at most {widest} wide. State "
            'embeddings = "random".'
        )
    place = {piece: number for number, piece in enumerate(teacher_pieces)}
    known = [number for number, piece in enumerate(pieces) if piece in place]
    start = np.zeros((len(pieces), layers[0].output_dim), np.float32)
    rows = embeddings[[place[pieces[number]] for number in known]]
    start[known] = reduced(rows, width=layers[0].output_dim)
    layers[0].set_weights([start])


def reduced(rows: Matrix, *, width: int) -> Matrix:
    """Return rows on their principal components, float32 [rows, width]; the first row is zero.

    The sign of a component is that of its largest entry, so that the result depends on the rows
    only. Entries have a root mean square of 1.

    Args:
      rows: float32 [rows, at least width].
      width: components that are kept.
    """
    exact = rows.astype(np.float64)
    centred = exact - exact[1:].mean(axis=0)
    _, vectors = np.linalg.eigh(centred[1:].T @ centred[1:])
    components = vectors[:, ::-1][:, :width]
    largest = np.take_along_axis(components, np.abs(components).argmax(axis=0)[None], axis=0)
    projected = centred @ (components * np.sign(largest))
    projected *= TYPICAL_SIZE / np.sqrt((projected[1:] ** 2).mean())
    projected[0] = 0.0
    small: npt.NDArray[np.float32] = projected.astype(np.float32)
    return small
