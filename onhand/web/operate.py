"""What an operator sees and does of the channels in real time: what arrives, pause and resume."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from onhand.ledger import work
from onhand.web import api
from onhand.web.answers import Answer
from onhand.web.arrivals import Arrivals
from onhand.web.errors import ApiError
from onhand.web.gate import operator_of
from onhand.web.waking import Waker

router = APIRouter(prefix="/api")


ChannelName = Annotated[str, Path(description="A channel's name.", examples=["shopify"], max_length=63)]


class Paused(Answer):
    """Whether a channel is paused now."""

    channel: str = Field(examples=["shopify"])
    paused: bool


class DoorCounts(Answer):
    """What came to one channel's webhook address since this process started."""

    channel: str = Field(examples=["shopify"])
    outcomes: dict[str, int] = Field(description="How often each.", examples=[{"kept": 512, "duplicate": 3}])
    unused_topics: dict[str, int] = Field(
        description="Topics that nobody here uses; unsubscribe from them.", examples=[{"carts/update": 9}]
    )
    wakeups_lost: int = Field(
        description="Signals to its intake and its publisher that Temporal did not take.", examples=[0]
    )


class Door(Answer):
    """Every channel."""

    channels: list[DoorCounts]


@router.get("/webhooks", tags=["channels"], summary="What arrived as webhooks", responses=api.errors())
async def webhooks(request: Request) -> Door:
    """Counted by this process since it started, by outcome; and topics that nobody here uses."""
    arrivals: Arrivals = request.app.state.arrivals
    wakers: tuple[Waker, ...] = (request.app.state.intake, request.app.state.publishing)
    return Door(
        channels=[
            DoorCounts(
                channel=name,
                outcomes=arrivals.outcomes(name),
                unused_topics=dict(arrivals.unused_topics(name)),
                wakeups_lost=sum(waker.lost[name] for waker in wakers),
            )
            for name in api.settings_of(request).enabled_channels()
        ]
    )


@router.post(
    "/channels/{name}/pause",
    tags=["channels"],
    summary="Stop publishing to a channel",
    responses=api.errors(401, 403, 404, 422),
)
async def pause_channel(
    request: Request,
    name: ChannelName,
    note: Annotated[
        str, Query(description="Why, for people.", max_length=200, examples=["stocktaking"])
    ] = "",
) -> Paused:
    """What changes meanwhile waits, and sync runs skip it; orders of the channel are still taken."""
    if not await work.pause(api.pool_of(request), name, note, operator_of(request).name):
        raise unknown_channel(request, name)
    _signal_publisher(request, name)
    return Paused(channel=name, paused=True)


@router.post(
    "/channels/{name}/resume",
    tags=["channels"],
    summary="Publish to a channel again",
    responses=api.errors(401, 403, 404, 422),
)
async def resume_channel(request: Request, name: ChannelName) -> Paused:
    """What waited goes out at once."""
    if not await work.resume(api.pool_of(request), name):
        raise unknown_channel(request, name)
    _signal_publisher(request, name)
    return Paused(channel=name, paused=False)


def _signal_publisher(request: Request, channel: str) -> None:
    publishing: Waker = request.app.state.publishing
    publishing.wake([channel])


def unknown_channel(request: Request, name: str) -> ApiError:
    """What is answered where there is no channel of that name."""
    known = ", ".join(api.settings_of(request).channels)
    return ApiError(404, "unknown_channel", f"there is no channel {name!r}", f"There are {known}.")
