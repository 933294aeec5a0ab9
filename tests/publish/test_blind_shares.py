"""SKUs in shares on channels that only set levels, on a real ledger: room is left for what a set puts on show again.

Method: shelves in memory that really sell what they show, as in `tests.publish.test_sharing`; two of three are only
set, and their calls take so long that every set undoes sales that nobody has heard of.
"""

import asyncio
import random
from dataclasses import replace
from datetime import datetime

import pytest

from onhand.channels.base import WriteKind
from onhand.domain import blind_shares
from onhand.domain.demand import HEARING_SECONDS
from onhand.domain.listings import RuleBook
from onhand.domain.sharing import Holder
from onhand.explain.explanation import explain_sku
from onhand.ledger.database import Pool
from onhand.publish import Errand, bring_to_targets
from tests.fix_ledger import sql
from tests.memory_channel import MemoryChannel
from tests.publish.test_sharing import ADAPTIVE, NAMES, Rush, Till, rush, shared, shown, three

SET_ONLY = ("store", "shop")
RULES = RuleBook({n: replace(rules, blind=n in SET_ONLY) for n, rules in ADAPTIVE.channels.items()})
__all__ = ["three"]


class Shelf(Till):
    """A channel that only sets levels."""

    def __init__(self, name: str, chance: random.Random) -> None:
        super().__init__(name, chance)
        MemoryChannel.__init__(self, name, write_kind=WriteKind.ABSOLUTE)

    async def _on_the_way(self) -> None:
        await asyncio.sleep(self.chance.uniform(0.05, 0.15))


@pytest.fixture
async def rushes(three: Pool) -> Rush:
    """120 units on three channels, each told all of it, of which two are only set."""
    found = await rush(three, RULES, 120, told=False)
    for name in SET_ONLY:
        found.tills[name] = Shelf(name, found.chance)
        found.tills[name].looks = found.looks
    await found.settle()
    assert shown(found) == dict.fromkeys(NAMES, 120)
    found.sweeps_every = 1.0
    return found


async def sells(found: Rush, name: str, units: int) -> None:
    """So many were sold there within the last four seconds, and heard of."""
    for _ in range(units):
        found.buy(name)
    await found.hear(everything=True)
    await sql(
        found.pool,
        "UPDATE level SET pace = round(pace), paced_at = now(), paced_since = now() - interval '4 s' WHERE pace > 1",
    )


async def tells(found: Rush, name: str) -> None:
    listing = [found.listings[name]]
    await bring_to_targets(found.pool, found.tills[name], found.rules, listing, Errand(live=True), set())


async def may_sell(found: Rush, name: str) -> int:
    ((units,),) = await sql(
        found.pool, f"SELECT may_sell(v) FROM level v WHERE listing_id = {found.listings[name]}"
    )
    assert isinstance(units, int)
    return units


async def undone(found: Rush, name: str) -> int:
    """What the last set there may have put on show again: some 29 units, by how long ago they were sold."""
    ((units,),) = await sql(
        found.pool, "SELECT undone FROM level WHERE listing_id = %s", found.listings[name]
    )
    assert isinstance(units, int)
    assert units > 20
    return units


async def believed(found: Rush, name: str) -> int:
    ((book,),) = await sql(found.pool, "SELECT book FROM level WHERE listing_id = %s", found.listings[name])
    assert isinstance(book, int)
    return book


async def test_what_a_set_undoes_counts_until_it_is_heard_of(rushes: Rush) -> None:
    """Goal: exact: a share of 38, less what may be undone; what is heard of from before the set comes off that, and the
    rest counts for as long as it takes to hear of a sale."""
    await sells(rushes, "store", 20)
    await sells(rushes, "web", 20)
    for _ in range(5):
        rushes.buy("store")

    await tells(rushes, "store")

    assert await shared(rushes.pool) == ["A"]
    shows = 38 - await undone(rushes, "store")
    assert (shown(rushes)["store"], await may_sell(rushes, "store")) == (shows, 38)
    await rushes.hear(everything=True)
    assert await may_sell(rushes, "store") == 33
    await sql(rushes.pool, f"UPDATE level SET blind_at = blind_at - interval '{HEARING_SECONDS} seconds'")
    assert await may_sell(rushes, "store") == shows


async def test_a_rush_oversells_nothing_where_levels_are_only_set(rushes: Rush) -> None:
    """Goal: 180 buyers of 120 units, most of them where levels are set again and again: none too many."""
    await rushes.run(180, 3.0)

    assert rushes.left >= 0
    await rushes.sell_out()
    assert (rushes.left, rushes.sold) == (0, 120)


async def beyond(found: Rush) -> int:
    """Units that are on show beyond what is left, where five were sold that nobody has heard of when all are told."""
    await sells(found, "store", 20)
    await sells(found, "web", 20)
    for _ in range(5):
        found.buy("store")
    await found.settle()
    return sum(shown(found).values()) - found.left


async def test_no_more_is_on_show_than_there_is_whatever_is_unheard(rushes: Rush) -> None:
    """Goal: exact: of 75 that are left, 80 as far as was heard, shares of 38, 38 and 4, less what may be undone."""
    found = await beyond(rushes)
    assert found == 5 - await undone(rushes, "store")


async def test_explain_says_what_room_is_left_for(rushes: Rush) -> None:
    """Goal: why a level shows less than its share, before it is told and after."""

    async def last_reason() -> str:
        found = await explain_sku(rushes.pool, RULES, NAMES, "A", events=0, pushes=0)
        (level,) = [level for level in found.levels if level.channel == "store"]
        return level.steps[-1].reason

    await sells(rushes, "store", 20)
    await sells(rushes, "web", 20)
    await tells(rushes, "web")
    assert "only set while it sells: room for " in await last_reason()
    await tells(rushes, "store")
    shows = shown(rushes)["store"]
    assert await last_reason() == (
        f"left at {shows} for now: it sells while it is set, which puts on show again what was sold"
    )


async def test_negative_control_of_what_is_left_room_for(
    rushes: Rush, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: told its whole share, a level gives back just what was sold unheard."""

    def nothing(holder: Holder, terms: object = None) -> int:
        return 0

    monkeypatch.setattr(blind_shares, "undone_by_a_set", nothing)
    assert await beyond(rushes) == 5


async def test_a_level_that_fell_silent_is_looked_at_and_told_again(rushes: Rush) -> None:
    """Goal: a level that shows nothing while we believe that it shows some is found within seconds, once."""
    await sells(rushes, "store", 20)
    await sells(rushes, "web", 20)
    await tells(rushes, "store")
    shows = shown(rushes)["store"]
    rushes.tills["store"].levels["store-A", ""] = 0
    await tells(rushes, "store")
    assert await believed(rushes, "store") == shows > 0
    await sql(
        rushes.pool,
        "UPDATE level SET blind_at = blind_at - interval '1 minute', shown_at = shown_at - interval '1 minute', "
        "paced_at = paced_at - interval '2 seconds'",
    )

    await tells(rushes, "store")

    assert (await believed(rushes, "store"), shown(rushes)["store"]) == (0, 0)
    reads = rushes.tills["store"].meter.reads
    await tells(rushes, "store")
    assert rushes.tills["store"].meter.reads == reads


async def doubtful(found: Rush) -> int:
    """Two are sold where a level was set a moment before, as orders tell it by the second; a minute of silence later
    the level shows so many less than we believe. Answers what we believe."""
    await sells(found, "store", 20)
    await sells(found, "web", 20)
    await tells(found, "store")
    ((set_at,),) = await sql(
        found.pool, "SELECT blind_at FROM level WHERE listing_id = %s", found.listings["store"]
    )
    assert isinstance(set_at, datetime)
    for _ in range(2):
        found.buy("store")
    second = set_at.replace(microsecond=0)
    found.heard_late = [(n, replace(order, placed_at=second)) for n, order in found.heard_late]
    await found.hear(everything=True)
    await sql(
        found.pool,
        "UPDATE level SET blind_at = blind_at - interval '1 minute', told_at = told_at - interval '1 minute', "
        "fixed_at = fixed_at - interval '1 minute', shown_at = shown_at - interval '1 minute', "
        "paced_at = paced_at - interval '2 seconds'",
    )
    return await believed(found, "store")


async def test_what_was_sold_in_the_second_of_a_set_is_not_taken_off_twice(rushes: Rush) -> None:
    """Goal: the two that a look finds missing are the two that were heard of, and no news."""
    believes = await doubtful(rushes)

    await tells(rushes, "store")

    assert await believed(rushes, "store") == believes - 2 == shown(rushes)["store"]
    assert await sql(rushes.pool, "SELECT pieces FROM provisional_demand") == []


async def test_more_than_was_in_doubt_is_news(rushes: Rush) -> None:
    """Goal: of three that are missing, one was sold to somebody nobody has heard of."""
    believes = await doubtful(rushes)
    rushes.buy("store")

    await tells(rushes, "store")

    assert await believed(rushes, "store") == believes - 3
    assert await sql(rushes.pool, "SELECT pieces, earlier FROM provisional_demand") == [(1, 1)]


async def test_what_sold_a_moment_ago_explains_nothing(rushes: Rush) -> None:
    """Goal: while sales of it may be on their way, what is missing is taken for these."""
    await doubtful(rushes)
    await sql(rushes.pool, "UPDATE level SET paced_at = clock_timestamp()")

    listing = [rushes.listings["store"]]
    await bring_to_targets(
        rushes.pool, rushes.tills["store"], RULES, listing, Errand(live=True, distrust=True), set()
    )

    assert await sql(rushes.pool, "SELECT pieces FROM provisional_demand") == [(2,)]
