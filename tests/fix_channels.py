"""Fixtures by which every channel adapter is tested against its sandbox, with a clock that never really waits.

A channel takes part by one module `tests/channels/case_<name>.py` with

    def case(clock: FakeClock, *, limits: bool = False) -> ChannelCase: ...

`limits=True` asks for a sandbox whose limits are so tight that about thirty calls in a row exceed them.
"""

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx
import pytest
from starlette.responses import Response
from starlette.types import ASGIApp

from onhand.channels.base import Channel, Condition, ItemRef
from onhand.sandbox.shop import Shop
from onhand.sandbox.traffic import Traffic

BASE_URL = "http://sandbox.test"
"""Where the sandbox of a case answers, at its root: no `/shopify` before the platform's own paths."""

CASES = sorted(path.stem for path in (Path(__file__).parent / "channels").glob("case_*.py"))


class FakeClock:
    """Time that passes only where somebody sleeps. `now` serves as epoch and as monotonic seconds alike."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start
        self.slept: list[float] = []

    def now(self) -> float:
        """Seconds, for whoever takes a clock."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    async def sleep(self, seconds: float) -> None:
        """In place of `asyncio.sleep`: time passes at once, other tasks get their turn."""
        self.slept.append(seconds)
        self._now += max(0.0, seconds)
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request an adapter sent, and the sandbox's answer (both fully read)."""

    request: httpx.Request
    response: httpx.Response


class MakeAdapter(Protocol):
    """Builds the adapter of a case, with the case's clock and sleep inside. `credentials_ok=False`: a wrong token."""

    def __call__(
        self, *, base_url: str, transport: httpx.AsyncBaseTransport | None, credentials_ok: bool = True
    ) -> Channel: ...


@dataclass(frozen=True, slots=True)
class ChannelCase:
    """What the conformance suite needs to know of one channel.

    `app` serves the platform's routes at the root. `places`: where levels may be written (`("",)` for a
    channel without places). `fill(count)` puts that many plain, tracked, writable items with level 0 at
    every place into the shop, and answers their references in the order of their sort keys (it may be
    called again: the new ones come after). `unknown` is a well-formed reference to nothing. `throttled`
    makes the answer the platform gives when its limit is exceeded. `secrets` are texts no error, repr or
    log may hold. `validator` raises AssertionError when an exchange breaks the platform's published
    contract; None when the contract files are not at hand. `tells`: the conditions a walk can tell besides selling.
    `hide` is a person on the platform who takes an item out of shoppers' sight, in a way that a walk can see.
    """

    name: str
    app: ASGIApp
    shop: Shop
    traffic: Traffic
    clock: FakeClock
    places: tuple[str, ...]
    make_adapter: MakeAdapter
    fill: Callable[[int], list[ItemRef]]
    unknown: ItemRef
    throttled: Callable[[], Response]
    secrets: tuple[str, ...]
    validator: Callable[[Exchange], None] | None
    hide: Callable[[ItemRef], None]
    tells: frozenset[Condition] = frozenset((Condition.HIDDEN, Condition.UNTRACKED, Condition.OVERSELLING))

    def truth(self, item: ItemRef, place: str) -> int | None:
        """The level the shop itself holds, after every delay of the platform has passed."""
        self.clock.advance(self.shop.visible_after_seconds + 1)
        return self.shop.level(number_of(item), place)


def number_of(item: ItemRef) -> str:
    """The id under which a sandbox shop keeps an item: the number at the end of what the channel calls it."""
    return item.item_id.rpartition("/")[2]


class MakeCase(Protocol):
    """A case module's `case`."""

    def __call__(self, clock: FakeClock, *, limits: bool = False) -> ChannelCase: ...


def load_case(name: str) -> MakeCase:
    """The `case` function of tests/channels/<name>.py."""
    make: MakeCase = importlib.import_module(f"tests.channels.{name}").case
    return make


@dataclass(slots=True)
class Wire(httpx.AsyncBaseTransport):
    """The way from an adapter to a sandbox app within this process; keeps every exchange."""

    app: ASGIApp
    exchanges: list[Exchange] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass it on to the app and keep both sides."""
        transport = httpx.ASGITransport(app=self.app)
        response = await transport.handle_async_request(request)
        await response.aread()
        response.request = request
        self.exchanges.append(Exchange(request, response))
        return response


@pytest.fixture
def clock() -> FakeClock:
    """Time for one test."""
    return FakeClock()


@pytest.fixture(params=CASES)
def make_case(request: pytest.FixtureRequest) -> MakeCase:
    """Each channel's way to make its case."""
    return load_case(request.param)


@pytest.fixture
def channel_case(make_case: MakeCase, clock: FakeClock) -> ChannelCase:
    """Each channel with its sandbox, limits off."""
    return make_case(clock)


@pytest.fixture
def wire(channel_case: ChannelCase) -> Wire:
    """The recorded way from the adapter to the sandbox."""
    return Wire(channel_case.app)


@pytest.fixture
async def channel(channel_case: ChannelCase, wire: Wire) -> AsyncIterator[Channel]:
    """The adapter of the case; afterwards everything it sent must keep to the platform's contract."""
    adapter = channel_case.make_adapter(base_url=BASE_URL, transport=wire)
    yield adapter
    await adapter.aclose()
    for exchange in wire.exchanges if channel_case.validator else ():
        assert channel_case.validator is not None
        channel_case.validator(exchange)
