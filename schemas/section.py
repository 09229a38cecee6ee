"""What sections of a run file share: frozen, finite, and no key but those they declare."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0, strict=True)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]


class Section(BaseModel):
    """A table of a run file. None of its numbers is `nan` or `inf`, those of free options too."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
