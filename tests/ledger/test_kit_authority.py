"""A channel that is the authority for a location has no say in kits: what a person sets there counts nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from onhand import sweeping
from onhand.authority import Authority, count_noted, read_noted
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.rules import Rule
from onhand.intake.take import take
from onhand.ledger import inbox
from onhand.ledger.database import Pool
from onhand.ledger.inbox import Received
from onhand.publish import Errand, bring_to_targets
from tests.fix_kits import stock
from tests.memory_channel import MemoryChannel
from tests.publish.shelves import ids_of

WEB = ChannelRules(Rule(), {"": ("leeds",)}, listens=True, authority={"": "leeds"})
RULES = RuleBook({"web": WEB})


@pytest.mark.parametrize("quantity", [9, 0])
async def test_a_kit_that_a_person_sets_is_told_again_and_counts_nothing(kitted: Pool, quantity: int) -> None:
    """Goal: three can be packed in Leeds, whatever somebody types, also 0, which is what the ledger has of it."""
    web = MemoryChannel("web")
    await bring_to_targets(kitted, web, RULES, await ids_of(kitted, "web"), Errand(live=True), set())
    assert web.levels["web-K", ""] == 3
    before = await stock(kitted)
    web.levels["web-K", ""] = quantity
    told = Received("web", "d1", b"x", "level", "levels", "web-K", {"place": "", "quantity": quantity})
    await inbox.accept(kitted, [told])
    await take(kitted, web, WEB)

    now = datetime.now(UTC)
    read = await read_noted(kitted, web, now, Authority(settle=timedelta(0)))
    assert len(read.shown) == 1
    await sweeping.sweep(kitted, web, now)
    await count_noted(kitted, "web", WEB, read, Authority(settle=timedelta(0)))
    await bring_to_targets(kitted, web, RULES, await ids_of(kitted, "web"), Errand(live=True), set())
    assert web.levels["web-K", ""] == 3
    assert await stock(kitted) == before
