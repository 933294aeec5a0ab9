"""What POST /events takes: events as a warehouse system, a till or an ERP states them, each checked by itself.

Strict: a number is a number and no text, a moment has a time zone, and a field that is not known is refused, because a
misspelt one would otherwise be lost unnoticed.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from onhand.domain import movements
from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import QUANTITY_MAX, EventKind
from onhand.domain.movements import Movement
from onhand.domain.orders import OrderSnapshot, SnapshotRefusedError
from onhand.domain.purchase_orders import PurchaseOrderRefusedError
from onhand.ledger.stated import Stated
from onhand.web.stated_orders import EXAMPLE_ORDER, Ordered, snapshot_of
from onhand.web.stated_purchases import EXAMPLE_PURCHASE, PURCHASE_KINDS, Purchases, purchase_of
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


class Receipt(_Moved):
    """Units came in from a supplier."""

    kind: Literal["receipt"]
    quantity: Units = Field(examples=[48])


class Adjustment(_Moved):
    """A correction: units were found (above 0) or are missing (below 0)."""

    kind: Literal["adjustment"]
    quantity: Annotated[int, Field(ge=-QUANTITY_MAX, le=QUANTITY_MAX)] = Field(
        description="Not 0.", examples=[-2]
    )


class WriteOff(_Moved):
    """Units are gone: broken, stolen, out of date."""

    kind: Literal["write_off"]
    quantity: Units = Field(examples=[1])


class TransferOut(_Moved):
    """Units left for another location; they are on their way until a transfer_in there."""

    kind: Literal["transfer_out"]
    quantity: Units = Field(examples=[12])
    to_location: Code = Field(description="Where they go.", examples=["london"])


class TransferIn(_Moved):
    """Units that were on their way arrived at `location`."""

    kind: Literal["transfer_in"]
    quantity: Units = Field(examples=[12])


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
KINDS = (
    "receipt", "adjustment", "write_off", "transfer_out", "transfer_in", "count", "order", *PURCHASE_KINDS,
)  # fmt: skip
StatedEvent = Annotated[Movements | Counted | Ordered | Purchases, Field(discriminator="kind")]

ONE: TypeAdapter[Movements | Counted | Ordered | Purchases] = TypeAdapter(StatedEvent)


class EventBatch(BaseModel):
    """Up to 500 events. Movements are posted first, then purchase orders, orders and counts.

    Each event has a verdict of its own.
    """

    events: list[StatedEvent] = Field(min_length=1, max_length=EVENTS_MAX)


class EventRefusedError(ValueError):
    """An event cannot be taken; the message names each wrong field and what is accepted there."""


def read_event(raw: bytes, source: str) -> Stated:
    """One event of JSON as the ledger takes it. Raises EventRefusedError."""
    try:
        stated = ONE.validate_json(raw)
    except ValidationError as error:
        raise EventRefusedError("; ".join(_faults(error))) from error
    if isinstance(stated, Counted):
        return _count(stated, source)
    if isinstance(stated, Ordered):
        return _order(stated, source)
    if isinstance(stated, Purchases):
        return _purchase(stated, source)
    try:
        return movements.event_of(_movement(stated, source))
    except movements.MovementRefusedError as error:
        raise EventRefusedError(str(error)) from error


def _order(stated: Ordered, source: str) -> OrderSnapshot:
    try:
        return snapshot_of(stated, source)
    except SnapshotRefusedError as error:
        raise EventRefusedError(str(error)) from error


def _purchase(stated: Purchases, source: str) -> Stated:
    try:
        return purchase_of(stated, source)
    except PurchaseOrderRefusedError as error:
        raise EventRefusedError(str(error)) from error


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
            "reason": "fill up the shop",
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
