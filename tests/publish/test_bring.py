"""The way of a level to a channel: exact calls, exact outcomes, and everything written down."""

from datetime import UTC, datetime

import pytest

from onhand import read_back
from onhand.channels.base import WriteKind
from onhand.channels.errors import SameKeyRetry
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.ledger import levels, runs
from onhand.ledger.database import Pool
from onhand.ledger.posting import post_events
from onhand.publish import Errand, bring_sku_to_target, bring_to_targets
from tests.fix_ledger import sql
from tests.memory_channel import MemoryChannel
from tests.publish.shelves import RULES, ids_of, receipt


async def test_an_absolute_channel_is_told_what_the_ledger_says_and_nothing_twice(listed: Pool) -> None:
    web = MemoryChannel("web")
    ids = await ids_of(listed, "web")

    first = await bring_to_targets(listed, web, RULES, ids, Errand())
    again = await bring_to_targets(listed, web, RULES, ids, Errand())

    assert web.levels == {("web-A", ""): 9, ("web-B", ""): 5, ("web-C", ""): 0}
    assert set(first.values()) == {"changed"}
    assert set(again.values()) == {"unchanged"}
    assert web.calls == [("set", 3)]
    assert await sql(listed, "SELECT quantity, before, outcome, echo, attempt FROM push ORDER BY id") == [
        (9, None, "accepted", 9, 1),
        (5, None, "accepted", 5, 1),
        (0, None, "accepted", 0, 1),
    ]


async def test_a_comparing_channel_is_read_before_its_first_write(listed: Pool) -> None:
    store = MemoryChannel("store", write_kind=WriteKind.COMPARE_AND_SET, places=True)
    store.levels = {("store-A", "L1"): 7, ("store-A", "L2"): 1}

    outcomes = await bring_to_targets(listed, store, RULES, await ids_of(listed, "store"), Errand())

    assert store.calls == [("read", 6), ("set", 2)], "A at L2 and B at L1 differ; the other four hold already"
    assert sorted(outcomes.values()) == ["changed"] * 2 + ["unchanged"] * 4
    assert {k: v for k, v in store.levels.items() if v} == {
        ("store-A", "L1"): 7,
        ("store-A", "L2"): 2,
        ("store-B", "L1"): 5,
    }


async def test_a_sale_under_our_hands_is_seen_by_the_compare_and_decided_anew(listed: Pool) -> None:
    store = MemoryChannel("store", write_kind=WriteKind.COMPARE_AND_SET, places=True)
    ids = await ids_of(listed, "store")
    await bring_to_targets(listed, store, RULES, ids, Errand())
    store.sold("store-A", 3, "L1")
    await post_events(listed, [receipt("4", "A", 10)])
    store.calls.clear()

    await bring_to_targets(listed, store, RULES, ids, Errand())

    assert store.calls == [("set", 1), ("read", 1), ("set", 1)]
    assert await sql(
        listed,
        "SELECT quantity, before, outcome FROM push WHERE place = 'L1' AND quantity = 17 ORDER BY id",
    ) == [(17, 7, "stale"), (17, 4, "accepted")]


async def test_a_rejected_row_fails_alone_and_stays_pending(listed: Pool) -> None:
    web = MemoryChannel("web")
    web.refuses = {"web-B"}

    outcomes = await bring_to_targets(listed, web, RULES, await ids_of(listed, "web"), Errand())

    assert sorted(outcomes.values()) == ["changed", "changed", "failed"]
    assert await sql(
        listed,
        "SELECT l.item_id FROM outbox o JOIN listing l ON l.id = o.listing_id WHERE l.item_id LIKE 'web%'",
    ) == [("web-B",)]


async def test_a_call_that_fails_as_a_whole_is_recorded_and_its_retry_sends_the_same_key(
    listed: Pool,
) -> None:
    web = MemoryChannel("web")
    web.raises = [SameKeyRetry("web", "setting 3 levels", "502 from the host")]
    ids = await ids_of(listed, "web")

    with pytest.raises(SameKeyRetry):
        await bring_to_targets(listed, web, RULES, ids, Errand())
    await bring_to_targets(listed, web, RULES, ids, Errand(attempt=2))

    assert web.keys[0] == web.keys[1]
    assert await sql(listed, "SELECT outcome, attempt, count(*) FROM push GROUP BY 1, 2 ORDER BY 2") == [
        ("unknown", 1, 3),
        ("accepted", 2, 3),
    ]


async def test_a_write_of_unknown_fate_is_not_believed_in_either_way(listed: Pool) -> None:
    """Goal: a level that may or may not have arrived is told again even when the target went back meanwhile."""
    web = MemoryChannel("web")
    ids = await ids_of(listed, "web")
    await bring_to_targets(listed, web, RULES, ids, Errand())
    await post_events(listed, [receipt("4", "A", 1)])
    web.raises = [SameKeyRetry("web", "setting 1 level", "time-out")]
    with pytest.raises(SameKeyRetry):
        await bring_to_targets(listed, web, RULES, ids, Errand())
    web.levels["web-A", ""] = 10  # it had arrived after all
    back = Movement("test", "5", EventKind.ADJUSTMENT, "A", "leeds", -1, datetime.now(UTC))
    await post_events(listed, [event_of(back)])

    await bring_to_targets(listed, web, RULES, ids, Errand())

    assert web.levels["web-A", ""] == 9


async def test_a_process_that_dies_in_the_call_leaves_nothing_believed(listed: Pool) -> None:
    """Goal: kill -9 between a write and its record cannot hide a wrong level, even if the target goes back."""

    class Dying(MemoryChannel):
        async def set_levels(self, writes, key, *, urgent=False):
            await super().set_levels(writes, key)
            raise SystemExit

    web = MemoryChannel("web")
    ids = await ids_of(listed, "web")
    await bring_to_targets(listed, web, RULES, ids, Errand())
    dying = Dying("web")
    dying.levels = web.levels
    await post_events(listed, [receipt("4", "A", 1)])
    with pytest.raises(SystemExit):
        await bring_to_targets(listed, dying, RULES, ids, Errand())
    assert web.levels["web-A", ""] == 10, "the write had arrived"
    back = Movement("test", "5", EventKind.ADJUSTMENT, "A", "leeds", -1, datetime.now(UTC))
    await post_events(listed, [event_of(back)])

    await bring_to_targets(listed, web, RULES, ids, Errand())

    assert web.levels["web-A", ""] == 9


async def test_a_refused_row_is_believed_to_show_what_it_showed(listed: Pool) -> None:
    web = MemoryChannel("web")
    ids = await ids_of(listed, "web")
    await bring_to_targets(listed, web, RULES, ids, Errand())
    await post_events(listed, [receipt("4", "A", 1)])
    web.refuses = {"web-A"}

    await bring_to_targets(listed, web, RULES, ids, Errand())

    assert await sql(
        listed, "SELECT v.book FROM level v JOIN listing l ON l.id = v.listing_id WHERE l.item_id = 'web-A'"
    ) == [(9,)]


async def test_a_change_during_the_call_stays_pending(listed: Pool) -> None:
    """Goal: no change is lost. Method: post while the channel's call is under way."""

    class Interrupted(MemoryChannel):
        async def set_levels(self, writes, key, *, urgent=False):
            if not self.calls:
                await post_events(listed, [receipt("late", "A", 1)])
            return await super().set_levels(writes, key)

    web = Interrupted("web")
    ids = await ids_of(listed, "web")

    await bring_to_targets(listed, web, RULES, ids, Errand())
    pending = await sql(
        listed,
        "SELECT l.item_id FROM outbox o JOIN listing l ON l.id = o.listing_id WHERE l.item_id LIKE 'web%'",
    )
    await bring_to_targets(listed, web, RULES, ids, Errand())

    assert pending == [("web-A",)]
    assert web.levels["web-A", ""] == 10
    assert web.calls == [("set", 3), ("set", 1)]


async def test_a_full_look_finds_what_was_changed_behind_our_back(listed: Pool) -> None:
    web = MemoryChannel("web")
    ids = await ids_of(listed, "web")
    await bring_to_targets(listed, web, RULES, ids, Errand())
    web.levels["web-A", ""] = 42
    web.calls.clear()

    outcomes = await bring_to_targets(listed, web, RULES, ids, Errand(distrust=True))

    assert web.calls == [("read", 3), ("set", 1)]
    assert web.levels["web-A", ""] == 9
    assert sorted(outcomes.values()) == ["changed", "unchanged", "unchanged"]


async def test_a_lost_write_is_found_by_reading_back_and_is_no_success(listed: Pool) -> None:
    web = MemoryChannel("web", echoes=False)
    web.loses = {"web-A"}
    ids = await ids_of(listed, "web")
    await runs.begin_run(listed, "r", "r", {})
    await runs.begin_channel(listed, "r", "web")
    await runs.save_plan_page(listed, "r", "web", 0, 3, [(listing, "") for listing in ids])
    errand = Errand("r", {(listing, ""): n for n, listing in enumerate(ids)})
    await bring_to_targets(listed, web, RULES, ids, errand)

    lost = await read_back.prove(listed, web, RULES, "r", 0, 2)

    assert lost == 1
    assert web.calls == [("set", 3), ("read", 3), ("read", 1)], "only what did not show is asked for again"
    (failure,) = await runs.run_failures(listed, "r", 10)
    assert failure.sku == "A"
    assert failure.message == (
        "web: setting SKU A to 9 failed: the write was answered with success, but the channel shows 0."
    )
    assert failure.advice == "A lost write or another program's; it is written again."
    assert await sql(
        listed,
        "SELECT v.book, v.shown FROM level v JOIN listing l ON l.id = v.listing_id WHERE l.item_id = 'web-A'",
    ) == [(0, 0)]


async def test_a_level_another_step_is_writing_is_not_called_lost(listed: Pool) -> None:
    web = MemoryChannel("web", echoes=False)
    ids = await ids_of(listed, "web")
    await runs.begin_run(listed, "r", "r", {})
    await runs.begin_channel(listed, "r", "web")
    await runs.save_plan_page(listed, "r", "web", 0, 3, [(listing, "") for listing in ids])
    errand = Errand("r", {(listing, ""): n for n, listing in enumerate(ids)})
    await bring_to_targets(listed, web, RULES, ids, errand)
    await levels.forget_books(listed, [(ids[0], "")])

    lost = await read_back.prove(listed, web, RULES, "r", 0, 2)

    assert lost == 0
    assert web.calls == [("set", 3), ("read", 2)]


async def test_a_single_update_whose_write_is_lost_says_so_and_believes_nothing(listed: Pool) -> None:
    web = MemoryChannel("web", echoes=False)
    web.loses = {"web-A"}
    (listing,) = [i for i, name in await levels.listings_of_sku(listed, "A", "web")]

    (failure,) = await bring_sku_to_target(listed, web, RULES, [listing], Errand(distrust=True))

    assert failure.message.startswith("web: setting SKU A to 9 failed: the write was answered with success")
    assert await sql(
        listed, "SELECT v.book FROM level v JOIN listing l ON l.id = v.listing_id WHERE l.item_id = 'web-A'"
    ) == [(None,)]


async def test_costs_are_counted_once_per_run(listed: Pool) -> None:
    web = MemoryChannel("web")
    ids = await ids_of(listed, "web")
    await runs.begin_run(listed, "r", "r", {})
    await runs.begin_channel(listed, "r", "web")
    await runs.save_plan_page(listed, "r", "web", 0, 3, [(listing, "") for listing in ids])
    errand = Errand("r", {(listing, ""): n for n, listing in enumerate(ids)})

    await bring_to_targets(listed, web, RULES, ids, errand)
    await bring_to_targets(listed, web, RULES, ids, errand)

    (row,) = await runs.run_channels(listed, "r")
    assert (row.writes, row.reads, row.changed, row.unchanged) == (1, 0, 0, 3)


async def test_what_was_looked_at_goes_under_a_key_of_its_own(listed: Pool) -> None:
    """Goal: a level that somebody set back is told the same once more, and a channel that remembers keys must not take
    that for the first time. The negative control is above: what was not looked at keeps its key."""
    store = MemoryChannel("store", write_kind=WriteKind.COMPARE_AND_SET, places=True)
    ids = await ids_of(listed, "store", ["B"])
    for _ in range(2):
        store.levels["store-B", "L1"] = 1
        await bring_to_targets(listed, store, RULES, ids, Errand(distrust=True))
        assert store.levels["store-B", "L1"] == 5
    assert len(set(store.keys)) == len(store.keys) == 2
