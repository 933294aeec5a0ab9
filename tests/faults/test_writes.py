"""A level on its way to a shop that fails: applied once, believed only where it is known, and right in the end.

Each test is a row of the table of faults and channels: what the operator would want, on all three platforms alike, or
by name where they differ.
"""

import asyncio

import pytest

from onhand.channels import http
from onhand.channels.base import Outcome
from onhand.channels.errors import ChannelDown, ChannelError, CredentialsBad, RowRejected, SameKeyRetry
from onhand.ledger.levels import Failure
from onhand.publish import Errand, bring_sku_to_target
from onhand.sandbox.faults import fault_of
from tests.faults.stage import SKUS, STOCK, Stage
from tests.fix_ledger import sql
from tests.publish.shelves import ids_of

LIVE = Errand(live=True)
FULL = Errand(distrust=True)
HTML_TAG = "<"


async def test_a_connection_cut_after_a_write_counts_it_once(stage: Stage) -> None:
    """Goal: what may have arrived is believed in neither way, and is right after the next look: one move, not two."""
    await stage.receive(SKUS[0], 3)
    stage.fails("reset_after_write", strikes=1)
    with pytest.raises(SameKeyRetry, match="the answer did not arrive"):
        await stage.bring()
    assert await stage.books() == [None, 6, 7, 8]
    assert await stage.pushes() == [("unknown", 1)]
    outcomes = {"shopify": "unchanged", "woocommerce": "changed", "bigcommerce": "changed"}
    assert await stage.bring() == sorted([outcomes[stage.name], *["unchanged"] * 3])
    assert stage.truths() == (8, 6, 7, 8)
    assert stage.changes() == [(5, 8)]


async def test_a_live_change_cut_off_is_not_made_twice(stage: Stage) -> None:
    """Goal: the same for what is told at once, which on Shopify is a change by so many units."""
    await stage.receive(SKUS[0], 3)
    stage.fails("reset_after_write", strikes=1)
    with pytest.raises(SameKeyRetry):
        await stage.bring(LIVE)
    await stage.bring(LIVE)
    assert stage.truths() == (8, 6, 7, 8)
    assert stage.changes() == [(5, 8)]
    assert await stage.books() == [8, 6, 7, 8]


async def test_the_same_key_is_the_same_write(stage: Stage) -> None:
    """Goal: a call that is sent again as it was is applied once, where the platform remembers keys and elsewhere."""
    call = stage.channel.change_levels if stage.channel.capabilities.changes else stage.channel.set_levels
    stage.fails("reset_after_write", strikes=1)
    with pytest.raises(SameKeyRetry):
        await call(stage.writes([2], shown=5), "key")
    (again,) = await call(stage.writes([2], shown=5), "key")
    assert again.outcome is Outcome.ACCEPTED
    assert again.echo == {"shopify": 2, "woocommerce": 2, "bigcommerce": None}[stage.name]
    assert stage.changes() == [(5, 2)]


async def test_a_connection_cut_before_a_write(stage: Stage) -> None:
    """Goal: nothing was applied, nothing is believed, and the next time it is."""
    await stage.receive(SKUS[0], 3)
    stage.fails("reset_before_write", strikes=1)
    with pytest.raises(SameKeyRetry, match="the answer did not arrive"):
        await stage.bring()
    assert stage.truths() == STOCK
    assert (await stage.books())[0] is None
    await stage.bring()
    assert stage.truths() == (8, 6, 7, 8)
    assert stage.changes() == [(5, 8)]


@pytest.mark.parametrize("kind", ["server_error", "html_page"])
@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("live", [False, True])
async def test_an_error_leaves_it_open_and_the_next_look_does_not(
    stage: Stage, kind: str, applied: bool, live: bool
) -> None:
    """Goal: a 5xx, whatever was done before it, ends in one move of the level."""
    await stage.receive(SKUS[0], 3)
    stage.fails(kind, status=503, applied=applied, calls="writes")
    with pytest.raises(SameKeyRetry) as failure:
        await stage.bring(LIVE if live else None)
    assert failure.value.status == 503
    assert HTML_TAG not in failure.value.said
    assert stage.truths()[0] == (8 if applied else 5)
    stage.is_well()
    await stage.bring(LIVE if live else None)
    assert stage.truths() == (8, 6, 7, 8)
    assert stage.changes() == [(5, 8)]


READABLE = {
    200: "the answer is not JSON (text/html): 'Just a moment...'",
    403: "403 Forbidden",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
}


@pytest.mark.parametrize("status", sorted(READABLE))
async def test_a_page_of_html_is_told_in_its_own_words(stage: Stage, status: int) -> None:
    """Goal: an operator reads a sentence, not markup; a firewall is called one, and no credentials are blamed."""
    await stage.receive(SKUS[0], 3)
    stage.fails("html_page", status=status)
    with pytest.raises(ChannelDown if status == 403 else SameKeyRetry) as failure:
        await stage.bring(FULL)
    assert failure.value.said == READABLE[status]
    assert HTML_TAG not in str(failure.value)
    if status == 403:
        assert "irewall" in failure.value.advice


async def test_an_internal_error_in_a_200_is_an_error(stage: Stage) -> None:
    """Goal: Shopify's way to fail is not taken for success; elsewhere it is a 500."""
    await stage.receive(SKUS[0], 3)
    stage.fails("server_error", status=200)
    with pytest.raises(SameKeyRetry):
        await stage.bring()
    assert stage.truths() == STOCK


async def test_an_answer_that_drips_is_waited_for(stage: Stage) -> None:
    """Goal: slow is not broken."""
    await stage.receive(SKUS[0], 3)
    stage.fails("slow_drip", bytes_per_second=20)
    await stage.bring()
    assert stage.truths() == (8, 6, 7, 8)
    assert stage.changes() == [(5, 8)]


async def test_an_answer_that_drips_for_ever_is_given_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: no byte in time counts as progress for ever; the write had arrived, and counts once."""
    monkeypatch.setattr(http, "EXCHANGE_SECONDS_MAX", 0.2)
    monkeypatch.setattr(stage.sandbox.clock, "sleep", asyncio.sleep)
    await stage.receive(SKUS[0], 3)
    stage.fails("slow_drip", bytes_per_second=5)
    with pytest.raises(SameKeyRetry, match=r"the answer was not complete after 0\.2 s"):
        await stage.bring()
    stage.is_well()
    monkeypatch.undo()
    await stage.bring()
    assert stage.truths() == (8, 6, 7, 8)
    assert stage.changes() == [(5, 8)]


async def test_a_lost_write_is_found_by_reading_back(stage: Stage) -> None:
    """Goal: success that is none is not believed once somebody looks, and then the level is told again."""
    await stage.receive(SKUS[0], 3)
    stage.fails("lost_writes", strikes=1)
    listings = await ids_of(stage.pool, stage.name, [SKUS[0]])
    failures = await bring_sku_to_target(stage.pool, stage.channel, stage.rules, listings, Errand())
    if stage.channel.capabilities.echoes:  # the answer was the proof, and it lied
        assert (failures, await stage.books()) == ([], [8, 6, 7, 8])
    else:
        what = f"{stage.name}: setting SKU {SKUS[0]} to 8 failed"
        said = f"{what}: the write was answered with success, but the channel shows 5."
        advice = "A lost write or another program's; it is written again."
        assert failures == [Failure(listings[0], stage.place, "RowRejected", said, advice)]
        assert await stage.books() == [None, 6, 7, 8]
    assert stage.truths() == STOCK
    assert await stage.bring(FULL) == ["changed", "unchanged", "unchanged", "unchanged"]
    assert stage.truths() == (8, 6, 7, 8)


async def test_a_refused_item_leaves_its_call(stage: Stage) -> None:
    """Goal: its neighbours are told, it is listed with the platform's words and with what to do, and comes back."""
    for sku in SKUS:
        await stage.receive(sku, 3)
    stage.fails("partial_batch", strikes=1)
    assert await stage.bring() == ["changed", "changed", "changed", "failed"]
    assert sorted(level - was for level, was in zip(stage.truths(), STOCK, strict=True)) == [0, 3, 3, 3]
    ((message,),) = await sql(stage.pool, "SELECT message FROM push WHERE outcome = 'rejected'")
    words = {
        "shopify": "NON_MUTABLE_INVENTORY_ITEM: The inventoryItemId is not allowed to be adjusted.",
        "woocommerce": "woocommerce_rest_product_not_created: A plugin refused to save this product.",
        "bigcommerce": "could not be updated]",
    }
    assert words[stage.name] in message
    assert await stage.bring() == ["changed", "unchanged", "unchanged", "unchanged"]
    assert stage.truths() == (8, 9, 10, 11)


async def test_reads_that_lag_end_in_the_right_levels(stage: Stage) -> None:
    """Goal: whatever old number is read meanwhile, no level is moved twice, and all are right when the lag is over."""
    stage.fails("late_visibility", by_seconds=5)
    await stage.receive(SKUS[0], 3)
    await stage.bring()
    await stage.receive(SKUS[0], 1)
    await stage.bring()
    await stage.bring(FULL)
    assert stage.truths()[0] == 9
    stage.is_well()
    await stage.bring(FULL)
    assert stage.truths() == (9, 6, 7, 8)
    assert stage.changes() == [(5, 8), (8, 9)]


async def test_levels_changed_behind_our_back(stage: Stage) -> None:
    """Goal: a level that is told anyway ends right whatever somebody made of it; a full look finds the others."""
    changed = stage.sandbox.world.troubles[stage.name].change_levels(
        fault_of({"kind": "change_levels", "share": 1.0, "most": 3})
    )
    assert {each["sku"] for each in changed} >= set(SKUS)
    await stage.receive(SKUS[0], 3)
    assert await stage.bring() == ["changed", "unchanged", "unchanged", "unchanged"]
    assert stage.truths()[0] == 8
    assert stage.truths() != (8, 6, 7, 8)
    assert await stage.bring(FULL) == ["changed", "changed", "changed", "unchanged"]
    assert stage.truths() == (8, 6, 7, 8)


async def test_an_item_that_is_not_tracked_any_more(stage: Stage) -> None:
    """Goal: tracking is switched on again with the level, or the operator is told which item and what to do."""
    stage.fails("untrack", share=1.0, stays=True)
    await stage.receive(SKUS[0], 3)
    shop = stage.sandbox.world.shops[stage.name]
    item = shop.items[shop.by_sku[SKUS[0]][0]]
    if stage.name == "bigcommerce":
        assert await stage.bring() == ["failed", "unchanged", "unchanged", "unchanged"]
        ((message,),) = await sql(stage.pool, "SELECT message FROM push WHERE outcome = 'rejected'")
        assert "has inventory tracking disabled" in message
        assert not item.tracked
        return
    assert (await stage.bring(FULL)).count("failed") == 0
    assert (item.tracked, stage.truths()[0]) == (True, 8)


async def test_credentials_that_were_revoked(stage: Stage) -> None:
    """Goal: said as what it is, with what to do, after one call and no more; and it heals when they are back."""
    await stage.receive(SKUS[0], 3)
    before = stage.calls()
    stage.fails("credentials_revoked")
    with pytest.raises(CredentialsBad) as failure:
        await stage.bring()
    assert (stage.calls() - before, failure.value.status) == (1, 401)
    advice = {
        "shopify": "The access token is revoked or expired: give the channel a new one.",
        "woocommerce": "Issue a new key with read/write permission for a shop manager",
        "bigcommerce": "The token is revoked or wrong: make a new API account and store its token.",
    }
    assert failure.value.advice.startswith(advice[stage.name])
    assert stage.truths() == STOCK
    stage.is_well()
    await stage.bring()
    assert stage.truths() == (8, 6, 7, 8)


async def test_a_version_that_is_gone(stage: Stage) -> None:
    """Goal: an error that names the version or the address, after one call; nothing is taken for a dead mapping."""
    await stage.receive(SKUS[0], 3)
    before = stage.calls()
    stage.fails("version_retired", gone=True)
    with pytest.raises(ChannelError) as failure:
        await stage.bring()
    assert stage.calls() - before == 1
    assert not isinstance(failure.value, RowRejected)
    words = {
        "shopify": (
            CredentialsBad,
            "No such shop, or a retired API version: check `base_url` and `api_version`.",
        ),
        "woocommerce": (
            ChannelDown,
            "Switch on pretty permalinks (Settings > Permalinks) and WooCommerce itself, and check base_url.",
        ),
        "bigcommerce": (
            CredentialsBad,
            "Check the store hash in the channel's address; was the store closed or moved, or this API retired?",
        ),
    }
    assert (type(failure.value), failure.value.advice) == words[stage.name]
    stage.is_well()
    await stage.bring()
    assert stage.truths() == (8, 6, 7, 8)


async def test_a_version_that_falls_forward(stage: Stage) -> None:
    """Goal: levels go on, and the check says that the version is retired, where there is such a thing."""
    if stage.name != "shopify":
        pytest.skip("only Shopify serves another version in a retired one's stead")
    await stage.receive(SKUS[0], 3)
    stage.fails("version_retired")
    await stage.bring()
    assert stage.truths() == (8, 6, 7, 8)
    (finding,) = [each for each in await stage.channel.check() if not each.ok]
    assert (finding.subject, finding.message) == (
        "API version",
        "2026-10 is retired; the shop answers as 2027-01",
    )


async def test_a_policy_by_which_items_sell_on_at_zero_harms_no_write(stage: Stage) -> None:
    """Goal: levels are told as before; that they mean nothing there is for who reads policies to say."""
    if stage.name != "bigcommerce":
        stage.fails("policy_flip", share=1.0)
    await stage.receive(SKUS[0], 3)
    await stage.bring()
    assert stage.truths() == (8, 6, 7, 8)
