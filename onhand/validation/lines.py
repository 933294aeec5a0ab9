"""One line of a history, as a file has it: what it may say, and what it stands for in the ledger."""

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from onhand.domain import movements
from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import QUANTITY_MAX, Entry, Event, EventKind, fingerprint
from onhand.domain.movements import Movement, MovementRefusedError
from onhand.domain.orders import OrderLine, OrderSnapshot, SnapshotRefusedError
from onhand.domain.sales import version_of
from onhand.domain.states import State

Fact = Event | OrderSnapshot | Count
"""What a line can stand for."""

SOURCE = "history"
"""Whose word a line is that does not say so."""


class LineRefusedError(ValueError):
    """A line cannot be taken; the message names what is wrong and what is accepted."""


class OrderedPieces(BaseModel):
    """One line of an order as it stood: `ordered` in the beginning, of these cancelled, fulfilled, and given back."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    line: str = Field(alias="id", min_length=1, max_length=200)
    sku: str = Field(min_length=1, max_length=200)
    location: str = Field(min_length=1, max_length=100)
    ordered: int = Field(ge=0, le=QUANTITY_MAX)
    cancelled: int = Field(default=0, ge=0)
    fulfilled: int = Field(default=0, ge=0)
    returned: int = Field(default=0, ge=0)


class HistoryLine(BaseModel):
    """An event of any kind. `at`: when it happened, was true (a count), or was last changed (an order).

    Kinds that are no plain movement (`return`, `inspection`, ...) say from which state (`origin`) to which (`target`)
    the units went.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    kind: EventKind
    id: str = Field(min_length=1, max_length=200)
    at: AwareDatetime
    source: str = Field(default=SOURCE, min_length=1, max_length=100)
    sku: str = Field(default="", max_length=200)
    location: str = Field(default="", max_length=100)
    quantity: int = Field(default=0, ge=-QUANTITY_MAX, le=QUANTITY_MAX)
    to_location: str = Field(default="", max_length=100)
    origin: State | None = Field(default=None, alias="from")
    target: State | None = Field(default=None, alias="to")
    meaning: CountMeaning = CountMeaning.AVAILABLE
    version: int | None = Field(default=None, ge=0, le=2**62)
    placed_at: AwareDatetime | None = None
    lines: tuple[OrderedPieces, ...] | None = None
    reason: str = Field(default="", max_length=200)


_LINE: TypeAdapter[HistoryLine] = TypeAdapter(HistoryLine)


def read_json(text: str) -> HistoryLine:
    """A line of JSON. Raises LineRefusedError."""
    try:
        return _LINE.validate_json(text)
    except ValidationError as error:
        raise LineRefusedError(_fault(error)) from error


def read_fields(fields: dict[str, Any]) -> HistoryLine:
    """The same from cells of a table; empty ones are left out before. Raises LineRefusedError."""
    try:
        return _LINE.validate_python(fields)
    except ValidationError as error:
        raise LineRefusedError(_fault(error)) from error


def stated_of(line: HistoryLine) -> Fact:
    """What the line stands for. Raises LineRefusedError."""
    try:
        if line.kind is EventKind.ORDER:
            return _order(line)
        if not line.sku or not line.location:
            raise LineRefusedError(f"a {line.kind} needs sku and location")
        return _count(line) if line.kind is EventKind.COUNT else _event(line)
    except (MovementRefusedError, SnapshotRefusedError) as error:
        raise LineRefusedError(str(error)) from error


def _order(line: HistoryLine) -> OrderSnapshot:
    if line.lines is None:
        raise LineRefusedError("an order needs its lines")
    return OrderSnapshot(
        channel=line.source,
        order_id=line.id,
        version=version_of(line.at) if line.version is None else line.version,
        occurred_at=line.at,
        lines=tuple(_pieces(pieces) for pieces in line.lines),
        placed_at=line.placed_at,
    )


def _pieces(pieces: OrderedPieces) -> OrderLine:
    waiting = pieces.ordered - pieces.cancelled - pieces.fulfilled
    if waiting < 0 or pieces.returned > pieces.fulfilled:
        raise LineRefusedError(
            f"line {pieces.line}: of {pieces.ordered} ordered {pieces.cancelled} are cancelled, {pieces.fulfilled} "
            f"fulfilled, and of these {pieces.returned} returned: that is more than there are"
        )
    kept = pieces.fulfilled - pieces.returned
    return OrderLine(pieces.line, pieces.sku, pieces.location, waiting, kept, returned=pieces.returned)


def _count(line: HistoryLine) -> Count:
    return Count(
        line.source,
        line.id,
        line.sku,
        line.location,
        line.quantity,
        line.meaning,
        line.at,
        reason=line.reason,
    )


def _event(line: HistoryLine) -> Event:
    if line.origin is None and line.target is None:
        return movements.event_of(_movement(line))
    if line.origin is None or line.target is None or line.quantity <= 0:
        raise LineRefusedError("give both states, from and to, and a quantity above 0")
    there = line.to_location or line.location
    return Event(
        source=line.source,
        external_id=line.id,
        kind=line.kind,
        occurred_at=line.at,
        entries=(
            Entry(line.sku, line.location, line.origin, -line.quantity),
            Entry(line.sku, there, line.target, line.quantity),
        ),
        fingerprint=fingerprint(
            line.kind, line.sku, line.location, there, line.origin, line.target, line.quantity
        ),
        detail={"reason": line.reason} if line.reason else {},
    )


def _movement(line: HistoryLine) -> Movement:
    moment: datetime = line.at
    return Movement(
        line.source,
        line.id,
        line.kind,
        line.sku,
        line.location,
        line.quantity,
        moment,
        line.to_location,
        line.reason,
    )


def _fault(error: ValidationError) -> str:
    """The first wrong field; what was given is not repeated, as it may be anything."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(str(part) for part in fault["loc"])
    said = fault["msg"].removeprefix("Input should be ").removeprefix("Input should have ")
    match fault["type"]:
        case "missing":
            return f"{field} is missing"
        case "extra_forbidden":
            return f"{field[:50]}: there is no such field"
        case "timezone_aware" | "datetime_from_date_parsing" | "datetime_parsing" | "datetime_type":
            return f"{field}: accepted: a moment with its time zone, for example 2026-11-26T17:30:00Z"
        case "json_invalid":
            return f"it is no JSON object: {said}"
        case _:
            return f"{field}: accepted: {said}" if field else said
