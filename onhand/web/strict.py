"""What everything that clients state has in common: strict fields, none too many, and none for a person."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from onhand.domain.events import QUANTITY_MAX

EXAMPLE_MOMENT = "2026-11-26T09:30:00Z"

Code = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
"""An id or a name of ours or theirs."""
Units = Annotated[int, Field(ge=1, le=QUANTITY_MAX)]
UnitsOrNone = Annotated[int, Field(ge=0, le=QUANTITY_MAX)]


class Strict(BaseModel):
    """A number is a number and no text, and a field that is not known is refused, not ignored."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
