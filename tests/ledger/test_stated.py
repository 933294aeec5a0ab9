"""Batches of movements and counts: one transaction, and a deadlock between two of them begins again, unseen."""

import asyncio
from datetime import UTC, datetime

import pytest
from psycopg.errors import DeadlockDetected

from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import Event, EventKind
from onhand.domain.movements import Movement, event_of
from onhand.ledger import stated
from onhand.ledger.database import Pool
from onhand.ledger.posting import Verdict
from onhand.ledger.stated import post_stated

AT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)


def crossing(source: str, moved: str, counted: str) -> list[Event | Count]:
    """A movement of one SKU and a count of another."""
    return [
        event_of(Movement(source, f"{moved}+1", EventKind.RECEIPT, moved, "leeds", 1, AT)),
        Count(source, f"{counted}=5", counted, "leeds", 5, CountMeaning.AVAILABLE, AT),
    ]


class Meeting:
    """Holds every batch between its movements and its counts until both have come so far, so that they must collide."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.deadlocks = 0
        self._both = asyncio.Barrier(2)
        self._post_counts, self._post = stated._post_counts, stated._post
        monkeypatch.setattr(stated, "_post_counts", self.post_counts)
        monkeypatch.setattr(stated, "_post", self.post)

    async def post_counts(self, *given: object) -> object:
        if self.deadlocks == 0:
            await self._both.wait()
        return await self._post_counts(*given)

    async def post(self, *given: object) -> object:
        try:
            return await self._post(*given)
        except DeadlockDetected:
            self.deadlocks += 1
            raise


async def test_batches_that_lock_crosswise_both_get_in(shop: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: A then B here, B then A there, at once: Postgres ends one of them, and it is posted all the same."""
    meeting = Meeting(monkeypatch)
    found = await asyncio.gather(
        post_stated(shop, crossing("client/one", "A", "B")),
        post_stated(shop, crossing("client/two", "B", "A")),
    )
    assert meeting.deadlocks > 0, "they did collide; how often is Postgres's own matter"
    assert [answer.verdict for batch in found for answer in batch.answers] == [Verdict.POSTED] * 4


async def test_a_deadlock_that_does_not_end_is_told(shop: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: the negative control, and the bound: a batch that does not begin again fails, and posts nothing."""
    monkeypatch.setattr(stated, "TRIES", 1)
    Meeting(monkeypatch)
    found = await asyncio.gather(
        post_stated(shop, crossing("client/one", "A", "B")),
        post_stated(shop, crossing("client/two", "B", "A")),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in found) == ["DeadlockDetected", "PostedBatch"]
    async with shop.connection() as connection:
        cursor = await connection.execute("SELECT count(*), count(DISTINCT source) FROM event")
        assert await cursor.fetchone() == (2, 1)


async def test_nothing_stated_is_nothing_posted(shop: Pool) -> None:
    """Goal: a batch of which everything was refused before asks the database nothing."""
    found = await post_stated(shop, [])
    assert (found.answers, found.woken) == ([], set())
