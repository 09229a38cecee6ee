"""Inputs that one task learns from and another holds out."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from schemas.counted import counted


class Across(BaseModel):
    """What a task's table and those of the tasks beside it have in common, where it matters.

    Attributes:
      inputs: of the task's train split, or of its validation, that another task holds out more.
      left_out: corpus rows of them, by split, that are left out of the table of all.
      views_left_out: its views that are: those of such rows, and inputs that a task holds out.
      fingerprint: of the inputs of all that is left out; empty where nothing is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: int = 0
    left_out: dict[str, int] = {}
    views_left_out: int = 0
    fingerprint: str = ""

    @property
    def said(self) -> str:
        """It in words."""
        are = "is" if self.inputs == 1 else "are"
        text = f"{counted(self.inputs, 'input')} that it learns from {are} held out in another task"
        if gone := sum(self.left_out.values()):
            text += f"; {counted(gone, 'row')} of theirs left out"
        if self.views_left_out:
            text += (
                f"; {counted(self.views_left_out, 'view')} left out, of these or held out in a task"
            )
        return text
