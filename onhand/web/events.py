"""POST /events: any system states what physically happened, and hears of each event what became of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
from fastapi import APIRouter, Request
from pydantic import Field

from onhand.domain.orders import OrderSnapshot
from onhand.ledger.posting import Posted
from onhand.ledger.stated import Judging, Stated, post_stated
from onhand.settings import Scope, Settings
from onhand.web import api
from onhand.web.answers import Answer
from onhand.web.bodies import headers_of, read_body
from onhand.web.errors import ApiError
from onhand.web.gate import Gate
from onhand.web.stated import EVENTS_MAX, EXAMPLE_BATCH, EventRefusedError, read_event
from onhand.web.waking import Waker

router = APIRouter(tags=["events"])

REFUSED = "refused"


class EventVerdict(Answer):
    """What became of one event, in the order they were sent."""

    id: str | None = Field(
        description="The event's or order's id, as it was sent.", examples=["wms-2026-11-26-000417"]
    )
    verdict: str = Field(
        description='"posted"; "duplicate": it was posted before, nothing was changed; "conflict": its id was posted '
        'before with other content, a count cannot be re-based, or only another party counts there; "unknown": it '
        'names a SKU or location that is not known; "kit": it moves stock of a kit, which has none of its own; '
        '"unchanged": a count or an order that says what the ledger has; "stale": of this order, or shelf, something '
        'newer was taken before; "outvoted": a count that another authority for the location contradicts with a lower '
        'or newer number, see `message`; "refused": it makes no sense. All but "posted" changed nothing.',
        examples=["posted"],
    )
    event_id: int | None = Field(
        description="Its (first) number in the ledger, where it has one.", examples=[90417]
    )
    message: str = Field(description="Why, where it was not taken.", examples=[""])


class Verdicts(Answer):
    """One verdict for each event. 200 says that the batch was understood, not that every event was taken."""

    verdicts: list[EventVerdict]


@router.post(
    "/events",
    summary="State what happened to stock",
    responses=api.errors(401, 403, 413, 422),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/EventBatch"},
                    "example": EXAMPLE_BATCH,
                }
            },
        },
        "security": [{"token": []}, {"signature": []}],
    },
)
async def post_events(request: Request) -> Verdicts:
    """Up to 500 events; those that can be taken are posted in one transaction, also where others are refused.

    Every event has an id of yours, and is posted once, however often it is sent: after a lost answer, send the same
    again. An order is stated whole, whenever it changes, under the same id; what differs from what was taken of it is
    posted, so statements may come twice, late, in any order, or be missed. Nothing about the buyer is accepted. What
    changed is on its way to the channels when this answers.

    Authentication: `Authorization: Bearer <token>`; or the headers `X-Onhand-Client` (the client's name),
    `X-Onhand-Time` (seconds since 1970) and `X-Onhand-Signature`: `sha256=` and the HMAC-SHA256, in hex, of the time,
    a full stop and the raw body. The client needs the scope `events`.
    """
    headers = headers_of(request.scope)
    body = await read_body(headers, request.receive)
    gate: Gate = request.app.state.gate
    caller = gate.require(gate.caller(headers, body), Scope.EVENTS)
    items = _items(body)
    settings = api.settings_of(request)
    readings = [_read(item, f"client/{caller.name}", settings.movements.reasons) for item in items]
    taken = [
        _of_partner(reading, settings, caller.name)
        for reading in readings
        if not isinstance(reading, EventRefusedError)
    ]
    posted = await post_stated(api.pool_of(request), taken, _judging(settings, caller.name))
    publishing: Waker = request.app.state.publishing
    publishing.wake(posted.woken)
    return Verdicts(verdicts=_verdicts(items, readings, posted.answers))


def _judging(settings: Settings, client: str) -> Judging:
    section = settings.clients.get(client)
    locations = frozenset() if section is None else frozenset(section.authority_for)
    return Judging(locations, timedelta(seconds=settings.sync.authority_window_seconds))


def _of_partner(stated: Stated, settings: Settings, client: str) -> Stated:
    """Orders of a client that sells for a wholesale partner draw on the partner's programmes."""
    section = settings.clients.get(client)
    if section is None or section.partner is None or not isinstance(stated, OrderSnapshot):
        return stated
    return replace(stated, partner=section.partner)


def _items(body: bytes) -> list[Any]:
    try:
        batch = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _not_understood("the body is no JSON") from error
    items = batch.get("events") if isinstance(batch, dict) else None
    if not isinstance(items, list) or set(batch) != {"events"}:
        raise _not_understood('the body is not of the form {"events": [...]}')
    if not 1 <= len(items) <= EVENTS_MAX:
        raise _not_understood(f"events: accepted: 1 to {EVENTS_MAX}, {len(items)} were sent")
    return items


def _not_understood(message: str) -> ApiError:
    return ApiError(422, "not_understood", message, "See /docs for what is accepted. Nothing was posted.")


def _read(item: Any, source: str, reasons: Sequence[str]) -> Stated | EventRefusedError:
    try:
        return read_event(orjson.dumps(item), source, reasons)
    except EventRefusedError as error:
        return error


def _verdicts(
    items: Sequence[Any], readings: Sequence[Stated | EventRefusedError], answers: Sequence[Posted]
) -> list[EventVerdict]:
    given = iter(answers)
    return [
        _refused(item, reading) if isinstance(reading, EventRefusedError) else _posted(reading, next(given))
        for item, reading in zip(items, readings, strict=True)
    ]


def _refused(item: Any, reason: EventRefusedError) -> EventVerdict:
    named = item.get("id") if isinstance(item, dict) else None
    return EventVerdict(
        id=named if isinstance(named, str) else None, verdict=REFUSED, event_id=None, message=str(reason)
    )


def _posted(stated: Stated, answer: Posted) -> EventVerdict:
    named = stated.order_id if isinstance(stated, OrderSnapshot) else stated.external_id
    return EventVerdict(
        id=named, verdict=answer.verdict.value, event_id=answer.event_id, message=answer.message
    )
