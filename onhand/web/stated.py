"""What POST /events takes: events as a warehouse system, a till or an ERP states them, each checked by itself.

Strict: a number is a number and no text, a moment has a time zone, and a field that is not known is refused, because a
misspelt one would otherwise be lost unnoticed.
"""

from collections.abc import Collection, Iterator
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import QUANTITY_MAX
from onhand.domain.movements import MovementRefusedError
from onhand.domain.orders import SnapshotRefusedError
from onhand.domain.purchase_orders import PurchaseOrderRefusedError
from onhand.domain.reasons import REASONS, ReasonRefusedError
from onhand.domain.returns import ReturnRefusedError
from onhand.domain.transfers import TransferRefusedError
from onhand.ledger.stated import Stated
from onhand.web.stated_moves import EXAMPLE_MOVES, MOVE_KINDS, Moves, OfSku, move_of
from onhand.web.stated_orders import EXAMPLE_ORDER, Ordered, snapshot_of
from onhand.web.stated_purchases import (
    EXAMPLE_PURCHASE,
    PURCHASE_KINDS,
    PurchaseClosed,
    PurchaseDelivered,
    PurchaseOrdered,
    PurchasePutOff,
    Purchases,
    purchase_of,
)
from onhand.web.strict import EXAMPLE_MOMENT

EVENTS_MAX = 500
"""Most events of one request; a client with more sends more requests."""


class Counted(OfSku):
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


Everything = Moves | Counted | Ordered | Purchases
KINDS = (*MOVE_KINDS, "count", "order", *PURCHASE_KINDS)
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
        case PurchaseOrdered() | PurchaseDelivered() | PurchasePutOff() | PurchaseClosed():
            return purchase_of(stated, source)
        case _:
            return move_of(stated, source, reasons)


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
        *EXAMPLE_MOVES,
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
