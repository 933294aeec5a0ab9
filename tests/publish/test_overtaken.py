"""Two errands on one listing, of which the slower one knows less: nothing that is old stays on a channel.

A newer look finds a level right as it is, and settles the listing; the older one still tells what it had decided
before. Whichever comes first, the listing is looked at again. Method: the other errand is put exactly between two
steps of the first.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from onhand.channels.base import LevelWrite, WriteResult
from onhand.ledger import levels
from onhand.publish import Errand, bring_to_targets
from onhand.publish import bring as bring_module
from tests.fix_ledger import sql
from tests.fix_selling import Selling
from tests.memory_channel import MemoryChannel
from tests.publish.shelves import LIVE, adjust, books, ids_of, waiting


async def tell(selling: Selling, channel: MemoryChannel, errand: Errand | None = None) -> dict[Any, str]:
    """One errand for A on a channel, live unless said otherwise."""
    listings = await ids_of(selling.pool, channel.name, ["A"])
    return await bring_to_targets(selling.pool, channel, LIVE, listings, errand or Errand(live=True), set())


def once(monkeypatch: pytest.MonkeyPatch, target: Any, name: str, between: Callable[[], Any]) -> None:
    """Put something before the next call of a function; the calls after it are left alone."""
    original = getattr(target, name)

    async def first(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(target, name, original)
        await between()
        return await original(*given, **named)

    monkeypatch.setattr(target, name, first)


@pytest.mark.parametrize("errand", [Errand(live=True), Errand()], ids=["publisher", "run"])
async def test_a_level_that_was_settled_before_the_claim_is_looked_at_again(
    selling: Selling, monkeypatch: pytest.MonkeyPatch, errand: Errand
) -> None:
    """Goal: an errand that was overtaken between its look and its claim leaves no old level.

    It wants to tell 99; then the unit is back, and another finds that 100 is right, which is what it shows.
    """
    await adjust(selling.pool, "less", "A", -1)

    async def overtake() -> None:
        await adjust(selling.pool, "more", "A", 1)
        assert list((await tell(selling, selling.web, errand)).values()) == ["unchanged"]
        assert "web-A" not in await waiting(selling.pool)

    once(monkeypatch, levels, "claim_believed", overtake)
    assert list((await tell(selling, selling.web)).values()) == ["changed"]
    assert selling.web.levels["web-A", ""] == 99
    assert "web-A" in await waiting(selling.pool), "what was told is old, and somebody has to look"
    assert list((await tell(selling, selling.web)).values()) == ["changed"]
    assert selling.web.levels["web-A", ""] == 100
    assert "web-A" not in await waiting(selling.pool)


@pytest.mark.parametrize("finished", [False, True], ids=["in its call", "through"])
async def test_a_look_does_not_settle_a_level_that_was_claimed_since(
    selling: Selling, monkeypatch: pytest.MonkeyPatch, finished: bool
) -> None:
    """Goal: the same where the older errand claims after the newer one's look, and before it settles.

    The older one is still in its call by then, or through with it.
    """
    await adjust(selling.pool, "less", "A", -1)

    class Slow(MemoryChannel):
        """Lets the other errand finish during its call."""

        async def set_levels(
            self, writes: list[LevelWrite], key: str, *, urgent: bool = False
        ) -> list[WriteResult]:
            if not finished and not self.calls:
                self.calls.append(("hold", 1))
                await newer()
            return await super().set_levels(writes, key, urgent=urgent)

    web = Slow("web")
    web.levels = selling.web.levels
    looked: list[Any] = []

    async def newer() -> None:
        """What the newer errand has still to do: to settle what it found right."""
        record, given = looked.pop()
        await record(*given)

    async def look() -> None:
        """The newer errand looks, and is held before it writes down."""
        await adjust(selling.pool, "more", "A", 1)

        async def held(*given: Any) -> None:
            monkeypatch.setattr(bring_module, "record", record)
            looked.append((record, given))

        record = bring_module.record
        monkeypatch.setattr(bring_module, "record", held)
        await tell(selling, selling.web)

    once(monkeypatch, levels, "claim_believed", look)
    await tell(selling, web)
    if finished:
        await newer()
    assert web.levels["web-A", ""] == 99
    assert "web-A" in await waiting(selling.pool)
    await tell(selling, web)
    assert web.levels["web-A", ""] == 100
    assert "web-A" not in await waiting(selling.pool)


EXPIRED = (
    "UPDATE level SET claimed_until = clock_timestamp() - interval '1 second' WHERE claimed_until IS NOT NULL"
)


async def test_where_nobody_knows_whose_write_came_last_it_is_looked_at_again(selling: Selling) -> None:
    """Goal: a claim that ran out during its call leaves no level that is old, believed by nobody, and not pending.

    The older errand's write comes last, and so does the newer one's record: it must not settle what it told.
    """
    pool, written, go = selling.pool, asyncio.Event(), asyncio.Event()
    await adjust(pool, "less", "A", -1)

    class Newer(MemoryChannel):
        async def set_levels(
            self, writes: list[LevelWrite], key: str, *, urgent: bool = False
        ) -> list[WriteResult]:
            answer = await super().set_levels(writes, key, urgent=urgent)
            written.set()
            await go.wait()
            return answer

    class Older(MemoryChannel):
        async def set_levels(
            self, writes: list[LevelWrite], key: str, *, urgent: bool = False
        ) -> list[WriteResult]:
            await sql(pool, EXPIRED)
            await adjust(pool, "still less", "A", -1)
            tasks.append(asyncio.create_task(tell(selling, newer)))
            await written.wait()
            return await super().set_levels(writes, key, urgent=urgent)

    newer, older = Newer("web"), Older("web")
    newer.levels = older.levels = selling.web.levels
    tasks: list[asyncio.Task[Any]] = []
    await tell(selling, older)
    go.set()
    await tasks[0]

    assert selling.web.levels["web-A", ""] == 99, "what is old came last"
    assert (await books(pool))["web"] is None
    assert "web-A" in await waiting(pool)
    await sql(pool, EXPIRED)
    await tell(selling, selling.web)
    assert selling.web.levels["web-A", ""] == 98
    assert "web-A" not in await waiting(pool)


async def test_a_run_that_was_overtaken_has_its_listings_looked_at(selling: Selling) -> None:
    """Goal: the same where nothing was pending when the older one began, as in a read-back of everything.

    The newer one is through, and has settled the listing, before the older one's write comes last.
    """
    pool = selling.pool

    class Older(MemoryChannel):
        async def set_levels(
            self, writes: list[LevelWrite], key: str, *, urgent: bool = False
        ) -> list[WriteResult]:
            await sql(pool, EXPIRED)
            await adjust(pool, "less", "A", -1)
            await tell(selling, selling.web)
            assert "web-A" not in await waiting(pool)
            return await super().set_levels(writes, key, urgent=urgent)

    older = Older("web")
    older.levels = selling.web.levels
    await sql(pool, "UPDATE level SET book = NULL")
    await tell(selling, older, Errand())
    assert selling.web.levels["web-A", ""] == 100
    assert (await books(pool))["web"] is None
    assert "web-A" in await waiting(pool)
    await tell(selling, selling.web)
    assert selling.web.levels["web-A", ""] == 99


async def test_what_nobody_overtook_is_settled_as_ever(selling: Selling) -> None:
    """Goal: no errand too many. Method: one change, told once; nothing is left, and nothing is told again."""
    await adjust(selling.pool, "less", "A", -1)
    for channel in (selling.web, selling.store):
        assert list((await tell(selling, channel)).values()) == ["changed"]
    assert await waiting(selling.pool) == []
    assert selling.web.calls == [("set", 1)]
