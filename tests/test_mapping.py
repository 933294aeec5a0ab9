"""Discovery on a real ledger and a channel in memory: what is mapped, what is not and why, and what stays."""

import pytest

from onhand.channels.base import RemoteItem
from onhand.channels.errors import ChannelDown
from onhand.ledger import catalogue, levels, mapping, stock
from onhand.ledger.catalogue import CatalogueSku, NewListing
from onhand.ledger.database import Pool
from onhand.ledger.levels import ListingCursor
from onhand.ledger.mapping import Contested, KnownItem
from onhand.mapping import (
    Identities,
    MappingProblem,
    Match,
    Matched,
    Unmapped,
    discover_channel,
    match,
    problems_key,
)
from tests.memory_channel import MemoryChannel

PLACES = ["north", "south"]


def item(number: int | str, sku: str = "", barcode: str = "", **others: object) -> RemoteItem:
    """A thing on the channel; its id is its number."""
    return RemoteItem(str(number), sku, barcode, f"Thing {number}", f"{number:>6}", **others)


def channel_with(*items: RemoteItem) -> MemoryChannel:
    """The channel "web" with these items, shown two to a page."""
    channel = MemoryChannel("web", places=True)
    channel.items = list(items)
    return channel


async def mapped(pool: Pool) -> dict[str, str]:
    """Active listings of the channel: item to SKU."""
    found, _ = await levels.listing_page(pool, "web", ListingCursor(), 100, None)
    states = await levels.listing_states(pool, "web", found, siblings=False)
    return {state.item_id: state.sku for state in states}


async def left_out(pool: Pool) -> dict[str, tuple[str, str]]:
    """Items that were not mapped: item to problem and message."""
    rows = await catalogue.refused_rows(pool, problems_key("web"), 100)
    return {row.origin: (row.problem, row.message) for row in rows}


@pytest.fixture
async def shop(shop: Pool) -> Pool:
    """SKUs A and B with barcodes, C without."""
    await catalogue.save_skus(shop, [CatalogueSku("A", barcode="111"), CatalogueSku("B", barcode="222")])
    return shop


# The judgement of one item, without a database.

KNOWN = Identities(frozenset({"A", "B", "D", "E"}), {"111": ("A",), "222": ("B",), "333": ("D", "E")})


@pytest.mark.parametrize(
    ("found", "sku", "by"),
    [
        (item(1, "A"), "A", Matched.TEXT),
        (item(1, " A "), "A", Matched.TEXT),
        (item(1, "A", "111"), "A", Matched.TEXT),
        (item(1, "A", "999"), "A", Matched.TEXT),
        (item(1, "D", "333"), "D", Matched.TEXT),
        (item(1, "", "222"), "B", Matched.BARCODE),
        (item(1, "SHOP-B", "222"), "B", Matched.BARCODE),
    ],
)
def test_an_item_is_the_sku_its_text_says_or_else_the_one_with_its_barcode(
    found: RemoteItem, sku: str, by: Matched
) -> None:
    assert match(found, KNOWN, None) == Match(found, sku, by)


@pytest.mark.parametrize(
    ("found", "problem", "message"),
    [
        (item(1), MappingProblem.UNKNOWN, "it has no SKU text"),
        (item(1, "", "999"), MappingProblem.UNKNOWN, "it has no SKU text, and no SKU has its barcode 999"),
        (item(1, "X"), MappingProblem.UNKNOWN, "SKU X is not in the catalogue"),
        (item(1, "a"), MappingProblem.UNKNOWN, "SKU a is not in the catalogue"),
        (item(1, "X", "999"), MappingProblem.UNKNOWN, "SKU X is not in the catalogue, nor is its barcode"),
        (item(1, "A", "222"), MappingProblem.AMBIGUOUS, "its SKU text says A, its barcode 222 is that of B"),
        (item(1, "", "333"), MappingProblem.AMBIGUOUS, "its barcode 333 is that of several SKUs: D, E"),
        (item(1, "A", writable=False, problem="a bundle"), MappingProblem.UNWRITABLE, "a bundle"),
    ],
)
def test_what_cannot_be_told_is_not_guessed(found: RemoteItem, problem: MappingProblem, message: str) -> None:
    assert match(found, KNOWN, None) == Unmapped(found, problem, message)


def test_an_operators_word_stands_against_text_and_barcode() -> None:
    found = item(1, "A", "222", writable=False)
    assert match(found, KNOWN, KnownItem("D", pinned=True, active=True)) == Match(found, "D", Matched.PINNED)


def test_a_slip_in_a_barcode_does_not_unmap_what_is_mapped() -> None:
    found = item(1, "A", "222")
    assert match(found, KNOWN, KnownItem("A", pinned=False, active=True)) == Match(found, "A", Matched.TEXT)
    assert isinstance(match(found, KNOWN, KnownItem("A", pinned=False, active=False)), Unmapped)
    assert isinstance(match(found, KNOWN, KnownItem("D", pinned=False, active=True)), Unmapped)


# Whole discoveries.


async def test_a_first_discovery_maps_what_can_be_told_and_lists_the_rest(shop: Pool) -> None:
    channel = channel_with(
        item(1, "A"), item(2, "", "222"), item(3, "X"), item(4, "A", "222"), item(5, "C", writable=False)
    )

    report = await discover_channel(shop, channel, PLACES)

    assert await mapped(shop) == {"1": "A", "2": "B"}
    assert report.mapped == {Matched.TEXT: 1, Matched.BARCODE: 1, Matched.PINNED: 0}
    assert (report.found, report.added, report.listings, report.missing) == (5, 2, 2, 1)
    assert report.problems == {
        MappingProblem.UNKNOWN: 1,
        MappingProblem.AMBIGUOUS: 1,
        MappingProblem.UNWRITABLE: 1,
    }
    assert {origin: problem for origin, (problem, _) in (await left_out(shop)).items()} == {
        "3": "unknown",
        "4": "ambiguous",
        "5": "unwritable",
    }
    assert not report.clean
    (listing,) = await stock.sku_listings(shop, "A", "web")
    assert [level.place for level in listing.levels] == PLACES


async def test_a_second_discovery_changes_nothing_and_lists_anew(shop: Pool) -> None:
    channel = channel_with(item(1, "A"), item(2, "B"), item(3, "C"), item(4, "X"))
    await discover_channel(shop, channel, PLACES)
    channel.items[3] = item(5, "Y")

    report = await discover_channel(shop, channel, PLACES)

    assert (report.added, report.retired, report.missing, report.contested) == (0, 0, 0, 0)
    assert list(await left_out(shop)) == ["5"]


async def test_two_items_of_one_sku_are_not_mapped_wherever_they_stand(shop: Pool) -> None:
    """Goal: duplicates are seen across pages. The two A's stand on the first and the last of three pages."""
    channel = channel_with(item(1, "A"), item(2, "B"), item(3, "C"), item(4, "X"), item(5, "A"))

    report = await discover_channel(shop, channel, PLACES)

    assert await mapped(shop) == {"2": "B", "3": "C"}
    assert report.contested == 1
    assert await mapping.contested_skus(shop, "web", 10) == [Contested("A", "", (), ("1", "5"))]


async def test_a_newcomer_does_not_take_a_sku_from_the_item_that_has_it(shop: Pool) -> None:
    channel = channel_with(item(1, "A"))
    await discover_channel(shop, channel, PLACES)
    channel.items.append(item(2, "A"))

    report = await discover_channel(shop, channel, PLACES)

    assert await mapped(shop) == {"1": "A"}
    assert report.contested == 1
    assert await mapping.contested_skus(shop, "web", 10) == [Contested("A", "", ("1",), ("2",))]


async def test_once_the_rival_is_gone_the_item_that_remains_is_mapped(shop: Pool) -> None:
    channel = channel_with(item(1, "A"), item(2, "A"))
    await discover_channel(shop, channel, PLACES)
    del channel.items[0]

    report = await discover_channel(shop, channel, PLACES)

    assert await mapped(shop) == {"2": "A"}
    assert (report.added, report.contested) == (1, 0)


async def test_an_item_that_changes_its_sku_moves(shop: Pool) -> None:
    channel = channel_with(item(1, "A"))
    await discover_channel(shop, channel, PLACES)
    channel.items[0] = item(1, "B")

    await discover_channel(shop, channel, PLACES)

    assert await mapped(shop) == {"1": "B"}


async def test_items_that_vanish_are_retired_and_come_back(shop: Pool) -> None:
    channel = channel_with(item(1, "A"), item(2, "B"))
    await discover_channel(shop, channel, PLACES)
    gone = channel.items.pop()

    report = await discover_channel(shop, channel, PLACES)
    assert (report.retired, await mapped(shop)) == (1, {"1": "A"})

    channel.items.append(gone)
    await discover_channel(shop, channel, PLACES)
    assert await mapped(shop) == {"1": "A", "2": "B"}


async def test_what_an_operator_stated_survives_discovery_with_its_units(shop: Pool) -> None:
    channel = channel_with(item(1, "A"), item(2, "A"), item(3, "SIX-B"))
    stated = [NewListing("A", "2", "2"), NewListing("B", "3", "3", units=6)]
    await mapping.pin_listings(shop, "web", stated, PLACES)

    report = await discover_channel(shop, channel, PLACES)

    assert await mapped(shop) == {"2": "A", "3": "B"}
    assert report.mapped[Matched.PINNED] == 2
    (listing,) = await stock.sku_listings(shop, "B", "web")
    assert (listing.units, listing.pinned) == (6, True)


async def test_a_shop_that_shows_nothing_is_not_believed(shop: Pool) -> None:
    channel = channel_with(item(1, "A"), item(2, "B"))
    await discover_channel(shop, channel, PLACES)
    channel.items = []

    report = await discover_channel(shop, channel, PLACES)

    assert (report.retired, await mapped(shop)) == (0, {"1": "A", "2": "B"})
    assert "no longer shows 2 of 2 mapped listings" in report.warning
    assert (await discover_channel(shop, channel, PLACES, accept_loss=True)).retired == 2


async def test_a_discovery_that_breaks_off_maps_nothing(shop: Pool) -> None:
    """Goal: no listing is active before the whole channel was seen, as its rival may stand on a later page."""

    class Broken(MemoryChannel):
        async def discover(self):
            yield [item(1, "A")]
            raise ChannelDown("web", "listing products", "it is being moved")

    with pytest.raises(ChannelDown):
        await discover_channel(shop, Broken("web"), PLACES)

    assert await mapped(shop) == {}
    assert (await discover_channel(shop, channel_with(item(1, "A")), PLACES)).added == 1


async def test_an_item_shown_twice_is_one_item(shop: Pool) -> None:
    """A channel whose order changes while it is paged through shows an item again."""
    channel = channel_with(item(1, "A"), item(1, "A"), item(2, "B"), item(1, "A"))

    await discover_channel(shop, channel, PLACES)

    assert await mapped(shop) == {"1": "A", "2": "B"}
