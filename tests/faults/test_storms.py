"""A shop that refuses calls for a while: asked less and less, said to be in trouble, and told all when it is over."""

import asyncio

import pytest

from onhand.channels.errors import SameKeyRetry
from onhand.ledger import work
from onhand.ledger.work import Hold
from onhand.publish.live import Publisher, Told
from onhand.sweeping import hook_problems, hooks_url, mend_hooks
from tests.faults.stage import SKUS, STOCK, Stage
from tests.fix_ledger import sql

URL = "https://onhand.test"
CALLS_GIVEN_UP = {"shopify": 6, "woocommerce": 6, "bigcommerce": 4}
"""What one call sends into a storm before it is given up."""
PROBE_CALLS = {"shopify": 1, "woocommerce": 2, "bigcommerce": 1}
"""What a probe sends: WooCommerce's batch goes once more, at half its size."""


async def nobody(woken: set[str]) -> None:
    """Nobody has to be woken."""


def publisher_of(stage: Stage) -> Publisher:
    return Publisher(stage.pool, stage.channel, stage.rules, nobody, asyncio.sleep, 0.0)


async def hold(stage: Stage) -> Hold:
    return (await work.holds(stage.pool, [stage.name]))[stage.name]


async def time_passes(stage: Stage) -> None:
    """The breaker's wait is over."""
    await sql(stage.pool, "UPDATE channel_work SET retry_at = now() - interval '1 second'")


async def until_open(stage: Stage, publisher: Publisher) -> list[Told]:
    """Turns into a failing shop, until the breaker is open; as many as it takes, at most ten."""
    turns = []
    while not publisher.breaker.is_open and len(turns) < 10:
        turns.append(await publisher.turn())
    return turns


async def test_a_storm_is_given_up_after_few_calls(stage: Stage) -> None:
    """Goal: refused for ever, one call sends a handful in half a minute or less, and says who may be the cause."""
    await stage.receive(SKUS[0], 3)
    stage.fails("throttle", calls="writes")
    before = stage.channel.meter.writes
    began = stage.sandbox.clock.now()
    with pytest.raises(SameKeyRetry) as failure:
        await stage.bring()
    assert stage.channel.meter.writes - before == CALLS_GIVEN_UP[stage.name]
    assert stage.channel.meter.throttled == CALLS_GIVEN_UP[stage.name]
    assert stage.sandbox.clock.now() - began <= 32
    advice = {
        "shopify": "Another app may be using up the shop's budget; Onhand tries again.",
        "woocommerce": "The host limits our calls; we wait as long as it asks.",
        "bigcommerce": "Another app may be using up the store's quota; Onhand tries again.",
    }
    assert failure.value.advice == advice[stage.name]
    assert stage.truths() == STOCK


async def test_when_it_says_when_it_is_obeyed(stage: Stage) -> None:
    """Goal: one refusal with Retry-After: the same call again after so many seconds, not before, and it counts once."""
    await stage.receive(SKUS[0], 3)
    stage.fails("throttle", calls="writes", strikes=1, retry_after_seconds=7)
    began = stage.sandbox.clock.now()
    await stage.bring()
    assert stage.sandbox.clock.now() - began == pytest.approx(7, abs=0.1)
    assert stage.channel.meter.throttled == 1
    assert stage.truths() == (8, 6, 7, 8)
    assert stage.changes() == [(5, 8)]


async def test_a_429_of_shopify_without_a_word(stage: Stage) -> None:
    """Goal: as an HTTP status it is the same as THROTTLED."""
    await stage.receive(SKUS[0], 3)
    stage.fails("throttle", strikes=2, as_http=True)
    await stage.bring()
    assert (stage.channel.meter.throttled, stage.truths()) == (2, (8, 6, 7, 8))


@pytest.mark.parametrize("kind", ["throttle", "server_error"])
async def test_the_breaker_opens_in_a_storm_and_closes_after_it(stage: Stage, kind: str) -> None:
    """Goal: after three failures nothing is sent but a probe when its time has come; one that goes well tells all."""
    publisher = publisher_of(stage)
    for sku in SKUS:
        await stage.receive(sku, 3)
    stage.fails(kind)
    turns = await until_open(stage, publisher)
    assert [bool(turn.wait_seconds) for turn in turns] == [True] * 3
    assert (await hold(stage)).trouble == publisher.breaker.trouble
    before = stage.calls()
    told = await publisher.turn()
    assert (told.wait_seconds > 0, stage.calls()) == (True, before), "no call before its time"
    await time_passes(stage)
    probe = await publisher.turn()
    assert probe.wait_seconds > 0
    if kind == "server_error":
        assert stage.calls() - before == PROBE_CALLS[stage.name]
    stage.is_well()
    await time_passes(stage)
    healed = await publisher.turn()
    assert (healed.changed, healed.wait_seconds) == (4, 0.0)
    assert not (await hold(stage)).holds
    assert not publisher.breaker.is_open
    assert stage.truths() == (8, 9, 10, 11)


async def test_revoked_credentials_open_it_at_once(stage: Stage) -> None:
    """Goal: one call, then a probe a minute; the operator reads what to do, until somebody has done it."""
    publisher = publisher_of(stage)
    await stage.receive(SKUS[0], 3)
    stage.fails("credentials_revoked")
    before = stage.calls()
    told = await publisher.turn()
    assert (told.wait_seconds, stage.calls() - before) == (60.0, 1)
    for _ in range(5):
        assert 0 < (await publisher.turn()).wait_seconds <= 60
    assert stage.calls() - before == 1
    assert "HTTP 401" in (await hold(stage)).trouble
    stage.is_well()
    await time_passes(stage)
    assert (await publisher.turn()).changed == 1
    assert stage.truths() == (8, 6, 7, 8)


async def test_subscriptions_are_mended(stage: Stage) -> None:
    """Goal: webhooks that were deleted or switched off deliver again, and what was wrong is said."""
    url = hooks_url(URL, stage.name)
    await stage.channel.hooks.ensure(url)
    assert await mend_hooks(stage.pool, stage.channel, URL) == ""
    for kind in ("subscriptions_deleted", "subscriptions_disabled"):
        count = len(stage.sandbox.world.subscriptions[stage.name].by_id)
        assert stage.fails(kind).struck == count == len(stage.channel.hooks.topics)
        assert stage.sandbox.world.subscriptions[stage.name].wanting() == []
        wrong = await mend_hooks(stage.pool, stage.channel, URL)
        gone = kind == "subscriptions_deleted" or stage.name == "shopify"
        assert wrong.startswith("no subscription to ") is gone
        assert ("is switched off" in wrong) is not gone
        assert hook_problems(stage.channel, url, await stage.channel.hooks.found()) == ""
        assert len(stage.sandbox.world.subscriptions[stage.name].wanting()) == count
