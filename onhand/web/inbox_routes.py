"""What channels delivered, for an operator: look at it, have poison taken once more, or close it."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from onhand.ledger import inbox
from onhand.ledger.inbox import InboxOutcome, InboxRow
from onhand.waking import close_poison
from onhand.web import api
from onhand.web.answers import Answer
from onhand.web.backends import Backends
from onhand.web.errors import ApiError
from onhand.web.gate import operator_of
from onhand.web.waking import Waker

router = APIRouter(prefix="/api")

log = structlog.get_logger(__name__)

INBOX_MAX = 500
WAITING = "waiting"
SHOW_SECONDS_MAX = 5.0
"""For Temporal to be told of what an operator did; the answer does not wait for longer."""

DeliveryNumber = Annotated[int, Path(description="A delivery's number.", examples=[417], ge=1, le=2**63 - 1)]


class InboxDelivery(Answer):
    """One delivery as it is in the inbox: reduced to what stock needs, without a word about the buyer."""

    id: int = Field(examples=[417])
    channel: str = Field(examples=["shopify"])
    kind: str = Field(description='"order", "order_hint", "level" or "other".', examples=["order"])
    topic: str = Field(description="The platform's word.", examples=["orders/updated"])
    subject: str = Field(description="The id of the order or item.", examples=["5876543210"])
    received_at: datetime
    outcome: str | None = Field(
        description='"posted", "unchanged", "stale", "echo", "noted", "poison" or "dismissed"; null while it waits.',
        examples=["poison"],
    )
    settled_at: datetime | None
    reason: str = Field(description="Why, where the outcome does not say it.", examples=["SKU 99 is unknown"])
    dismissed_by: str = Field(description="Who said that nothing has to be done about it; else empty.")
    dismissed_because: str = Field(description="Why.", examples=["the order was cancelled by hand"])
    body: dict[str, Any] | None = Field(
        default=None, description="What was kept of it; only where one delivery is asked for."
    )

    @classmethod
    def build(cls, row: InboxRow) -> "InboxDelivery":
        """From the ledger's record."""
        return cls(
            id=row.inbox_id,
            channel=row.channel,
            kind=row.kind,
            topic=row.topic,
            subject=row.subject,
            received_at=row.received_at,
            outcome=row.outcome,
            settled_at=row.settled_at,
            reason=row.reason,
            dismissed_by=row.dismissed_by,
            dismissed_because=row.dismissed_because,
            body=None if row.body is None else dict(row.body),
        )


class InboxList(Answer):
    """Deliveries, the newest first."""

    deliveries: list[InboxDelivery]


class Replayed(Answer):
    """What was put back into the inbox."""

    id: int = Field(examples=[417])
    channel: str = Field(examples=["shopify"])


class Dismissed(Answer):
    """Poison that is closed."""

    id: int = Field(examples=[417])
    channel: str = Field(examples=["shopify"])
    dismissed_by: str = Field(description="The client that asked.", examples=["ops"])
    shown: bool = Field(
        description="Whether Temporal was told; otherwise its Web UI goes on showing the delivery as failed."
    )


@router.get("/inbox", tags=["channels"], summary="Deliveries of channels", responses=api.errors(422))
async def list_inbox(
    request: Request,
    channel: Annotated[str | None, Query(description="Only this channel.", max_length=63)] = None,
    outcome: Annotated[
        str | None,
        Query(
            description='Only this outcome; "waiting": none yet.',
            pattern=f"^({'|'.join([WAITING, *InboxOutcome])})$",
            examples=["poison"],
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=INBOX_MAX, description="How many at most.")] = 50,
) -> InboxList:
    """The newest first. Poison waits for somebody to mend what is wrong, and to replay it."""
    rows = await inbox.listed(api.pool_of(request), channel, outcome, limit)
    return InboxList(deliveries=[InboxDelivery.build(row) for row in rows])


@router.get("/inbox/{number}", tags=["channels"], summary="One delivery", responses=api.errors(404, 422))
async def show_delivery(request: Request, number: DeliveryNumber) -> InboxDelivery:
    """With what was kept of it."""
    row = await inbox.one(api.pool_of(request), number)
    if row is None:
        raise _unknown_delivery(number)
    return InboxDelivery.build(row)


@router.post(
    "/inbox/{number}/replay",
    tags=["channels"],
    summary="Take poison once more",
    responses=api.errors(401, 403, 404, 409, 422),
)
async def replay_delivery(request: Request, number: DeliveryNumber) -> Replayed:
    """Put it back into the inbox, after what was wrong is mended. Nothing else of the channel waits for it."""
    pool = api.pool_of(request)
    channel = (await inbox.replay(pool, [number])).get(number)
    if channel is None:
        raise _not_replayed(number, await inbox.one(pool, number))
    intake: Waker = request.app.state.intake
    intake.wake([channel])
    return Replayed(id=number, channel=channel)


@router.post(
    "/inbox/{number}/dismiss",
    tags=["channels"],
    summary="Close poison without taking it",
    responses=api.errors(401, 403, 404, 409, 422),
)
async def dismiss_delivery(
    request: Request,
    number: DeliveryNumber,
    note: Annotated[
        str,
        Query(
            description="Why nothing has to be done about it; kept with it.",
            min_length=1,
            max_length=200,
            examples=["the order was cancelled by hand"],
        ),
    ],
) -> Dismissed:
    """For what cannot be replayed, or need not be. It is kept with who asked and why, and is no poison any more."""
    pool = api.pool_of(request)
    who = operator_of(request).name
    rows = await inbox.dismiss(pool, [number], who, note)
    if not rows:
        raise _not_dismissed(number, await inbox.one(pool, number))
    shown = await _show_closed(api.backends_of(request), rows[0])
    return Dismissed(id=number, channel=rows[0].channel, dismissed_by=who, shown=shown)


async def _show_closed(backends: Backends, row: InboxRow) -> bool:
    try:
        async with asyncio.timeout(SHOW_SECONDS_MAX):
            return await close_poison(await backends.temporal(), row)
    except Exception as error:
        # The inbox has it; that the Web UI goes on showing a failed workflow is told in the answer.
        log.warning(
            "a dismissed delivery is still shown as failed in Temporal",
            channel=row.channel,
            delivery=row.inbox_id,
            problem=type(error).__name__,
        )
        return False


def _unknown_delivery(number: int) -> ApiError:
    return ApiError(
        404,
        "unknown_delivery",
        f"there is no delivery {number}",
        "GET /api/inbox lists the deliveries there are.",
    )


def _not_dismissed(number: int, row: InboxRow | None) -> ApiError:
    return _unknown_delivery(number) if row is None else _not_poison(row, "There is nothing to dismiss.")


def _not_poison(row: InboxRow, advice: str) -> ApiError:
    said = f"delivery {row.inbox_id} is not poison: {row.outcome or WAITING}"
    return ApiError(409, "not_poison", said, advice)


def _not_replayed(number: int, row: InboxRow | None) -> ApiError:
    if row is None:
        return _unknown_delivery(number)
    if row.outcome != InboxOutcome.POISON:
        return _not_poison(row, "It needs no replay.")
    return ApiError(
        409,
        "nothing_kept",
        f"nothing of delivery {number} could be read, so nothing was kept of it",
        f"Correct it on the channel: the order sweep takes what is there. Then POST /api/inbox/{number}/dismiss.",
    )
