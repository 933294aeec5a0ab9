"""Shopify's walk beyond what all channels promise: its price and depth; and what of its products can be hidden."""

from datetime import UTC, datetime

import pytest

from onhand.channels.base import Condition, FoundLevel, ItemRef
from onhand.channels.errors import CredentialsBad
from onhand.channels.shopify import Shopify, StaticToken, catalogue_documents, paging
from onhand.sandbox.shop import Item
from onhand.sandbox.shopify import ShopifyOptions
from onhand.sandbox.shopify.cost import requested_cost
from onhand.sandbox.shopify.documents import operation
from onhand.sandbox.shopify.options import SCOPES
from tests.channels.case_shopify import LEEDS, LONDON, WRONG_TOKEN, fill
from tests.channels.test_shopify import adapter_for
from tests.fix_channels import number_of
from tests.fix_shopify import ShopifyWorld


async def walked(adapter: Shopify, *places: str) -> list[FoundLevel]:
    return [level async for page in adapter.walk_levels(places) for level in page]


def family(world: ShopifyWorld, product: str, *numbers: str) -> list[ItemRef]:
    """Variants of one product."""
    for number in numbers:
        values = {"variant_id": f"4{number}"}
        item = Item(number, f"S-{number}", "Shirt", parent_id=product, levels={LEEDS: 1}, values=values)
        world.shop.add(item)
    return [ItemRef(0, f"S-{number}", f"gid://shopify/InventoryItem/{number}") for number in numbers]


@pytest.mark.parametrize(("places", "points"), [(1, 57), (2, 79), (20, 475)])
def test_a_page_costs_what_it_says(places: int, points: int) -> None:
    """Goal: the belief before the first answer is the shop's own price, and no page is over its maximum of 1,000."""
    document = catalogue_documents.walk_levels(places)
    given = {f"place{number}": LEEDS for number in range(places)}
    assert requested_cost(operation(document.text, None), given) == document.points == points


async def test_a_walk_reaches_past_the_depth_of_a_cursor(
    shopify_world: ShopifyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: where a cursor ends, the walk goes on from the last variant, without losing or repeating one."""
    monkeypatch.setattr(paging, "PAGES_PER_CURSOR", 2)
    refs = fill(shopify_world.shop, 5 * 250 + 1)
    found = await walked(shopify_world.adapter, LEEDS)
    assert [level.item_id for level in found] == [ref.item_id for ref in refs]
    assert dict(shopify_world.traffic.calls) == {"productVariantsCount": 1, "productVariants": 6}


async def test_many_places_are_walked_part_by_part(
    shopify_world: ShopifyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: more places than one page can ask for cost another walk, and each level still comes once."""
    monkeypatch.setattr("onhand.channels.shopify.walk.PLACES_MAX", 1)
    shopify_world.fill(3, level=4)
    found = await walked(shopify_world.adapter, LEEDS, LONDON)
    assert sorted(level.place for level in found) == [LEEDS] * 3 + [LONDON] * 3
    assert {level.quantity for level in found} == {4}


async def test_a_place_that_never_stocked_an_item_shows_zero(shopify_world: ShopifyWorld) -> None:
    """Goal: nobody can buy it from there, which is what 0 says; a moment of change there is none."""
    (ref,) = family(shopify_world, "9", "91")
    leeds, london = await walked(shopify_world.adapter, LEEDS, LONDON)
    now = datetime.fromtimestamp(shopify_world.clock.now(), UTC)
    assert leeds == FoundLevel(ref.item_id, LEEDS, 1, changed_at=now)
    assert london == FoundLevel(ref.item_id, LONDON, 0)


async def test_a_level_tells_when_it_was_changed(shopify_world: ShopifyWorld) -> None:
    """Goal: the shop's own moment, in UTC, so that what came later than our push is known to be another's."""
    (ref,) = shopify_world.fill(1)
    shopify_world.clock.advance(90)
    shopify_world.shop.sell(number_of(ref), LEEDS, 1)
    (level,) = await walked(shopify_world.adapter, LEEDS)
    assert level.changed_at == datetime.fromtimestamp(shopify_world.clock.now(), UTC)


@pytest.mark.parametrize(
    ("status", "condition"),
    [
        ("DRAFT", Condition.HIDDEN),
        ("ARCHIVED", Condition.HIDDEN),
        ("UNLISTED", Condition.SELLING),
        ("ACTIVE", Condition.SELLING),
    ],
)
async def test_only_what_nobody_can_buy_is_hidden(
    shopify_world: ShopifyWorld, status: str, condition: Condition
) -> None:
    """Goal: an unlisted product is sold by its link, so it sells."""
    (ref,) = shopify_world.fill(1)
    shopify_world.shop.items[number_of(ref)].values["status"] = status
    (level,) = await walked(shopify_world.adapter, LEEDS)
    assert level.condition is condition


async def test_a_variant_is_hidden_only_together_with_its_siblings(shopify_world: ShopifyWorld) -> None:
    """Goal: no sibling that sells leaves shoppers' sight; all of them together can be hidden, and shown."""
    small, large = family(shopify_world, "9", "91", "92")
    items = shopify_world.shop.items
    assert await shopify_world.adapter.set_hidden([small], True) == []
    assert not items["91"].hidden
    assert await shopify_world.adapter.set_hidden([small, large], True) == [small, large]
    assert items["91"].hidden
    assert items["92"].hidden
    assert await shopify_world.adapter.set_hidden([large], False) == []
    assert await shopify_world.adapter.set_hidden([large, small], False) == [large, small]
    assert not items["91"].hidden


async def test_a_product_goes_back_to_what_it_was(shopify_world: ShopifyWorld) -> None:
    """Goal: status and the merchant's own tags are afterwards as they were before."""
    (ref,) = shopify_world.fill(1)
    values = shopify_world.shop.items[number_of(ref)].values
    values.update({"status": "UNLISTED", "tags": "sale,summer"})
    await shopify_world.adapter.set_hidden([ref], True)
    assert (values["status"], values["tags"]) == ("DRAFT", "sale,summer,onhand-was-unlisted")
    await shopify_world.adapter.set_hidden([ref], False)
    assert (values["status"], values["tags"]) == ("UNLISTED", "sale,summer")


async def test_a_draft_of_the_merchant_stays_one(shopify_world: ShopifyWorld) -> None:
    """Goal: it is not taken for hidden by us, nor put on sale when a halt is lifted; nothing is written."""
    (ref,) = shopify_world.fill(1)
    values = shopify_world.shop.items[number_of(ref)].values
    values["status"] = "DRAFT"
    assert await shopify_world.adapter.set_hidden([ref], True) == []
    assert await shopify_world.adapter.set_hidden([ref], False) == [ref]
    assert shopify_world.adapter.meter.writes == 0
    assert values["status"] == "DRAFT"


async def test_what_the_merchant_archived_since_stays_archived(shopify_world: ShopifyWorld) -> None:
    """Goal: the newer decision stands, and our tag goes."""
    (ref,) = shopify_world.fill(1)
    values = shopify_world.shop.items[number_of(ref)].values
    await shopify_world.adapter.set_hidden([ref], True)
    values["status"] = "ARCHIVED"
    assert await shopify_world.adapter.set_hidden([ref], False) == [ref]
    assert (values["status"], values["tags"]) == ("ARCHIVED", "")


async def test_without_the_scope_nothing_is_hidden_and_the_channel_goes_on(
    shopify_world: ShopifyWorld,
) -> None:
    """Goal: hiding is more than levels need, so a shop that does not grant it is no shop that lets nobody in; a
    revoked token is."""
    (ref,) = shopify_world.fill(1)
    narrow = tuple(scope for scope in SCOPES if scope != "write_products")
    channel = adapter_for(shopify_world, ShopifyOptions(limits=False, scopes=narrow))
    assert await channel.set_hidden([ref], True) == []
    revoked = adapter_for(shopify_world, ShopifyOptions(limits=False), token=StaticToken(WRONG_TOKEN))
    with pytest.raises(CredentialsBad):
        await revoked.set_hidden([ref], True)
