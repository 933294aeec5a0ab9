"""What every channel promises, tested alike on all of them against their sandboxes.

A healthy run takes a few seconds: the clock is fake, so no limit and no delay is really waited for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from onhand.channels.base import (
    Channel,
    Condition,
    FoundLevel,
    ItemRef,
    LevelKey,
    LevelWrite,
    Outcome,
    ShownLevel,
    WriteKind,
    WriteResult,
)
from onhand.channels.errors import ChannelDown, ChannelError, CredentialsBad, RowRejected, SameKeyRetry
from onhand.sandbox.traffic import Hook
from onhand.settings import BigCommerceSettings, ShopifySettings, WooCommerceSettings
from tests.fix_channels import BASE_URL, ChannelCase, FakeClock, MakeCase, Wire, number_of

SECTIONS = {
    "shopify": ShopifySettings,
    "woocommerce": WooCommerceSettings,
    "bigcommerce": BigCommerceSettings,
}
CLOSED_PORT = "http://127.0.0.1:9"
"""The discard port: nobody listens there."""


def writes_of(
    refs: list[ItemRef], place: str, quantities: list[int], shown: int | None = 0
) -> list[LevelWrite]:
    return [
        LevelWrite(LevelKey(ref, place), quantity, shown)
        for ref, quantity in zip(refs, quantities, strict=True)
    ]


def keys_of(refs: list[ItemRef], place: str) -> list[LevelKey]:
    return [LevelKey(ref, place) for ref in refs]


def outcomes(results: list[WriteResult]) -> list[Outcome]:
    return [result.outcome for result in results]


def truths(case: ChannelCase, refs: list[ItemRef], place: str) -> list[int | None]:
    return [case.truth(ref, place) for ref in refs]


async def walked(channel: Channel, places: Sequence[str]) -> list[FoundLevel]:
    return [level async for page in channel.walk_levels(places) for level in page]


def named(levels: list[FoundLevel]) -> list[tuple[str, str, str]]:
    """Which item, tracked how, at which place; sorted, so that what comes twice stands twice."""
    return sorted((level.item_id, level.tracking, level.place) for level in levels)


def expected(case: ChannelCase, refs: list[ItemRef]) -> list[tuple[str, str, str]]:
    return sorted((ref.item_id, ref.tracking, place) for ref in refs for place in case.places)


def conditions(levels: list[FoundLevel], ref: ItemRef) -> set[Condition]:
    return {level.condition for level in levels if level.item_id == ref.item_id}


def answering(times: int, make: Callable[[], Response]) -> Hook:
    """A fault: the first requests are answered by `make` in the platform's stead."""
    left = [times]

    async def hook(request: Request) -> Response | None:
        if left[0] <= 0:
            return None
        left[0] -= 1
        return make()

    return hook


async def test_sets_exact_levels_and_the_shop_shows_them(channel: Channel, channel_case: ChannelCase) -> None:
    refs = channel_case.fill(5)
    for place in channel_case.places:
        results = await channel.set_levels(writes_of(refs, place, [0, 1, 7, 250, 99_999]), f"exact/{place}")
        assert outcomes(results) == [Outcome.ACCEPTED] * 5
        assert truths(channel_case, refs, place) == [0, 1, 7, 250, 99_999]


async def test_results_come_in_the_order_given(channel: Channel, channel_case: ChannelCase) -> None:
    refs = channel_case.fill(6)
    shuffled = [refs[at] for at in (4, 0, 5, 2, 1, 3)]
    writes = writes_of(shuffled, channel_case.places[0], [40, 1, 50, 20, 10, 30])
    results = await channel.set_levels(writes, "order")
    assert [result.write for result in results] == writes


async def test_an_echo_is_the_level_sent(channel: Channel, channel_case: ChannelCase) -> None:
    refs = channel_case.fill(3)
    results = await channel.set_levels(writes_of(refs, channel_case.places[0], [3, 0, 5]), "echo")
    expected = [3, 0, 5] if channel.capabilities.echoes else [None, None, None]
    assert [result.echo for result in results] == expected


async def test_setting_the_same_again_is_accepted_and_changes_nothing(
    channel: Channel, channel_case: ChannelCase
) -> None:
    refs, place = channel_case.fill(3), channel_case.places[0]
    await channel.set_levels(writes_of(refs, place, [3, 4, 5]), "first")
    assert truths(channel_case, refs, place) == [3, 4, 5]
    changes = len(channel_case.shop.history)
    again = [replace(write, shown=write.quantity) for write in writes_of(refs, place, [3, 4, 5])]
    results = await channel.set_levels(again, "second")
    assert outcomes(results) == [Outcome.ACCEPTED] * 3
    assert truths(channel_case, refs, place) == [3, 4, 5]
    assert len(channel_case.shop.history) == changes


async def test_the_same_call_sent_twice_is_applied_once(channel: Channel, channel_case: ChannelCase) -> None:
    refs, place = channel_case.fill(3), channel_case.places[0]
    writes = writes_of(refs, place, [3, 4, 5])
    first = await channel.set_levels(writes, "once")
    second = await channel.set_levels(writes, "once")
    assert outcomes(first) == outcomes(second) == [Outcome.ACCEPTED] * 3
    assert truths(channel_case, refs, place) == [3, 4, 5]


async def test_an_empty_call_sends_nothing(channel: Channel, wire: Wire) -> None:
    assert await channel.set_levels([], "nothing") == []
    assert await channel.read_levels([]) == []
    assert wire.exchanges == []


async def test_the_full_bulk_size_works(channel: Channel, channel_case: ChannelCase) -> None:
    size, place = channel.capabilities.bulk_size, channel_case.places[0]
    refs = channel_case.fill(size)
    results = await channel.set_levels(writes_of(refs, place, list(range(size))), "bulk")
    assert outcomes(results) == [Outcome.ACCEPTED] * size
    assert truths(channel_case, refs, place) == list(range(size))


async def test_more_than_the_bulk_size_is_refused_unsent(
    channel: Channel, channel_case: ChannelCase, wire: Wire
) -> None:
    size = channel.capabilities.bulk_size + 1
    refs = channel_case.fill(size)
    with pytest.raises(AssertionError):
        await channel.set_levels(writes_of(refs, channel_case.places[0], [1] * size), "too much")
    assert wire.exchanges == []


async def test_a_rejected_item_leaves_its_neighbours_alone(
    channel: Channel, channel_case: ChannelCase
) -> None:
    refs, place = channel_case.fill(5), channel_case.places[0]
    channel_case.shop.rejected_items.add(number_of(refs[2]))
    results = await channel.set_levels(writes_of(refs, place, [1, 2, 3, 4, 5]), "poison")
    assert outcomes(results) == [
        Outcome.ACCEPTED,
        Outcome.ACCEPTED,
        Outcome.REJECTED,
        Outcome.ACCEPTED,
        Outcome.ACCEPTED,
    ]
    assert truths(channel_case, refs, place) == [1, 2, 0, 4, 5]
    error = results[2].error
    assert isinstance(error, RowRejected)
    assert error.channel == channel.name
    assert refs[2].sku in str(error)
    assert error.advice


async def test_an_unknown_item_is_rejected_and_its_neighbours_set(
    channel: Channel, channel_case: ChannelCase
) -> None:
    refs, place = channel_case.fill(2), channel_case.places[0]
    given = [refs[0], channel_case.unknown, refs[1]]
    results = await channel.set_levels(writes_of(given, place, [1, 2, 3]), "unknown")
    assert outcomes(results) == [Outcome.ACCEPTED, Outcome.REJECTED, Outcome.ACCEPTED]
    assert isinstance(results[1].error, RowRejected)
    assert channel_case.unknown.sku in str(results[1].error)
    assert truths(channel_case, refs, place) == [1, 3]


async def test_reads_levels_in_the_order_given(channel: Channel, channel_case: ChannelCase) -> None:
    refs = channel_case.fill(30)
    writes = [
        LevelWrite(LevelKey(ref, place), at + 1, 0)
        for at, (ref, place) in enumerate((ref, place) for ref in refs for place in channel_case.places)
    ]
    for start in range(0, len(writes), 10):
        await channel.set_levels(writes[start : start + 10], f"read/{start}")
    channel_case.truth(refs[0], channel_case.places[0])
    asked = [write.key for write in reversed(writes)]
    shown = await channel.read_levels(asked)
    assert [level.key for level in shown] == asked
    assert [level.quantity for level in shown] == [write.quantity for write in reversed(writes)]
    assert {level.problem for level in shown} == {""}


async def test_reads_many_levels_at_once(channel: Channel, channel_case: ChannelCase) -> None:
    refs, place = channel_case.fill(600), channel_case.places[0]
    for at, ref in enumerate(refs):
        channel_case.shop.edit(number_of(ref), place, at)
    shown = await channel.read_levels(keys_of(refs, place))
    assert [level.quantity for level in shown] == list(range(600))


async def test_reading_an_unknown_item_says_so(channel: Channel, channel_case: ChannelCase) -> None:
    refs, place = channel_case.fill(2), channel_case.places[0]
    shown = await channel.read_levels(keys_of([refs[0], channel_case.unknown, refs[1]], place))
    assert [level.quantity for level in shown] == [0, None, 0]
    assert [bool(level.problem) for level in shown] == [False, True, False]


async def test_a_sale_is_seen_by_the_next_read(channel: Channel, channel_case: ChannelCase) -> None:
    (ref,), place = channel_case.fill(1), channel_case.places[0]
    await channel.set_levels(writes_of([ref], place, [10]), "sale")
    assert channel_case.truth(ref, place) == 10
    channel_case.shop.sell(number_of(ref), place, 3)
    assert await channel.read_levels(keys_of([ref], place)) == [ShownLevel(LevelKey(ref, place), 7)]


async def test_an_oversold_level_is_read_as_it_is(channel: Channel, channel_case: ChannelCase) -> None:
    (ref,), place = channel_case.fill(1), channel_case.places[0]
    channel_case.shop.sell(number_of(ref), place, 2)
    (shown,) = await channel.read_levels(keys_of([ref], place))
    assert shown.quantity == -2


async def test_the_configuration_knows_whether_levels_can_only_be_set(
    channel: Channel, channel_case: ChannelCase
) -> None:
    """Goal: what allocation leaves room for is what the adapter says of itself."""
    can = channel.capabilities
    sets_only = can.write_kind is WriteKind.ABSOLUTE and not can.changes
    assert SECTIONS[channel_case.name].SETS_BLINDLY is sets_only


async def test_compare_and_set_channels_do_not_overwrite_a_sale(
    channel: Channel, channel_case: ChannelCase
) -> None:
    if channel.capabilities.write_kind is not WriteKind.COMPARE_AND_SET:
        pytest.skip("this channel knows absolute sets only")
    refs, place = channel_case.fill(3), channel_case.places[0]
    await channel.set_levels(writes_of(refs, place, [10, 10, 10]), "before")
    channel_case.shop.sell(number_of(refs[1]), place, 4)
    results = await channel.set_levels(writes_of(refs, place, [20, 20, 20], shown=10), "after")
    assert outcomes(results) == [Outcome.ACCEPTED, Outcome.STALE, Outcome.ACCEPTED]
    assert truths(channel_case, refs, place) == [20, 6, 20]


async def test_waits_for_the_limit_and_succeeds(make_case: MakeCase, clock: FakeClock) -> None:
    case = make_case(clock, limits=True)
    channel = case.make_adapter(base_url=BASE_URL, transport=Wire(case.app))
    (ref,), place = case.fill(1), case.places[0]
    shown = 0
    for quantity in range(1, 61):
        (result,) = await channel.set_levels(writes_of([ref], place, [quantity], shown), f"limit/{quantity}")
        assert result.outcome is Outcome.ACCEPTED
        shown = quantity
    assert case.truth(ref, place) == 60
    assert channel.meter.waited_seconds > 0
    assert channel.meter.throttled == sum(case.traffic.throttled.values())
    await channel.aclose()


async def test_throttled_calls_wait_and_go_again(channel: Channel, channel_case: ChannelCase) -> None:
    refs, place = channel_case.fill(2), channel_case.places[0]
    channel_case.traffic.hooks.append(answering(2, channel_case.throttled))
    results = await channel.set_levels(writes_of(refs, place, [1, 2]), "throttled")
    assert outcomes(results) == [Outcome.ACCEPTED] * 2
    assert truths(channel_case, refs, place) == [1, 2]
    assert channel.meter.throttled == 2
    assert channel.meter.waited_seconds > 0
    assert channel_case.clock.slept


async def test_throttled_for_ever_is_given_up_in_bounded_time(
    channel: Channel, channel_case: ChannelCase
) -> None:
    refs, place = channel_case.fill(1), channel_case.places[0]
    channel_case.traffic.hooks.append(answering(1_000, channel_case.throttled))
    with pytest.raises((SameKeyRetry, ChannelDown)):
        await channel.set_levels(writes_of(refs, place, [1]), "throttled")
    assert channel.meter.throttled < 50
    assert channel_case.truth(refs[0], place) == 0


async def test_wrong_credentials(channel_case: ChannelCase, wire: Wire) -> None:
    channel = channel_case.make_adapter(base_url=BASE_URL, transport=wire, credentials_ok=False)
    refs, place = channel_case.fill(1), channel_case.places[0]
    with pytest.raises(CredentialsBad) as writing:
        await channel.set_levels(writes_of(refs, place, [1]), "who are you")
    with pytest.raises(CredentialsBad):
        await channel.read_levels(keys_of(refs, place))
    assert writing.value.advice
    assert not any(secret in str(writing.value) for secret in channel_case.secrets)
    findings = await channel.check()
    assert not all(finding.ok for finding in findings)
    assert not any(secret in repr(findings) for secret in channel_case.secrets)
    assert channel_case.truth(refs[0], place) == 0
    await channel.aclose()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_error_leaves_the_outcome_open(
    channel: Channel, channel_case: ChannelCase, status: int
) -> None:
    refs, place = channel_case.fill(1), channel_case.places[0]
    channel_case.traffic.hooks.append(
        answering(1_000, lambda: HTMLResponse("<h1>Something went wrong</h1>", status))
    )
    with pytest.raises(SameKeyRetry) as failure:
        await channel.set_levels(writes_of(refs, place, [1]), "server error")
    assert failure.value.status == status
    assert failure.value.channel == channel.name
    with pytest.raises(SameKeyRetry):
        await channel.read_levels(keys_of(refs, place))


async def test_a_page_of_html_is_no_answer(channel: Channel, channel_case: ChannelCase) -> None:
    refs, place = channel_case.fill(1), channel_case.places[0]
    channel_case.traffic.hooks.append(answering(1_000, lambda: HTMLResponse("<html>Just a moment...</html>")))
    with pytest.raises((SameKeyRetry, ChannelDown)):
        await channel.set_levels(writes_of(refs, place, [1]), "html")
    assert channel_case.truth(refs[0], place) == 0


async def test_an_answer_that_got_lost_can_be_asked_for_again(
    channel: Channel, channel_case: ChannelCase
) -> None:
    refs, place = channel_case.fill(2), channel_case.places[0]
    writes = writes_of(refs, place, [5, 6])
    channel_case.traffic.hooks.append(answering(1_000, lambda: Response(status_code=502)))
    with pytest.raises(SameKeyRetry):
        await channel.set_levels(writes, "lost")
    channel_case.traffic.hooks.clear()
    assert outcomes(await channel.set_levels(writes, "lost")) == [Outcome.ACCEPTED] * 2
    assert truths(channel_case, refs, place) == [5, 6]


async def test_nobody_listens(channel_case: ChannelCase) -> None:
    channel = channel_case.make_adapter(base_url=CLOSED_PORT, transport=None)
    refs, place = channel_case.fill(1), channel_case.places[0]
    with pytest.raises(ChannelDown) as failure:
        await channel.set_levels(writes_of(refs, place, [1]), "closed")
    assert failure.value.advice
    assert not all(finding.ok for finding in await channel.check())
    await channel.aclose()


async def test_a_dropped_connection_leaves_the_outcome_open(channel_case: ChannelCase) -> None:
    def drop(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("connection reset", request=request)

    channel = channel_case.make_adapter(base_url=BASE_URL, transport=httpx.MockTransport(drop))
    refs, place = channel_case.fill(1), channel_case.places[0]
    with pytest.raises(SameKeyRetry):
        await channel.set_levels(writes_of(refs, place, [1]), "dropped")
    await channel.aclose()


async def test_discovers_everything_with_keys_that_sort(channel: Channel, channel_case: ChannelCase) -> None:
    refs = channel_case.fill(320)
    found = [item async for page in channel.discover() for item in page]
    assert sorted(item.sku for item in found) == sorted(ref.sku for ref in refs)
    by_id = {item.item_id: item for item in found}
    assert by_id.keys() == {ref.item_id for ref in refs}
    keys = [by_id[ref.item_id].sort_key.encode() for ref in refs]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    assert all(item.writable for item in found)


async def test_what_is_discovered_can_be_written(channel: Channel, channel_case: ChannelCase) -> None:
    channel_case.fill(3)
    found = [item async for page in channel.discover() for item in page]
    refs = [
        ItemRef(at, item.sku, item.item_id, item.parent_id, item.tracking) for at, item in enumerate(found)
    ]
    results = await channel.set_levels(writes_of(refs, channel_case.places[0], [1, 2, 3]), "discovered")
    assert outcomes(results) == [Outcome.ACCEPTED] * 3


async def test_a_walk_finds_every_level_once_over_several_pages(
    channel: Channel, channel_case: ChannelCase
) -> None:
    """Goal: every item comes once for each place, with what the shop shows there, wherever a page ends."""
    refs = channel_case.fill(2 * channel.capabilities.walk_size + 7)
    wanted = {}
    for at, ref in enumerate(refs):
        for number, place in enumerate(channel_case.places):
            channel_case.shop.edit(number_of(ref), place, 2 * at + number)
            wanted[ref.item_id, place] = 2 * at + number
    pages = [page async for page in channel.walk_levels(channel_case.places)]
    found = [level for page in pages for level in page]
    assert len(pages) > 1
    assert named(found) == expected(channel_case, refs)
    assert {(level.item_id, level.place): level.quantity for level in found} == wanted
    assert {level.condition for level in found} == {Condition.SELLING}
    assert {level.problem for level in found} == {""}


async def test_a_walk_asks_for_the_places_it_is_given(channel: Channel, channel_case: ChannelCase) -> None:
    """Goal: a channel with places tells of those asked for, and of no others."""
    if not channel.capabilities.places:
        pytest.skip("this channel knows no places")
    channel_case.fill(3)
    (place,) = channel_case.places[1:]
    assert {level.place for level in await walked(channel, [place])} == {place}


async def test_a_walk_over_an_empty_account_finds_nothing(
    channel: Channel, channel_case: ChannelCase
) -> None:
    """Goal: no page, and no error."""
    assert await walked(channel, channel_case.places) == []


async def test_a_walk_while_the_shop_sells_loses_and_doubles_nothing(
    channel: Channel, channel_case: ChannelCase
) -> None:
    """Goal: sales, edits and new items between two pages shift no item past the walk, nor into it twice."""
    refs = channel_case.fill(2 * channel.capabilities.walk_size + 7)
    found: list[FoundLevel] = []
    async for page in channel.walk_levels(channel_case.places):
        found += page
        for ref in (refs[0], refs[len(refs) // 2], refs[-1]):
            channel_case.shop.sell(number_of(ref), channel_case.places[0], 1)
        channel_case.fill(3)
    old = {ref.item_id for ref in refs}
    assert named([level for level in found if level.item_id in old]) == expected(channel_case, refs)
    assert len(set(named(found))) == len(found)


async def test_a_walk_tells_what_a_level_means(channel: Channel, channel_case: ChannelCase) -> None:
    """Goal: what is hidden, not tracked or sold beyond zero is told from what just sells, as far as the channel can."""
    plain, hidden, untracked, overselling = channel_case.fill(4)
    channel_case.hide(hidden)
    if Condition.UNTRACKED in channel_case.tells:
        channel_case.shop.items[number_of(untracked)].tracked = False
    if Condition.OVERSELLING in channel_case.tells:
        values = {"inventory_policy": "CONTINUE", "backorders": "yes"}
        channel_case.shop.items[number_of(overselling)].values.update(values)
    found = await walked(channel, channel_case.places)

    def told(condition: Condition) -> Condition:
        return condition if condition in channel_case.tells else Condition.SELLING

    assert conditions(found, plain) == {Condition.SELLING}
    assert conditions(found, hidden) == {told(Condition.HIDDEN)}
    assert conditions(found, untracked) == {told(Condition.UNTRACKED)}
    assert conditions(found, overselling) == {told(Condition.OVERSELLING)}


async def test_hidden_and_untracked_are_not_mistaken_for_each_other(
    channel: Channel, channel_case: ChannelCase
) -> None:
    """Goal: an item that is both is hidden; shown again it is untracked still."""
    if Condition.UNTRACKED not in channel_case.tells or not channel.capabilities.hides:
        pytest.skip("a walk over this channel cannot tell")
    both, untracked = channel_case.fill(2)
    for ref in (both, untracked):
        channel_case.shop.items[number_of(ref)].tracked = False
    assert await channel.set_hidden([both], True) == [both]
    found = await walked(channel, channel_case.places)
    assert (conditions(found, both), conditions(found, untracked)) == (
        {Condition.HIDDEN},
        {Condition.UNTRACKED},
    )
    assert await channel.set_hidden([both], False) == [both]
    assert conditions(await walked(channel, channel_case.places), both) == {Condition.UNTRACKED}


async def test_what_is_hidden_cannot_be_bought_until_it_is_shown_again(
    channel: Channel, channel_case: ChannelCase
) -> None:
    """Goal: one item leaves shoppers' sight and comes back, its neighbours and all levels stay as they are."""
    if not channel.capabilities.hides:
        pytest.skip("this channel cannot hide")
    refs, place = channel_case.fill(3), channel_case.places[0]
    shop = channel_case.shop
    for ref in refs:
        shop.edit(number_of(ref), place, 5)

    def for_sale() -> list[bool]:
        return [not shop.hidden(shop.items[number_of(ref)], place) for ref in refs]

    for _ in range(2):  # the second time it is so already
        assert await channel.set_hidden([refs[1]], True) == [refs[1]]
        assert for_sale() == [True, False, True]
    found = await walked(channel, channel_case.places)
    assert [conditions(found, ref) for ref in refs] == [
        {Condition.SELLING},
        {Condition.HIDDEN},
        {Condition.SELLING},
    ]
    for _ in range(2):
        assert await channel.set_hidden([refs[1]], False) == [refs[1]]
        assert for_sale() == [True, True, True]
    assert truths(channel_case, refs, place) == [5, 5, 5]


async def test_what_cannot_be_hidden_is_left_out(channel: Channel, channel_case: ChannelCase) -> None:
    """Goal: an item that is gone spoils nothing for the others, which are answered in the order given."""
    if not channel.capabilities.hides:
        pytest.skip("this channel cannot hide")
    first, second = channel_case.fill(2)
    assert await channel.set_hidden([], True) == []
    assert await channel.set_hidden([second, channel_case.unknown, first], True) == [second, first]


async def test_a_page_that_got_lost_is_asked_for_again(channel: Channel, channel_case: ChannelCase) -> None:
    """Goal: one answer that did not arrive does not end a walk."""
    refs = channel_case.fill(channel.capabilities.walk_size + 3)
    left = [2]

    async def hook(request: Request) -> Response | None:
        left[0] -= 1
        return Response(status_code=502) if left[0] == 0 else None

    channel_case.traffic.hooks.append(hook)
    assert named(await walked(channel, channel_case.places)) == expected(channel_case, refs)
    assert left[0] < 0


async def test_a_walk_without_credentials_says_so(channel_case: ChannelCase, wire: Wire) -> None:
    """Goal: nothing is found in silence where nobody is let in."""
    channel = channel_case.make_adapter(base_url=BASE_URL, transport=wire, credentials_ok=False)
    channel_case.fill(1)
    with pytest.raises(CredentialsBad):
        await walked(channel, channel_case.places)
    await channel.aclose()


async def reads_until_it_waits(make_case: MakeCase) -> int:
    """How many reads of one level the channel's limits bear before the first that has to wait."""
    clock = FakeClock()
    case = make_case(clock, limits=True)
    channel = case.make_adapter(base_url=BASE_URL, transport=Wire(case.app))
    (ref,) = case.fill(1)
    reads = 0
    while not channel.meter.waited_seconds:
        await channel.read_levels([LevelKey(ref, case.places[0])])
        reads += 1
    await channel.aclose()
    return reads


@pytest.mark.parametrize("urgent", [True, False])
async def test_sales_go_before_walks(make_case: MakeCase, clock: FakeClock, urgent: bool) -> None:
    """Goal: a sale's call is sent before those of twelve walks that wait for the channel's budget, but for what is on
    its way already. Control: a call that is not urgent waits its turn behind them.

    Method: the budget is spent first; the call is begun when the shop has seen each walk once, and then two more.
    """
    spent = await reads_until_it_waits(make_case) - 1
    case = make_case(clock, limits=True)
    channel = case.make_adapter(base_url=BASE_URL, transport=Wire(case.app))
    (ref,), place = case.fill(1), case.places[0]
    for _ in range(spent):
        await channel.read_levels([LevelKey(ref, place)])
    seen: list[bool] = []
    sales: list[asyncio.Task[list[WriteResult]]] = []

    async def hook(request: Request) -> Response | None:
        content = await request.body()
        seen.append(request.method == "PUT" or request.url.path.endswith("/batch") or b"mutation" in content)
        if len(seen) == 14:
            sale = channel.set_levels(writes_of([ref], place, [1]), "sale", urgent=urgent)
            sales.append(asyncio.create_task(sale))
        return None

    case.traffic.hooks.append(hook)
    await asyncio.gather(*(walked(channel, case.places) for _ in range(12)))
    await asyncio.gather(*sales)
    walks_before = seen.index(True) - 14
    assert walks_before <= 4 if urgent else walks_before >= 8
    await channel.aclose()


async def test_check_finds_a_healthy_channel_well(channel: Channel, channel_case: ChannelCase) -> None:
    channel_case.fill(1)
    findings = await channel.check()
    assert findings
    assert [finding for finding in findings if not finding.ok] == []


async def test_nothing_secret_is_told(channel: Channel, channel_case: ChannelCase, wire: Wire) -> None:
    refs, place = channel_case.fill(1), channel_case.places[0]
    headers = {"x-echo": " ".join(channel_case.secrets)}
    body = f"<p>refused: {' '.join(channel_case.secrets)}</p>"
    channel_case.traffic.hooks.append(answering(1_000, lambda: HTMLResponse(body, 500, headers)))
    with pytest.raises(ChannelError) as failure:
        await channel.set_levels(writes_of(refs, place, [1]), "secret")
    told = f"{failure.value} {failure.value!r} {failure.value.said} {channel!r} {vars(channel)!r}"
    sent = channel_case.secrets[0]
    assert sent not in told


async def test_the_meter_counts_every_call(channel: Channel, channel_case: ChannelCase, wire: Wire) -> None:
    refs, place = channel_case.fill(3), channel_case.places[0]
    await channel.set_levels(writes_of(refs, place, [1, 2, 3]), "meter")
    writes = channel.meter.writes
    assert writes > 0
    await channel.read_levels(keys_of(refs, place))
    assert channel.meter.reads > 0
    assert channel.meter.writes == writes
    assert channel.meter.reads + channel.meter.writes == len(wire.exchanges)
    assert channel.meter.throttled == 0


async def test_calls_at_once_do_not_disturb_each_other(channel: Channel, channel_case: ChannelCase) -> None:
    refs, place = channel_case.fill(40), channel_case.places[0]
    calls: list[Awaitable[list[WriteResult]]] = [
        channel.set_levels(writes_of(refs[at : at + 10], place, [at + 1] * 10), f"at once/{at}")
        for at in range(0, 40, 10)
    ]
    for results in await asyncio.gather(*calls):
        assert outcomes(results) == [Outcome.ACCEPTED] * 10
    assert truths(channel_case, refs, place) == [at // 10 * 10 + 1 for at in range(40)]


async def test_what_is_sent_keeps_to_the_published_contract(
    channel: Channel, channel_case: ChannelCase, wire: Wire
) -> None:
    if channel_case.validator is None:
        pytest.skip("the platform's published contract is not at hand")
    refs, place = channel_case.fill(20), channel_case.places[0]
    await channel.check()
    await channel.set_levels(writes_of(refs, place, [1] * 20), "contract")
    await channel.read_levels(keys_of(refs, place))
    async for _ in channel.discover():
        pass
    await walked(channel, channel_case.places)
    await channel.set_hidden(refs[:2], True)
    await channel.set_hidden(refs[:2], False)
    assert wire.exchanges
    for exchange in wire.exchanges:
        channel_case.validator(exchange)
