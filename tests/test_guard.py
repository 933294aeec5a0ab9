"""The guard on a ledger: seen at a glance, counted page by page, held, released, and over."""

from dataclasses import replace

import pytest

from onhand import guard
from onhand.domain.guard import Limits, Tally
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.rules import Buffer, Rule
from onhand.guard import Change
from onhand.ledger import catalogue, holds
from onhand.ledger.catalogue import CatalogueSku, NewListing
from onhand.ledger.database import Pool
from onhand.ledger.posting import post_events
from onhand.publish import Errand, bring_to_targets
from tests.fix_ledger import sql
from tests.memory_channel import MemoryChannel
from tests.publish.shelves import ids_of, receipt
from tests.publish.test_withheld import says

SKUS = [f"S{n:02}" for n in range(1, 11)]
RULES = RuleBook({"web": ChannelRules(Rule(name="web"), {"": ("leeds",)})}, guarded=True)
DIGEST = guard.digest_of(RULES)
LIMITS = Limits(share_percent=20, listings_min=2, units_min=20)


@pytest.fixture
async def web(shop: Pool) -> Pool:
    """Ten SKUs on one channel, which shows what there is: 10 of the first, 20 of the second, up to 100."""
    await catalogue.save_skus(shop, [CatalogueSku(sku) for sku in SKUS])
    await catalogue.save_listings(shop, "web", [NewListing(sku, sku, sku) for sku in SKUS], [""])
    await post_events(shop, [receipt(sku, sku, 10 * n) for n, sku in enumerate(SKUS, 1)])
    assert not await guard.glance(shop, "web", LIMITS, DIGEST), "nothing is known of the levels yet"
    await bring_to_targets(shop, MemoryChannel("web"), RULES, await ids_of(shop, "web"), Errand())
    assert not await guard.glance(shop, "web", LIMITS, DIGEST)
    return shop


async def look(pool: Pool, run: str, limits: Limits = LIMITS) -> tuple[guard.Held | None, str]:
    return await guard.look_at_run(pool, "web", RULES, limits, run)


async def pending(pool: Pool) -> int:
    return len(await sql(pool, "SELECT FROM outbox"))


async def test_an_ordinary_run_is_not_counted_and_lets_everybody_go_on(web: Pool) -> None:
    """Goal: two of ten are a fifth, which may change; what the source said is then for live errands, too."""
    await says(web, {"S01": 1, "S02": 2})
    assert not await guard.glance(web, "web", LIMITS, DIGEST)
    assert await sql(
        web,
        "SELECT unjudged_from FROM judgement j JOIN channel c ON c.id = channel_id WHERE c.name = 'web'",
    ) == [(None,)]


async def test_a_source_that_empties_is_held_to_the_piece(web: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: an exact count over several pages, the sentence, and the hold in the ledger."""
    monkeypatch.setattr(guard, "PAGE_LISTINGS", 3)
    await says(web, dict.fromkeys(SKUS[:4], 0))
    assert await guard.glance(web, "web", LIMITS, DIGEST)

    held, notice = await look(web, "run-1")

    assert (held, notice) == (
        guard.Held("web", "sync", Tally(10, 4, 4, 100), held.reason if held else ""),
        "",
    )
    assert held is not None
    assert held.message == (
        "held: it would empty 4 of 10 listings (40 %), and move 100 pieces in all; "
        "what empties more than 20 % is held. "
        "Where that is wrong, mend the source: the next run that is not too much lifts the hold. "
        "Where it is right: onhand runs release --channel web"
    )
    (kept,) = await holds.of_channels(web)
    assert (kept.channel, kept.run_id, kept.tally, kept.stands) == ("web", "run-1", held.tally, True)


async def test_a_source_that_is_mended_ends_the_hold_and_leaves_nothing_pending(web: Pool) -> None:
    """Goal: the next run lets itself through and says so; listings that are right again are not counted for ever."""
    await says(web, dict.fromkeys(SKUS, 0))
    held, _ = await look(web, "run-1")
    assert held is not None
    await says(web, {sku: 10 * n for n, sku in enumerate(SKUS, 1)} | {"S01": 9})
    assert await guard.glance(web, "web", LIMITS, DIGEST), "as long as it is held, it is counted"

    assert await look(web, "run-2") == (
        None,
        "the hold of run-1 is over: what is to be told to web is not too much any more",
    )

    assert (await holds.of_channels(web), await pending(web)) == ([], 1)
    assert not await guard.glance(web, "web", LIMITS, DIGEST)


async def test_what_was_released_goes_and_what_got_worse_does_not(web: Pool) -> None:
    """Goal: as much as was shown, once; three more listings are another matter, and so is the next broken file."""
    await says(web, dict.fromkeys(SKUS[:4], 0))
    await look(web, "run-1")
    (hold,) = await holds.of_channels(web)
    tally, changes = await guard.biggest(web, "web", RULES, 2)
    assert (tally, changes) == (
        Tally(10, 4, 4, 100),
        [Change("S04", "S04", "", 40, 0), Change("S03", "S03", "", 30, 0)],
    )
    assert await guard.release(web, hold, tally, by="jo")
    assert not await guard.release(web, hold, tally, by="kim")

    assert await look(web, "run-2") == (None, "released by jo")
    await says(web, dict.fromkeys(SKUS[:7], 0))
    held, _ = await look(web, "run-3")
    assert held is not None
    assert held.tally == Tally(10, 7, 7, 280)
    (anew,) = await holds.of_channels(web)
    assert (anew.run_id, anew.stands) == ("run-3", True)

    assert await guard.release(web, anew, held.tally, by="jo")
    assert await look(web, "run-4") == (None, "released by jo")
    await guard.done(web, "web", kind="sync", run_id="run-4")
    assert await holds.of_channels(web) == []
    held, _ = await look(web, "run-5")
    assert held is not None, "it was not sent after all; what was let go once is not let go for ever"


async def test_other_rules_are_counted_though_nothing_is_pending(web: Pool) -> None:
    """Goal: a slip in the configuration empties no shop either; the same rules are not counted again."""
    careful = RuleBook(
        {"web": ChannelRules(Rule(name="web", buffer=Buffer(units=50)), {"": ("leeds",)})}, guarded=True
    )
    assert guard.digest_of(careful) != DIGEST
    assert await pending(web) == 0
    assert await guard.glance(web, "web", LIMITS, guard.digest_of(careful))
    held, _ = await guard.look_at_run(web, "web", careful, LIMITS, "run-1")
    assert held is not None
    assert held.tally == Tally(10, 10, 5, 400)
    assert await look(web, "run-2") == (
        None,
        "the hold of run-1 is over: what is to be told to web is not too much any more",
    )
    assert not await guard.glance(web, "web", LIMITS, DIGEST)


async def test_a_guard_that_is_off_holds_nothing_and_ends_what_was_held(web: Pool) -> None:
    """Goal: whoever switches it off is not left with a hold."""
    await says(web, dict.fromkeys(SKUS, 0))
    await look(web, "run-1")
    off = replace(LIMITS, enabled=False)
    assert await guard.glance(web, "web", off, DIGEST)
    held, notice = await look(web, "run-2", off)
    assert (held, notice.partition(":")[0]) == (None, "the hold of run-1 is over")
    assert not await guard.glance(web, "web", off, DIGEST)


async def test_a_read_back_that_would_repair_too_much_is_held_by_its_own_numbers(web: Pool) -> None:
    """Goal: a channel that answers 0 for everything is not written to whole; its hold is apart from that of runs."""
    broken, fine = Tally(10, 10, 0, 550), Tally(10, 1, 0, 10)
    held = await guard.look(web, "web", broken, LIMITS, kind="reconciliation", run_id="reconcile-1")
    assert held is not None
    assert held.reason == (
        "it would change 10 of 10 listings (100 %) by 550 pieces in all; what changes more than 20 % is held"
    )
    assert not (await holds.glance(web, "web", 1)).held
    (hold,) = await holds.of_channels(web)
    assert (hold.kind, hold.run_id) == ("reconciliation", "reconcile-1")
    assert await guard.look(web, "web", fine, LIMITS, kind="reconciliation", run_id="reconcile-2") is None
    assert await holds.of_channels(web) == []
