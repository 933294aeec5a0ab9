"""Holds: runs that would have changed too much of a channel at once, and letting one go."""

import asyncio
from datetime import datetime

import structlog
from fastapi import APIRouter, Request
from pydantic import Field

from onhand import guard
from onhand.ledger import holds
from onhand.ledger.holds import HeldRun
from onhand.messages import SyncRequest
from onhand.runs import start
from onhand.web import api
from onhand.web.answers import Answer
from onhand.web.errors import ApiError
from onhand.web.gate import operator_of
from onhand.web.operate import ChannelName, unknown_channel

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/api")

START_SECONDS_MAX = 10.0
"""With connecting to Temporal, where that was not done before."""


class Hold(Answer):
    """What waits for a person, or was released and is not sent yet."""

    channel: str = Field(examples=["shopify"])
    kind: str = Field(
        description='"sync": a run; "reconciliation": the repair of what was read back.', examples=["sync"]
    )
    run: str = Field(
        description="The run that was held last, or that sends what was released.",
        examples=["sync-run-2026-11-21T07:00:00Z"],
    )
    held_at: datetime = Field(description="When it was held first.")
    reason: str = Field(examples=["it would empty 240 of 300 listings (80 %), and move 4,512 pieces in all"])
    listings: int = Field(description="Listings of the channel.", examples=[300])
    changing: int = Field(description="Of these, how many would show another number.", examples=[240])
    zeroing: int = Field(description="Of these, how many would show nothing.", examples=[240])
    units: int = Field(description="Pieces by which levels would move in all.", examples=[4_512])
    released_at: datetime | None
    released_by: str = Field(examples=["warehouse"])

    @classmethod
    def build(cls, hold: HeldRun) -> "Hold":
        """From the ledger's record."""
        return cls(
            channel=hold.channel,
            kind=hold.kind,
            run=hold.run_id,
            held_at=hold.held_at,
            reason=hold.reason,
            listings=hold.tally.listings,
            changing=hold.tally.changing,
            zeroing=hold.tally.zeroing,
            units=hold.tally.units,
            released_at=hold.released_at,
            released_by=hold.released_by,
        )


class Holds(Answer):
    """Every hold, by channel."""

    holds: list[Hold]


class Released(Answer):
    """What was let go."""

    channel: str = Field(examples=["shopify"])
    run: str | None = Field(
        description="The run that was started to send it; null where the next one does: it was no run that was held, "
        "or Temporal did not answer.",
        examples=["sync-run-by-hand-2026-11-21T07:04:12.345Z"],
    )


@router.get("/holds", tags=["runs"], summary="What is held", responses=api.errors())
async def list_holds(request: Request) -> Holds:
    """Runs that would change too much of a channel at once. Nothing of them is sent until somebody releases it."""
    return Holds(holds=[Hold.build(hold) for hold in await holds.of_channels(api.pool_of(request))])


@router.post(
    "/channels/{name}/release",
    tags=["runs"],
    summary="Let a run that was held go",
    responses=api.errors(401, 403, 404, 409, 422),
)
async def release_channel(request: Request, name: ChannelName) -> Released:
    """The channel may be sent as much as is wanted in this moment, and no more; a run that does it is started."""
    pool, settings = api.pool_of(request), api.settings_of(request)
    if name not in settings.enabled_channels():
        raise unknown_channel(request, name)
    standing = [hold for hold in await holds.of_channels(pool, [name]) if hold.stands]
    if not standing:
        raise ApiError(409, "not_held", f"nothing is held on {name!r}", "GET /api/holds lists what is held.")
    for hold in standing:
        is_run = hold.kind == "sync"
        tally = await guard.weigh(pool, name, settings.rule_book()) if is_run else hold.tally
        await guard.release(pool, hold, tally, by=f"{operator_of(request).name} (web)")
    started = await _start(request, name) if any(hold.kind == "sync" for hold in standing) else None
    return Released(channel=name, run=started)


async def _start(request: Request, channel: str) -> str | None:
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            client = await api.backends_of(request).temporal()
            handle = await start(client, SyncRequest(channels=[channel], trigger="operator"))
    except Exception as error:
        # Whatever it was: it is released, and the scheduled run sends it.
        log.warning(
            "the run of what was released could not be started; the next one sends it",
            channel=channel,
            problem=type(error).__name__,
        )
        return None
    return handle.id
