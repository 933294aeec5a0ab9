"""A store that shows accepted levels late, which BigCommerce does by itself: what is not shown yet is no sale."""

import pytest

from onhand.channels.bigcommerce.adapter import CAPABILITIES
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.rules import Rule
from onhand.ledger.database import Pool
from onhand.publish import Errand
from tests.faults.stage import SKUS, Stage, stage_of
from tests.fix_channels import FakeClock
from tests.fix_ledger import sql
from tests.publish.shelves import provisional
from tests.sandbox.fix_platforms import PLACES, sandbox_of

FULL, LIVE = Errand(distrust=True), Errand(live=True)


@pytest.fixture
async def late(clock: FakeClock, ledger: Pool) -> Stage:
    """A store with the platform's own delay, whose orders reach the ledger."""
    stage = await stage_of("bigcommerce", sandbox_of(clock), ledger)
    stage.rules = RuleBook(
        {
            "bigcommerce": ChannelRules(
                Rule(name="bigcommerce"), {PLACES["bigcommerce"]: ("leeds",)}, listens=True
            )
        }
    )
    stage.channel.capabilities = CAPABILITIES
    stage.sandbox.world.shops["bigcommerce"].visible_after_seconds = 5.0
    return stage


async def test_a_level_that_does_not_show_yet_is_no_sale(late: Stage) -> None:
    """Goal: read back right after it was told, a level is told again and takes nothing off the pool."""
    await late.receive(SKUS[0], 3)
    await late.bring(LIVE)
    await late.bring(FULL)
    assert (await late.books(), await provisional(late.pool)) == ([8, 6, 7, 8], [])
    assert late.truths() == (8, 6, 7, 8)
    assert late.changes() == [(5, 8)]


async def test_a_level_below_one_that_showed_long_ago_is_a_sale(late: Stage) -> None:
    """Goal: the negative control: what had its time to show, and shows less, was sold."""
    await late.receive(SKUS[0], 3)
    await late.bring(LIVE)
    assert late.truths() == (8, 6, 7, 8)
    await sql(late.pool, "UPDATE level SET blind_at = blind_at - interval '121 seconds'")
    shop = late.sandbox.world.shops["bigcommerce"]
    shop.sell(shop.by_sku[SKUS[0]][0], late.place, 2)
    await late.bring(FULL)
    assert (await late.books(), await provisional(late.pool)) == ([6, 6, 7, 8], [("bigcommerce", 2)])
    assert late.truths() == (6, 6, 7, 8)
