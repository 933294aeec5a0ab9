"""What faults do to levels: lost, refused, late, and changed by somebody else."""

import asyncio

import pytest

from onhand.sandbox.faults import (
    ChangeLevels,
    LateVisibility,
    LostWrites,
    PartialBatch,
    PolicyFlip,
    SubscriptionsDeleted,
    SubscriptionsDisabled,
    Untrack,
)
from onhand.sandbox.meddling import CannotError
from onhand.sandbox.orders import Happening, LevelHappening
from tests.fix_channels import FakeClock
from tests.sandbox.fix_platforms import LEVEL, PLACES, PLATFORMS, SKUS, Platform, Sandbox, item_id, sandbox_of


@pytest.fixture
def sandbox(clock: FakeClock) -> Sandbox:
    return sandbox_of(clock)


@pytest.fixture(params=sorted(PLATFORMS))
def platform(request: pytest.FixtureRequest) -> Platform:
    return PLATFORMS[request.param]


def truths(sandbox: Sandbox, platform: Platform, count: int = 10) -> list[int | None]:
    return [platform.truth(sandbox, at) for at in range(count)]


async def test_a_lost_write_is_answered_with_success(sandbox: Sandbox, platform: Platform) -> None:
    """Goal: the answer states the level that was sent, and the shop keeps the old one; the same ones, by the seed."""
    trouble = sandbox.world.troubles[platform.name]
    fine = (await platform.write(sandbox, [1] * 10)).json()
    await platform.write(sandbox, [LEVEL] * 10)
    trouble.switch_on(LostWrites(share=0.4, seed=3))
    response = await platform.write(sandbox, [1] * 10)
    assert response.status_code == 200
    if platform.name == "shopify":
        group = response.json()["data"]["inventorySetQuantities"]["inventoryAdjustmentGroup"]
        assert [change["delta"] for change in group["changes"]] == [-9] * 20
    if platform.name == "woocommerce":
        assert [row["stock_quantity"] for row in response.json()["update"]] == [1] * 10
    assert response.json().keys() == fine.keys()
    lost = [at for at, level in enumerate(truths(sandbox, platform)) if level == LEVEL]
    assert lost == [0, 3, 5, 6, 8, 9]
    assert await platform.shown(sandbox, lost[0]) == LEVEL
    assert [(each["seen"], each["struck"]) for each in trouble.told()["on"]] == [(10, 6)]


async def test_some_levels_of_a_call_are_refused(sandbox: Sandbox, platform: Platform) -> None:
    """Goal: each platform's own way to refuse one item: alone, or with all of its call."""
    sandbox.world.troubles[platform.name].switch_on(PartialBatch(strikes=1))
    response = await platform.write(sandbox, [1, 2, 3])
    body = response.json()
    number = item_id(sandbox, platform.name, 0)
    if platform.name == "shopify":
        (error,) = body["data"]["inventorySetQuantities"]["userErrors"]
        assert error["code"] == "NON_MUTABLE_INVENTORY_ITEM"
        assert error["field"] == ["input", "quantities", "0", "inventoryItemId"]
        assert truths(sandbox, platform, 3) == [LEVEL] * 3
    elif platform.name == "woocommerce":
        assert body["update"][0]["error"]["code"] == "woocommerce_rest_product_not_created"
        assert truths(sandbox, platform, 3) == [LEVEL, 2, 3]
    else:
        assert (response.status_code, body["title"]) == (
            422,
            f"[Item with product_id {number} could not be updated]",
        )
        assert truths(sandbox, platform, 3) == [LEVEL] * 3
    await platform.write(sandbox, [1, 2, 3])
    assert truths(sandbox, platform, 3) == [1, 2, 3]


async def test_reads_show_what_was(sandbox: Sandbox, platform: Platform) -> None:
    """Goal: each change shows so many seconds after it happened; buyers and people see the truth."""
    sandbox.world.troubles[platform.name].switch_on(LateVisibility(by_seconds=5))
    await platform.write(sandbox, [7])
    sandbox.clock.advance(3)
    await platform.write(sandbox, [4])
    assert (await platform.shown(sandbox), platform.truth(sandbox)) == (LEVEL, 4)
    sandbox.clock.advance(2)
    assert await platform.shown(sandbox) == 7
    sandbox.clock.advance(3)
    assert await platform.shown(sandbox) == 4
    await platform.write(sandbox, [9])
    assert await platform.shown(sandbox) == 4
    sandbox.world.troubles[platform.name].switch_off()
    assert await platform.shown(sandbox) == 9


async def test_bigcommerces_own_delay_comes_before(clock: FakeClock) -> None:
    """Goal: what it accepts late is shown late on top."""
    sandbox, big = sandbox_of(clock), PLATFORMS["bigcommerce"]
    sandbox.world.shops["bigcommerce"].visible_after_seconds = 2.0
    sandbox.world.troubles["bigcommerce"].switch_on(LateVisibility(by_seconds=5))
    await big.write(sandbox, [7])
    clock.advance(2)
    assert (await big.shown(sandbox), big.truth(sandbox)) == (LEVEL, 7)
    clock.advance(5)
    assert await big.shown(sandbox) == 7


async def test_a_write_that_bigcommerce_loses_is_never_applied(clock: FakeClock) -> None:
    """Goal: accepted, and gone, also where accepted is not applied yet."""
    sandbox, big = sandbox_of(clock), PLATFORMS["bigcommerce"]
    sandbox.world.shops["bigcommerce"].visible_after_seconds = 2.0
    sandbox.world.troubles["bigcommerce"].switch_on(LostWrites())
    await big.write(sandbox, [7])
    clock.advance(100)
    assert big.truth(sandbox) == LEVEL


async def test_somebody_changes_levels_and_it_is_told_which(sandbox: Sandbox, platform: Platform) -> None:
    """Goal: a benchmark of drift knows what it has to find; the same seed changes the same."""
    trouble, shop = sandbox.world.troubles[platform.name], sandbox.world.shops[platform.name]
    changed = trouble.change_levels(ChangeLevels(share=0.1, most=3, seed=5))
    assert len(changed) == round(0.1 * SKUS * len(shop.places))
    for each in changed:
        (number,) = shop.by_sku[each["sku"]]
        assert each["before"] == LEVEL
        assert shop.level(number, each["place"]) == each["after"]
        assert 1 <= abs(each["after"] - LEVEL) <= 3
    assert {change.by for change in shop.history} == {"person"}
    assert trouble.told()["on"] == []
    other = sandbox_of(FakeClock()).world.troubles[platform.name]
    assert other.change_levels(ChangeLevels(share=0.1, most=3, seed=5)) == changed
    assert other.change_levels(ChangeLevels(count=4, seed=6)) != changed[:4]


async def test_a_level_is_never_changed_below_zero(sandbox: Sandbox) -> None:
    """Goal: what somebody sets is a level that can be set."""
    trouble = sandbox.world.troubles["woocommerce"]
    changed = trouble.change_levels(ChangeLevels(share=1.0, most=1_000))
    assert len(changed) == SKUS
    assert min(each["after"] for each in changed) == 0
    assert all(each["after"] != each["before"] for each in changed)


async def test_a_silent_change_tells_nobody(sandbox: Sandbox) -> None:
    """Goal: as a plugin that writes the table: no webhook, no new date, nothing in the shop's own record."""
    shop = sandbox.world.shops["woocommerce"]
    heard: list[Happening] = []
    shop.listeners.append(lambda *what: heard.append(LevelHappening(*what)))
    sandbox.clock.advance(60)
    trouble = sandbox.world.troubles["woocommerce"]
    (change,) = trouble.change_levels(ChangeLevels(silent=True))
    (number,) = shop.by_sku[change["sku"]]
    assert shop.level(number, "") == change["after"]
    assert (heard, list(shop.history), shop.items[number].updated_at) == ([], [], sandbox.clock.now() - 60)
    trouble.change_levels(ChangeLevels(by="program"))
    assert [(each.by, each.item_id) for each in heard if isinstance(each, LevelHappening)] == [
        ("api", number)
    ]


async def test_levels_change_again_and_again_while_it_lasts(sandbox: Sandbox) -> None:
    """Goal: a person who does not stop, until they are told to."""
    trouble = sandbox.world.troubles["shopify"]
    raging = trouble.switch_on(ChangeLevels(count=2, every_seconds=0.01))
    assert raging.struck == 2
    while raging.struck < 6:
        await asyncio.sleep(0.005)
    trouble.switch_off()
    struck = raging.struck
    await asyncio.sleep(0.03)
    assert raging.struck == struck == len(raging.notes)


@pytest.mark.parametrize("stays", [False, True])
async def test_policies_flip_and_flip_back(sandbox: Sandbox, stays: bool) -> None:
    """Goal: zero means nothing any more, for so many items; it ends with the fault, unless it is to stay."""
    for name, (field, on, off) in {
        "shopify": ("inventory_policy", "CONTINUE", "DENY"),
        "woocommerce": ("backorders", "yes", "no"),
    }.items():
        items = sandbox.world.shops[name].items.values()
        sandbox.world.troubles[name].switch_on(PolicyFlip(count=3, stays=stays))
        assert [item.values.get(field, off) for item in items].count(on) == 3
        sandbox.world.troubles[name].switch_off()
        assert [item.values.get(field, off) for item in items].count(on) == (3 if stays else 0)
    with pytest.raises(CannotError, match="BigCommerce has no setting by which an item sells on at zero"):
        sandbox.world.troubles["bigcommerce"].switch_on(PolicyFlip())
    assert not sandbox.world.troubles["bigcommerce"].faults


async def test_items_are_not_tracked_for_a_while(sandbox: Sandbox, platform: Platform) -> None:
    """Goal: the platform keeps no stock for them, in its own way; afterwards they have the level they had."""
    shop = sandbox.world.shops[platform.name]
    raging = sandbox.world.troubles[platform.name].switch_on(Untrack(share=1.0, seconds=60))
    assert (raging.struck, len(raging.notes)) == (SKUS, SKUS)
    body = (await platform.read(sandbox, 0)).json()
    if platform.name == "woocommerce":
        assert (body["manage_stock"], body["stock_quantity"]) == (False, None)
    elif platform.name == "bigcommerce":
        assert body["data"] == []
    assert not any(item.tracked for item in shop.items.values())
    sandbox.clock.advance(60)
    assert await platform.shown(sandbox) == LEVEL
    assert all(item.tracked for item in shop.items.values())


async def test_what_was_mended_meanwhile_stays_mended(sandbox: Sandbox) -> None:
    """Goal: the end of a fault does not undo what an adapter wrote."""
    woo = PLATFORMS["woocommerce"]
    sandbox.world.troubles["woocommerce"].switch_on(Untrack(share=1.0))
    await woo.write(sandbox, [3])
    sandbox.world.troubles["woocommerce"].switch_off()
    assert [woo.truth(sandbox, at) for at in (0, 1)] == [3, LEVEL]


async def test_subscriptions_are_deleted_or_switched_off(sandbox: Sandbox) -> None:
    """Goal: what is left to find for whoever looks after them; Shopify knows no switched-off ones."""
    for name, subscriptions in sandbox.world.subscriptions.items():
        subscriptions.add("topic", "https://in.example/a")
        sandbox.world.troubles[name].switch_on(SubscriptionsDisabled())
    left = {
        name: [each.active for each in kept.by_id.values()]
        for name, kept in sandbox.world.subscriptions.items()
    }
    assert left == {"shopify": [], "woocommerce": [False], "bigcommerce": [False]}
    raging = sandbox.world.troubles["woocommerce"].switch_on(SubscriptionsDeleted())
    assert raging.notes == [{"topic": "topic", "url": "https://in.example/a", "after": "deleted"}]
    assert sandbox.world.subscriptions["woocommerce"].by_id == {}


def test_places_are_those_of_the_shops(sandbox: Sandbox) -> None:
    """Goal: the negative control of the fixture: it reads where it writes."""
    assert all(PLACES[name] in shop.places for name, shop in sandbox.world.shops.items())
