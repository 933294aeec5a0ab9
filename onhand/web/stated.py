"""What POST /events takes: events as a warehouse system, a till or an ERP states them, each checked by itself.

Strict: a number is a number and no text, a moment has a time zone, and a field that is not known is refused, because a
misspelt one would otherwise be lost unnoticed.
"""

from collections.abc import Collection, Iterator
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from onhand.domain import movements
from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import QUANTITY_MAX, EventKind
from onhand.domain.movements import Movement, MovementRefusedError
from onhand.domain.orders import SnapshotRefusedError
from onhand.domain.purchase_orders import PurchaseOrderRefusedError
from onhand.domain.reasons import REASONS, ReasonRefusedError, require_reason
from onhand.domain.returns import Outcome, ReturnRefusedError, ReturnStatement
from onhand.domain.states import State
from onhand.domain.transfers import Step, TransferRefusedError, TransferStatement
from onhand.ledger.stated import Stated
from onhand.web.stated_orders import EXAMPLE_ORDER, Ordered, snapshot_of
from onhand.web.stated_purchases import (
    EXAMPLE_PURCHASE,
    PURCHASE_KINDS,
    PurchaseClosed,
    PurchaseDelivered,
    PurchaseOrdered,
    Purchases,
    purchase_of,
)
from onhand.web.strict import EXAMPLE_MOMENT, Code, Strict, Units

EVENTS_MAX = 500
"""Most events of one request; a client with more sends more requests."""


class _Stated(Strict):
    """What every event but an order has."""

    id: Code = Field(
        description="Yours, of this event and no other: the same id is posted once, however often it is sent.",
        examples=["wms-2026-11-26-000417"],
    )
    sku: Code = Field(examples=["85123A"])
    location: Code = Field(description="The key of a location in the configuration.", examples=["leeds"])
    reason: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")] = Field(
        default="",
        description="A word for people, kept with the event; no personal data.",
        examples=["damaged"],
    )


class _Moved(_Stated):
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


class Counted(_Stated):
    """A shelf was counted, or another system states its level. What moved since then stays moved."""

    kind: Literal["count"]
    quantity: Annotated[int, Field(ge=-QUANTITY_MAX, le=QUANTITY_MAX)] = Field(
        description="Below 0 where a system states that it has oversold.", examples=[117]
    )
    meaning: Literal["available", "on_hand"] = Field(
        default="available", description='"on_hand": open orders have not been taken off the number.'
    )
    as_of: AwareDatetime = Field(
        description="When the number was true, with its time zone.", examples=[EXAMPLE_MOMENT]
    )
    base_version: Annotated[int, Field(ge=0)] | None = Field(
        default=None,
        description="The balance version the counter saw, if known; it takes precedence over `as_of`.",
        examples=[412],
    )


Movements = Receipt | Adjustment | WriteOff | TransferOut | TransferIn
Everything = Movements | Returned | Inspected | TransferClosed | Counted | Ordered | Purchases
KINDS = (
    "receipt", "adjustment", "write_off", "transfer_out", "transfer_in", "return", "inspection", "transfer_close",
    "count", "order", *PURCHASE_KINDS,
)  # fmt: skip
StatedEvent = Annotated[Everything, Field(discriminator="kind")]

ONE: TypeAdapter[Everything] = TypeAdapter(StatedEvent)


class EventBatch(BaseModel):
    """Up to 500 events. Movements are posted first, then transfers, purchase orders, orders, returns and counts.

    Each event has a verdict of its own.
    """

    events: list[StatedEvent] = Field(min_length=1, max_length=EVENTS_MAX)


class EventRefusedError(ValueError):
    """An event cannot be taken; the message names each wrong field and what is accepted there."""


REFUSALS = (
    MovementRefusedError, PurchaseOrderRefusedError, ReasonRefusedError, ReturnRefusedError, SnapshotRefusedError,
    TransferRefusedError,
)  # fmt: skip
"""What makes no sense though each field by itself does."""


def read_event(raw: bytes, source: str, reasons: Collection[str] = REASONS) -> Stated:
    """One event of JSON as the ledger takes it. Raises EventRefusedError."""
    try:
        stated = ONE.validate_json(raw)
    except ValidationError as error:
        raise EventRefusedError("; ".join(_faults(error))) from error
    try:
        return _stated(stated, source, reasons)
    except REFUSALS as error:
        raise EventRefusedError(str(error)) from error


def _stated(stated: Everything, source: str, reasons: Collection[str]) -> Stated:
    match stated:
        case Counted():
            return _count(stated, source)
        case Ordered():
            return snapshot_of(stated, source)
        case PurchaseOrdered() | PurchaseDelivered() | PurchaseClosed():
            return purchase_of(stated, source)
        case Returned() | Inspected():
            return _return(stated, source)
        case TransferClosed():
            require_reason(EventKind.WRITE_OFF, stated.reason, reasons)
            return _transfer(stated, stated.transfer, source)
        case TransferOut(transfer=str(transfer)) | TransferIn(transfer=str(transfer)):
            return _transfer(stated, transfer, source)
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


STEPS = {"transfer_out": Step.SEND, "transfer_in": Step.RECEIVE, "transfer_close": Step.CLOSE}


def _transfer(
    stated: TransferOut | TransferIn | TransferClosed, transfer: str, source: str
) -> TransferStatement:
    leaves = isinstance(stated, TransferOut)
    return TransferStatement(
        source,
        stated.id,
        transfer,
        STEPS[stated.kind],
        {stated.sku: stated.quantity},
        stated.occurred_at,
        stated.location if leaves else "",
        stated.to_location if isinstance(stated, TransferOut) else stated.location,
        stated.reason,
    )


def _count(stated: Counted, source: str) -> Count:
    return Count(
        source,
        stated.id,
        stated.sku,
        stated.location,
        stated.quantity,
        CountMeaning(stated.meaning),
        stated.as_of,
        stated.base_version,
        stated.reason,
    )


def _movement(stated: Movements, source: str) -> Movement:
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


def _faults(error: ValidationError) -> Iterator[str]:
    """Each wrong field with what is accepted; what was given is not repeated."""
    for fault in error.errors(include_url=False, include_input=False, include_context=True):
        # The first part of a place is the kind, which chose the fields.
        field = ".".join(str(part) for part in fault["loc"][1:])
        match fault["type"]:
            case "union_tag_invalid":
                yield f"kind: accepted: {fault['ctx']['expected_tags']}"
            case "union_tag_not_found":
                yield f"kind: is missing; accepted: {', '.join(map(repr, KINDS))}"
            case "missing":
                yield f"{field}: is missing"
            case "extra_forbidden":
                yield f"{field[:50]}: there is no such field"
            case "timezone_aware" | "datetime_type" | "datetime_parsing" | "datetime_from_date_parsing":
                yield f"{field}: accepted: a moment with its time zone, for example {EXAMPLE_MOMENT}"
            case "string_pattern_mismatch":
                yield f"{field}: accepted: text without control characters"
            case _:
                said = fault["msg"].removeprefix("Input should be ").removeprefix("Input should have ")
                yield f"{field or 'event'}: accepted: {said.removeprefix('String should have ')}"


def event_schemas() -> dict[str, Any]:
    """The schemas of a batch by name, for the documentation."""
    schema = EventBatch.model_json_schema(ref_template="#/components/schemas/{model}")
    parts: dict[str, Any] = schema.pop("$defs")
    return {**parts, "EventBatch": schema}


EXAMPLE_BATCH = {
    "events": [
        {
            "kind": "receipt",
            "id": "wms-2026-11-26-000417",
            "sku": "85123A",
            "location": "leeds",
            "quantity": 48,
            "occurred_at": EXAMPLE_MOMENT,
        },
        {
            "kind": "transfer_out",
            "id": "wms-2026-11-26-000418",
            "sku": "85123A",
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
            "sku": "85123A",
            "location": "leeds",
            "quantity": 1,
            "occurred_at": EXAMPLE_MOMENT,
            "order": {"channel": "shopify", "id": "5730012"},
        },
        {
            "kind": "inspection",
            "id": "wms-2026-11-26-000421",
            "sku": "85123A",
            "location": "leeds",
            "quantity": 1,
            "outcome": "damaged",
            "occurred_at": EXAMPLE_MOMENT,
            "order": {"channel": "shopify", "id": "5730012"},
        },
        {
            "kind": "write_off",
            "id": "wms-2026-11-26-000422",
            "sku": "85123A",
            "location": "leeds",
            "quantity": 1,
            "state": "damaged",
            "occurred_at": EXAMPLE_MOMENT,
            "reason": "damaged",
        },
        {
            "kind": "count",
            "id": "wms-2026-11-26-000419",
            "sku": "22423",
            "location": "leeds",
            "quantity": 117,
            "meaning": "on_hand",
            "as_of": EXAMPLE_MOMENT,
        },
        EXAMPLE_ORDER,
        EXAMPLE_PURCHASE,
    ]
}
"""A batch as a warehouse system with a till sends it."""
