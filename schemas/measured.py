"""What measurements share: frozen, and no field but those they declare."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Measured(BaseModel):
    """A part of a report or of a card."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")
