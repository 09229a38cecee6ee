"""Checkpoints of a training: each whole or absent, with its digest in its name.

The newest whole one is used; one that is damaged is passed over, and said. Arrays are NumPy's own
format without pickle. The state beside them is JSON.
"""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from schemas.errors import first_line
from schemas.provenance import digest_bytes
from stages.machine.atomic import write_whole
from stages.machine.progress import say

_KEPT = 2
_DIGITS = 16
_STATE, _VARIABLE, _BEST = "state", "variable-", "best-"

Array = npt.NDArray[np.generic]
Arrays = list[Array]


class TrainingState(BaseModel):
    """How far a training is.

    Attributes:
      phase, epoch, step: what is trained next; steps are of the epoch.
      epochs: figures of the epochs that are done, over all phases.
      best_value: of the figure that decides which weights are kept; None before the first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    phase: int = 0
    epoch: int = 0
    step: int = 0
    epochs: tuple[dict[str, float], ...] = ()
    best_value: float | None = None


@dataclass(frozen=True)
class Checkpoint:
    """A state with the arrays that belong to it.

    Attributes:
      state: how far the training is.
      variables: of model, optimizer, metrics and random generators, in the model's order.
      best: the student's weights at its best epoch so far; empty before the first.
    """

    state: TrainingState
    variables: Arrays
    best: Arrays


class Checkpoints:
    """The checkpoints of one training, in one folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint, and remove all but the newest two.

        Raises:
          StorageError: it cannot be written; those before are kept.
        """
        stream, state = io.BytesIO(), checkpoint.state
        arrays: dict[str, npt.NDArray[np.generic]] = {
            _STATE: np.frombuffer(state.model_dump_json().encode(), np.uint8)
        }
        for kind in (_VARIABLE, _BEST):
            values = checkpoint.variables if kind == _VARIABLE else checkpoint.best
            arrays |= {f"{kind}{number}": value for number, value in enumerate(values)}
        np.savez(stream, allow_pickle=False, **arrays)
        data = stream.getbuffer()
        place = f"{state.phase:02d}-{state.epoch:06d}-{state.step:09d}"
        path = self._folder / f"{place}-{digest_bytes(data)[:_DIGITS]}.npz"
        write_whole(path, data)
        for old in self._newest_first()[_KEPT:]:
            old.unlink(missing_ok=True)
        return path

    def newest(self) -> Checkpoint | None:
        """Return the newest whole checkpoint, or None where there is none."""
        for path in self._newest_first():
            try:
                return _read(path)
            except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
                said = first_line(error)
                say(f"train: checkpoint is damaged and passed over: {path}: {said}")
                path.rename(path.with_suffix(".damaged"))  # and out of the way of new ones
        return None

    def remove(self) -> None:
        """Remove all of them."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _newest_first(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*.npz"), reverse=True)


def _read(path: Path) -> Checkpoint:
    data = path.read_bytes()
    stated, found = path.stem.rsplit("-", 1)[-1], digest_bytes(data)[:_DIGITS]
    if found != stated:
        raise ValueError(f"its bytes have digest {found}, its name says {stated}")
    with np.load(io.BytesIO(data), allow_pickle=False) as kept:
        state = TrainingState.model_validate_json(kept[_STATE].tobytes())
        return Checkpoint(state, _arrays(kept, _VARIABLE), _arrays(kept, _BEST))


def _arrays(kept: Mapping[str, Array], kind: str) -> Arrays:
    count = sum(name.startswith(kind) for name in kept)
    return [kept[f"{kind}{number}"] for number in range(count)]
