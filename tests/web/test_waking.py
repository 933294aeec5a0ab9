"""Wake-ups in the background: nobody waits for Temporal, and one that is lost is counted."""

import asyncio
from collections.abc import Iterable
from typing import Any

from structlog.testing import capture_logs
from temporalio.client import Client

from onhand.web import waking
from onhand.web.waking import Waker


class Temporal:
    """Takes signals when a test lets it."""

    def __init__(self) -> None:
        self.signals: list[str] = []
        self.open = asyncio.Event()
        self.taken = True
        self.failure: Exception | None = None

    async def client(self) -> Any:
        if self.failure:
            raise self.failure

    async def signal(self, client: Client, channels: Iterable[str]) -> bool:
        self.signals += channels
        await self.open.wait()
        return self.taken


async def test_waking_returns_at_once_and_signals_each_channel() -> None:
    """Goal: the caller waits for nothing; channels do not wait for one another."""
    temporal = Temporal()
    waker = Waker("Intake", temporal.client, temporal.signal)
    waker.wake(["a", "b"])
    assert temporal.signals == []
    await asyncio.sleep(0.01)
    assert temporal.signals == ["a", "b"]
    temporal.open.set()
    await waker.settled()
    assert waker.lost == {}


async def test_wake_ups_during_a_signal_make_one_more() -> None:
    """Goal: a hundred wake-ups of one channel are two signals, and none is forgotten."""
    temporal = Temporal()
    waker = Waker("Intake", temporal.client, temporal.signal)
    waker.wake(["a"])
    await asyncio.sleep(0.01)
    for _ in range(99):
        waker.wake(["a"])
    temporal.open.set()
    await waker.settled()
    assert temporal.signals == ["a", "a"]
    waker.wake(["a"])
    await waker.settled()
    assert temporal.signals == ["a", "a", "a"]


async def test_what_temporal_does_not_take_is_counted_and_raises_nothing(monkeypatch: Any) -> None:
    """Goal: refused, unreachable or silent: the sweep makes up for it, and the next wake-up is tried anew."""
    monkeypatch.setattr(waking, "SIGNAL_SECONDS_MAX", 0.05)
    temporal = Temporal()
    waker = Waker("Intake", temporal.client, temporal.signal)
    waker.wake(["silent"])
    await waker.settled()
    temporal.open.set()
    temporal.taken = False
    waker.wake(["refused"])
    await waker.settled()
    temporal.failure = RuntimeError("no server at planted address")
    waker.wake(["unreachable"])
    await waker.settled()
    assert waker.lost == {"silent": 1, "refused": 1, "unreachable": 1}
    temporal.failure, temporal.taken = None, True
    waker.wake(["unreachable"])
    await waker.settled()
    assert waker.lost["unreachable"] == 1


async def test_an_outage_is_logged_once_and_its_end_too() -> None:
    """Goal: a thousand lost wake-ups are one line, and the log says when they get through again."""
    temporal = Temporal()
    temporal.open.set()
    temporal.taken = False
    waker = Waker("Intake", temporal.client, temporal.signal)
    with capture_logs() as logged:
        for channel in ("a", "b", "a"):
            waker.wake([channel])
            await waker.settled()
        temporal.taken = True
        for channel in ("a", "b"):
            waker.wake([channel])
            await waker.settled()
        temporal.taken = False
        waker.wake(["a"])
        await waker.settled()
    assert [(line["event"], line.get("channel"), line.get("lost")) for line in logged] == [
        ("wake-ups do not reach Temporal; the periodic sweep makes up for them", "a", None),
        ("wake-ups reach Temporal again", None, 3),
        ("wake-ups do not reach Temporal; the periodic sweep makes up for them", "a", None),
    ]
    assert waker.lost == {"a": 3, "b": 1}
