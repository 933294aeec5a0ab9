"""What moves goods besides orders, as systems state it: receipts, corrections, write-offs, returns, transfers."""

from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from onhand.domain import movements
from onhand.domain.events import QUANTITY_MAX, Event, EventKind
from onhand.domain.movements import Movement
from onhand.domain.reasons import require_reason
from onhand.domain.returns import Outcome, ReturnStatement
from onhand.domain.states import State
from onhand.domain.transfers import Step, TransferStatement
from onhand.web.strict import EXAMPLE_MOMENT, Code, Strict, Units


class OfSku(Strict):
    """What every event of one SKU at one location has."""

    id: Code = Field(
        description="Yours, of this event and no other: the same id is posted once, however often it is sent.",
        examples=["wms-2026-11-26-000417"],
    )
    sku: Code = Field(examples=["23321"])
    location: Code = Field(description="The key of a location in the configuration.", examples=["leeds"])
    reason: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")] = Field(
        default="",
        description="A word for people, kept with the event; no personal data.",
        examples=["damaged"],
    )


class _Moved(OfSku):
    """What every movement has."""

    occurred_at: AwareDatetime = Field(
        description="When it happened, with its time zone.", examples=[EXAMPLE_MOMENT]
    )


class _Coded(_Moved):
    """What the kinds have whose `reason` is a code."""

    reason: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")] = Field(
        default="",
        description="One of `movements.reasons` in the configuration, so that reports can add up; or none.",
        examples=["damaged"],
    )
    note: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")] = Field(
        default="",
        description="More words for people, kept with the event; no personal data.",
        examples=["fell off the top shelf"],
    )


class SoldOn(Strict):
    """The line of an order that a returned unit was sold on."""

    id: Code = Field(description="The order's id on its channel.", examples=["5730012"])
    channel: Code | None = Field(
        default=None,
        description="The channel's key in the configuration; left out, the order is one that you stated.",
        examples=["shopify"],
    )
    line: Code | None = Field(
        default=None,
        description="The order's line; may be left out where it has one line of the SKU.",
        examples=["1"],
    )


Transferred = Annotated[
    Code | None,
    Field(
        description="The transfer's id, yours or that of whoever sent: then it is known what is on its way by it.",
        examples=["T-2026-0417"],
    ),
]


class Receipt(_Moved):
    """Units came in from a supplier."""

    kind: Literal["receipt"]
    quantity: Units = Field(examples=[48])


class Adjustment(_Coded):
    """A correction: units were found (above 0) or are missing (below 0)."""

    kind: Literal["adjustment"]
    quantity: Annotated[int, Field(ge=-QUANTITY_MAX, le=QUANTITY_MAX)] = Field(
        description="Not 0.", examples=[-2]
    )


class WriteOff(_Coded):
    """Units are gone: broken, stolen, out of date."""

    kind: Literal["write_off"]
    quantity: Units = Field(examples=[1])
    state: Literal["available", "damaged", "quality_control"] = Field(
        default="available", description="Where they were: for sale, or put aside already."
    )


class Returned(_Moved):
    """Units came back from a buyer; they wait in quality control until an inspection. Of a unit of an order that its
    channel has told of, nothing is counted again."""

    kind: Literal["return"]
    quantity: Units = Field(examples=[1])
    order: SoldOn | None = Field(default=None, description="What they were sold on, where you know that.")


class Inspected(_Moved):
    """Returned units were looked at."""

    kind: Literal["inspection"]
    quantity: Units = Field(examples=[1])
    outcome: Literal["sellable", "damaged", "lost"] = Field(
        description="Available again; damaged, to be written off later; or not there.", examples=["sellable"]
    )
    order: SoldOn | None = Field(default=None, description="What they were sold on, as in their return.")


class TransferOut(_Moved):
    """Units left for another location; they are on their way until a transfer_in there."""

    kind: Literal["transfer_out"]
    quantity: Units = Field(examples=[12])
    to_location: Code = Field(description="Where they go.", examples=["london"])
    transfer: Transferred = None


class TransferIn(_Moved):
    """Units that were on their way arrived at `location`. With a transfer, those beyond what is on its way by it are
    booked as found."""

    kind: Literal["transfer_in"]
    quantity: Units = Field(examples=[12])
    transfer: Transferred = None


class TransferClosed(_Coded):
    """Units of a transfer to `location` will not arrive; they are written off."""

    kind: Literal["transfer_close"]
    quantity: Units = Field(examples=[2])
    transfer: Code = Field(description="The transfer's id.", examples=["T-2026-0417"])


_Movements = Receipt | Adjustment | WriteOff | TransferOut | TransferIn
Moves = _Movements | Returned | Inspected | TransferClosed
MOVE_KINDS = (
    "receipt", "adjustment", "write_off", "transfer_out", "transfer_in", "return", "inspection", "transfer_close",
)  # fmt: skip


def move_of(
    stated: Moves, source: str, reasons: Collection[str]
) -> Event | ReturnStatement | TransferStatement:
    """What was stated in the ledger's words; `reasons` are the codes of write-offs and adjustments.

    Raises MovementRefusedError, ReasonRefusedError, ReturnRefusedError or TransferRefusedError.
    """
    match stated:
        case Returned() | Inspected():
            return _return(stated, source)
        case TransferClosed():
            require_reason(EventKind.WRITE_OFF, stated.reason, reasons)
            return _transfer(stated, stated.transfer, source)
        case TransferOut(transfer=str(transfer)) | TransferIn(transfer=str(transfer)):
            return _transfer(stated, transfer, source)
        case _:
            require_reason(EventKind(stated.kind), stated.reason, reasons)
            return movements.event_of(_movement(stated, source))


def _return(stated: Returned | Inspected, source: str) -> ReturnStatement:
    order = stated.order
    return ReturnStatement(
        source,
        stated.id,
        stated.sku,
        stated.location,
        stated.quantity,
        stated.occurred_at,
        Outcome(stated.outcome) if isinstance(stated, Inspected) else None,
        "" if order is None else order.channel or source,
        "" if order is None else order.id,
        "" if order is None else order.line or "",
        stated.reason,
    )


_STEPS = {"transfer_out": Step.SEND, "transfer_in": Step.RECEIVE, "transfer_close": Step.CLOSE}


def _transfer(
    stated: TransferOut | TransferIn | TransferClosed, transfer: str, source: str
) -> TransferStatement:
    leaves = isinstance(stated, TransferOut)
    return TransferStatement(
        source,
        stated.id,
        transfer,
        _STEPS[stated.kind],
        {stated.sku: stated.quantity},
        stated.occurred_at,
        stated.location if leaves else "",
        stated.to_location if isinstance(stated, TransferOut) else stated.location,
        stated.reason,
    )


def _movement(stated: _Movements, source: str) -> Movement:
    return Movement(
        source,
        stated.id,
        EventKind(stated.kind),
        stated.sku,
        stated.location,
        stated.quantity,
        stated.occurred_at,
        stated.to_location if isinstance(stated, TransferOut) else "",
        stated.reason,
        State(stated.state) if isinstance(stated, WriteOff) else State.AVAILABLE,
        stated.note if isinstance(stated, Adjustment | WriteOff) else "",
    )


EXAMPLE_MOVES = [
    {
        "kind": "receipt",
        "id": "wms-2026-11-26-000417",
        "sku": "23321",
        "location": "leeds",
        "quantity": 48,
        "occurred_at": EXAMPLE_MOMENT,
    },
    {
        "kind": "transfer_out",
        "id": "wms-2026-11-26-000418",
        "sku": "23321",
        "location": "leeds",
        "to_location": "london",
        "quantity": 12,
        "occurred_at": EXAMPLE_MOMENT,
        "transfer": "T-2026-0417",
        "reason": "fill up the shop",
    },
    {
        "kind": "return",
        "id": "wms-2026-11-26-000420",
        "sku": "23321",
        "location": "leeds",
        "quantity": 1,
        "occurred_at": EXAMPLE_MOMENT,
        "order": {"channel": "shopify", "id": "5730012"},
    },
    {
        "kind": "inspection",
        "id": "wms-2026-11-26-000421",
        "sku": "23321",
        "location": "leeds",
        "quantity": 1,
        "outcome": "damaged",
        "occurred_at": EXAMPLE_MOMENT,
        "order": {"channel": "shopify", "id": "5730012"},
    },
    {
        "kind": "write_off",
        "id": "wms-2026-11-26-000422",
        "sku": "23321",
        "location": "leeds",
        "quantity": 1,
        "state": "damaged",
        "occurred_at": EXAMPLE_MOMENT,
        "reason": "damaged",
    },
]
"""What a warehouse system sends in a day."""
