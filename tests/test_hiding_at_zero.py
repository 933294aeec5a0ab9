"""Listings that show nothing go out of sight, and come back with the stock; nobody else's hiding is touched."""

import httpx

from onhand.channels.base import ItemRef
from onhand.channels.errors import ChannelDown
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.rules import Rule
from onhand.dry_run import Forecast, Look, Overlay, preview
from onhand.explain.explanation import explain_sku
from onhand.hiding_at_zero import hide_and_show
from onhand.ledger import catalogue, halts, work
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.publish import Errand, bring_to_targets
from onhand.reconcile import show_again
from onhand.reconcile.hiding import hide
from tests.channels.case_shopify import case as shopify_case
from tests.fix_channels import BASE_URL, FakeClock
from tests.fix_ledger import sql
from tests.fix_selling import Selling
from tests.memory_channel import MemoryChannel
from tests.publish.shelves import adjust, ids_of

HIDING = RuleBook(
    {
        name: ChannelRules(Rule(name=name), {"": ("leeds",)}, listens=True, hides_at_zero=True)
        for name in ("web", "store")
    }
)


async def tell(pool: Pool, channel: MemoryChannel) -> None:
    """Bring the channel to what the ledger says."""
    await bring_to_targets(pool, channel, HIDING, await ids_of(pool, channel.name), Errand())


async def sell_out(selling: Selling, sku: str = "A", units: int = 100) -> None:
    """Nothing is left, and web knows it."""
    ((number,),) = await sql(selling.pool, "SELECT count(*) FROM event")
    await adjust(selling.pool, f"out-{number}", sku, -units)
    await tell(selling.pool, selling.web)


async def restock(selling: Selling, sku: str = "A", units: int = 5) -> None:
    """Some came in, and web knows it."""
    ((number,),) = await sql(selling.pool, "SELECT count(*) FROM event")
    await adjust(selling.pool, f"in-{number}", sku, units)
    await tell(selling.pool, selling.web)


async def look(selling: Selling, *, enabled: bool = True) -> tuple[int, int]:
    """One look at web: how many were hidden, and shown again."""
    return await hide_and_show(selling.pool, selling.web, enabled=enabled)


async def test_what_shows_nothing_is_hidden_once_and_shown_when_there_is_some(selling: Selling) -> None:
    """Goal: with nothing to do the channel is not asked."""
    assert await look(selling) == (0, 0)
    await sell_out(selling)
    assert await look(selling) == (1, 0)
    assert selling.web.hidden == {"web-A"}
    selling.web.calls.clear()
    assert await look(selling) == (0, 0)
    await restock(selling)
    assert await look(selling) == (0, 1)
    assert selling.web.hidden == set()
    assert await look(selling) == (0, 0)
    assert [call for call in selling.web.calls if call[0] in ("hide", "show")] == [("show", 1)]


async def test_it_goes_by_what_the_channel_was_told(selling: Selling) -> None:
    """Goal: a level that is still on its way hides nothing, and shows nothing."""
    await adjust(selling.pool, "out", "A", -100)
    assert await look(selling) == (0, 0)
    await tell(selling.pool, selling.web)
    assert await look(selling) == (1, 0)
    await adjust(selling.pool, "in", "A", 5)
    assert await look(selling) == (0, 0)


async def test_what_the_channel_does_not_answer_is_done_by_the_next_look(selling: Selling) -> None:
    """Goal: both ways; and no look fails for it."""
    await sell_out(selling)
    for hidden, restocked in ((True, False), (False, True)):
        if restocked:
            await restock(selling)
        selling.web.raises.append(ChannelDown("web", "hide", "HTTP 500"))
        assert await look(selling) == (0, 0)
        assert await look(selling) == ((1, 0) if hidden else (0, 1))


async def test_what_cannot_be_hidden_is_asked_for_again_after_an_hour(selling: Selling) -> None:
    """Goal: the channel is not asked for it with every sweep."""
    await sell_out(selling)
    selling.web.refuses.add("web-A")
    assert await look(selling) == (0, 0)
    selling.web.refuses.clear()
    assert await look(selling) == (0, 0)
    await sql(selling.pool, "UPDATE zero_hiding SET tried_at = tried_at - interval '61 minutes'")
    assert await look(selling) == (1, 0)


async def test_a_paused_channel_is_left_alone(selling: Selling) -> None:
    """Goal: an operator who stops writing to a channel stops this, too."""
    await sell_out(selling)
    await work.pause(selling.pool, "web", "stocktaking")
    selling.web.calls.clear()
    assert (await look(selling), selling.web.calls) == ((0, 0), [])
    await work.resume(selling.pool, "web")
    assert await look(selling) == (1, 0)


async def test_switching_it_off_shows_what_we_hid_and_nothing_else(selling: Selling) -> None:
    """Goal: what the merchant hid stays hidden."""
    await sell_out(selling)
    await look(selling)
    selling.web.hidden.add("web-B")
    assert await look(selling, enabled=False) == (0, 1)
    assert selling.web.hidden == {"web-B"}


async def test_a_halted_listing_is_left_to_its_halt(selling: Selling) -> None:
    """Goal: it is neither hidden for showing nothing nor shown when there is some; once lifted, it is."""
    (listing,) = await ids_of(selling.pool, "web", ["A"])
    await halts.place(selling.pool, [listing], by="ann", cause="operator", reason="odd")
    await tell(selling.pool, selling.web)
    assert await look(selling) == (0, 0)
    await halts.lift(selling.pool, [listing], by="ann")
    await sell_out(selling)
    assert await look(selling) == (1, 0)


async def test_hidden_for_both_reasons_it_comes_back_when_neither_is_left(selling: Selling) -> None:
    """Goal: hidden at zero, then halted and hidden; the halt is lifted first, then there is some again."""
    (listing,) = await ids_of(selling.pool, "web", ["A"])
    await sell_out(selling)
    await look(selling)
    await halts.place(selling.pool, [listing], by="ann", cause="operator", reason="odd")
    await hide(selling.pool, selling.web, {listing: ItemRef(listing, "A", "web-A")})
    await restock(selling)
    assert await look(selling) == (0, 0)

    await halts.lift(selling.pool, [listing], by="ann")
    assert await show_again(selling.pool, selling.web) == 0
    assert selling.web.hidden == {"web-A"}
    await tell(selling.pool, selling.web)
    assert await look(selling) == (0, 1)
    assert await halts.to_show_again(selling.pool, "web") == []


async def test_a_product_goes_out_of_sight_with_its_last_variation(shop: Pool) -> None:
    """Goal: Shopify's own adapter: hidden once both variations show nothing, back with the first that shows some."""
    case = shopify_case(FakeClock())
    refs = case.fill(2)
    for item in case.shop.items.values():
        item.parent_id = "3000000000"
    case.shop.catalogue_version += 1
    channel = case.make_adapter(base_url=BASE_URL, transport=httpx.ASGITransport(app=case.app))
    listings = [NewListing(sku, ref.item_id, sku, "p") for sku, ref in zip("AB", refs, strict=True)]
    await catalogue.save_places(shop, {}, {channel.name: "shopify"})
    await catalogue.save_listings(shop, channel.name, listings, [""])

    async def shows(a: int, b: int) -> tuple[int, int]:
        """How many were hidden and shown when these levels were told."""
        levels = (
            "UPDATE level v SET book = CASE l.sort_key WHEN 'A' THEN %s ELSE %s END"
            " FROM listing l WHERE l.id = v.listing_id"
        )
        await sql(shop, "DELETE FROM outbox")
        await sql(shop, levels, a, b)
        await sql(shop, "UPDATE zero_hiding SET tried_at = tried_at - interval '2 hours'")
        return await hide_and_show(shop, channel, enabled=True)

    assert await shows(0, 7) == (0, 0)
    assert await shows(0, 0) == (2, 0)
    assert {item.hidden for item in case.shop.items.values()} == {True}
    assert await shows(0, 5) == (0, 2)
    assert {item.hidden for item in case.shop.items.values()} == {False}
    await channel.aclose()


async def explained(selling: Selling, sku: str = "A") -> str:
    """The sentence of its level on web."""
    told = await explain_sku(selling.pool, HIDING, ["web"], sku, events=1, pushes=1)
    return told.levels[0].sentence


async def test_explain_says_what_is_out_of_sight(selling: Selling) -> None:
    """Goal: about to be, is, and about to be back."""
    assert "sight" not in await explained(selling)
    await sell_out(selling)
    assert (await explained(selling)).endswith(" As it shows nothing, it is about to be taken out of sight.")
    await look(selling)
    said = " It was taken out of sight just now, as it showed nothing; "
    assert (await explained(selling)).endswith(f"{said}it is shown again once there is some.")
    await restock(selling)
    assert (await explained(selling)).endswith(f"{said}it is about to be shown again.")
    await sql(selling.pool, "UPDATE zero_hiding SET hidden = false")
    await sell_out(selling, units=5)
    assert (await explained(selling)).endswith(
        " It shows nothing, and the channel could not take it out of sight by itself."
    )


async def test_a_dry_run_says_what_goes_out_of_sight(selling: Selling) -> None:
    """Goal: A runs out and will be hidden, B comes back and will be shown."""
    await sell_out(selling, "B", 50)
    await look(selling)
    await adjust(selling.pool, "a", "A", -100)
    await adjust(selling.pool, "b", "B", 5)

    found = preview(selling.pool, HIDING, {"web": selling.web}, Overlay(), Look(), Forecast())
    changes = {change.sku: (change.before, change.after, change.sight) async for change in found}

    assert changes == {"A": (100, 0, "hidden"), "B": (0, 5, "shown")}
