"""Figures of a training for Weights & Biases, beside those for TensorBoard.

`WANDB_MODE=offline` keeps them on this machine, as the library itself says.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from schemas.errors import StudentError, first_line
from stages.machine.locks import make_folder


class WandbFigures(keras.callbacks.Callback):
    """Writes each epoch's figures to a run of its own; a resumed training begins another."""

    def __init__(self, project: str, *, name: str, folder: Path, config: Mapping[str, Any]) -> None:
        """Begin the run.

        Args:
          project: of Weights & Biases.
          name: of the student.
          folder: where the library keeps its files.
          config: what the student was trained with.

        Raises:
          StudentError: the library is not installed, or cannot begin.
          StorageError: the folder cannot be made.
        """
        super().__init__()
        make_folder(folder)
        try:
            import wandb

            self._run = wandb.init(
                project=project,
                name=name,
                dir=str(folder),
                config=dict(config),
                reinit="create_new",
                settings=wandb.Settings(silent=True),
            )
        except Exception as error:  # whatever the library raises
            raise StudentError(
                f"figures cannot be written to Weights & Biases: {project}: {first_line(error)}. "
                "Install softshards[wandb], sign in, or set WANDB_MODE=offline."
            ) from error

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write."""
        self._run.log({name: float(value) for name, value in (logs or {}).items()})

    def finish(self) -> None:
        """End the run, whatever ended the training."""
        self._run.finish()
