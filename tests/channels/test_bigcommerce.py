"""The BigCommerce adapter beyond what all channels promise: refusals, the shared quota, one writer, discovery.

The clock is fake: a healthy run takes about five seconds, most of them for the 50,000 levels.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from onhand.channels.base import Finding, ItemRef, LevelKey, LevelWrite, Outcome, RemoteItem, WriteResult
from onhand.channels.bigcommerce import BigCommerce
from onhand.channels.bigcommerce.catalogue import UNKNOWN_TRACKING, UNTRACKED, items_of
from onhand.channels.bigcommerce.entries import Entry
from onhand.channels.bigcommerce.isolating import settle
from onhand.channels.bigcommerce.reading import fitting
from onhand.channels.bigcommerce.refusals import Refusal, named_in, refusal_in
from onhand.channels.errors import (
    ChannelDown,
    ChannelError,
    CredentialsBad,
    NewKeyRetry,
    RowRejected,
    SameKeyRetry,
)
from onhand.channels.quota import SharedQuota
from onhand.sandbox.bigcommerce.options import SCOPES
from onhand.sandbox.shop import Item
from tests.channels.case_bigcommerce import MAIN, OUTLET, case, throttled
from tests.fix_channels import BASE_URL, ChannelCase, FakeClock, Wire

Json = dict[str, Any]
WRITE = "put-absolute-adjustment"
READ = "get-inventory-items"


class Bench:
    """A sandbox store, an adapter on it, and what went over the wire."""

    def __init__(self, clock: FakeClock, **changes: Any) -> None:
        self.case: ChannelCase = case(clock, **changes)
        self.wire = Wire(self.case.app)
        self.channel = self.another()

    def another(self) -> BigCommerce:
        channel = self.case.make_adapter(base_url=BASE_URL, transport=self.wire)
        assert isinstance(channel, BigCommerce)
        return channel

    @property
    def sent(self) -> list[Json]:
        """The bodies of all adjustments, in order."""
        return [orjson.loads(each.request.content) for each in self.wire.exchanges if each.request.content]

    @property
    def sizes(self) -> list[int]:
        return [len(body["items"]) for body in self.sent]

    def says(self, *answers: Response) -> None:
        """The next requests are answered so, in the platform's stead."""
        waiting = list(answers)

        async def hook(request: Request) -> Response | None:
            return waiting.pop(0) if waiting else None

        self.case.traffic.hooks.append(hook)

    def level(self, ref: ItemRef, place: str = MAIN) -> int | None:
        return self.case.truth(ref, place)


@pytest.fixture
def bench(clock: FakeClock) -> Bench:
    return Bench(clock)


def write(ref: ItemRef, quantity: int, place: str = MAIN) -> LevelWrite:
    return LevelWrite(LevelKey(ref, place), quantity, None)


def outcomes(results: list[WriteResult]) -> list[Outcome]:
    return [result.outcome for result in results]


def only_error(results: list[WriteResult]) -> RowRejected:
    (error,) = [result.error for result in results if result.error is not None]
    assert isinstance(error, RowRejected)
    return error


def mocked(answer: Callable[[httpx.Request], httpx.Response], clock: FakeClock) -> BigCommerce:
    transport = httpx.MockTransport(answer)
    return BigCommerce(
        "bc", BASE_URL, "secret-token", [MAIN], transport=transport, clock=clock.now, sleep=clock.sleep
    )


# What is sent


async def test_one_request_groups_the_levels_by_location(bench: Bench) -> None:
    first, second = bench.case.fill(2)
    writes = [write(second, 5, OUTLET), write(first, 1), write(first, 0, OUTLET), write(second, 8)]
    results = await bench.channel.set_levels(writes, "run-7/3")
    assert bench.sent == [
        {
            "reason": "Onhand run-7/3",
            "items": [
                {"location_id": 1, "variant_id": 500_000, "quantity": 1},
                {"location_id": 1, "variant_id": 500_001, "quantity": 8},
                {"location_id": 2, "variant_id": 500_001, "quantity": 5},
                {"location_id": 2, "variant_id": 500_000, "quantity": 0},
            ],
        }
    ]
    assert results == [WriteResult(each, Outcome.ACCEPTED) for each in writes]


async def test_an_item_tracked_by_product_is_named_by_its_product(bench: Bench) -> None:
    bench.case.shop.add(Item("206", "MUG", "Mug", parent_id="206", tracking="product"))
    mug = ItemRef(1, "MUG", "206", tracking="product")
    assert outcomes(await bench.channel.set_levels([write(mug, 3)], "k")) == [Outcome.ACCEPTED]
    assert bench.sent[0]["items"] == [{"location_id": 1, "product_id": 206, "quantity": 3}]
    assert bench.level(mug) == 3
    (shown,) = await bench.channel.read_levels([LevelKey(mug, MAIN)])
    assert shown.quantity == 3
    assert "product_id:in=206&" in str(bench.wire.exchanges[-1].request.url)


@pytest.mark.parametrize(
    ("change", "place", "quantity", "said"),
    [
        ({"tracking": "none"}, MAIN, 1, "inventory tracking is 'none'"),
        ({"tracking": ""}, MAIN, 1, "inventory tracking is 'unknown'"),
        ({"item_id": "gid://509"}, MAIN, 1, "'gid://509' is not a BigCommerce id"),
        ({}, "7", 1, "the location is not one of this channel's"),
        ({}, MAIN, 2_147_483_648, "a level is between 0 and 2147483647"),
        ({}, MAIN, -1, "a level is between 0 and 2147483647"),
    ],
)
async def test_what_can_never_be_accepted_is_not_sent(
    bench: Bench, change: dict[str, Any], place: str, quantity: int, said: str
) -> None:
    (ref,) = bench.case.fill(1)
    results = await bench.channel.set_levels([write(replace(ref, **change), quantity, place)], "k")
    assert outcomes(results) == [Outcome.REJECTED]
    assert said in only_error(results).said
    assert only_error(results).advice
    assert bench.wire.exchanges == []


async def test_two_listings_of_one_item_with_different_levels_are_both_rejected(bench: Bench) -> None:
    first, second = bench.case.fill(2)
    twin = replace(first, listing_id=99, sku="TWIN")
    results = await bench.channel.set_levels([write(first, 1), write(second, 2), write(twin, 3)], "k")
    assert outcomes(results) == [Outcome.REJECTED, Outcome.ACCEPTED, Outcome.REJECTED]
    assert "Two listings are mapped to one BigCommerce item" in str(results[2].error)
    assert [bench.level(first), bench.level(second)] == [0, 2]


async def test_the_same_level_twice_is_sent_once(bench: Bench) -> None:
    (ref,) = bench.case.fill(1)
    results = await bench.channel.set_levels([write(ref, 4), write(ref, 4)], "k")
    assert outcomes(results) == [Outcome.ACCEPTED] * 2
    assert bench.sizes == [1]


def test_places_are_location_ids(clock: FakeClock) -> None:
    for places in ([], ["Main"], ["1", ""]):
        with pytest.raises(ValueError, match="places must be BigCommerce location ids"):
            BigCommerce("bc", BASE_URL, "t", places, clock=clock.now, sleep=clock.sleep)


# Refusals


async def test_a_refusal_that_names_items_costs_one_more_request(bench: Bench) -> None:
    refs = bench.case.fill(6)
    for bad in (refs[1], refs[4]):
        bench.case.shop.items[bad.item_id].tracking = "product"
    results = await bench.channel.set_levels([write(ref, 9) for ref in refs], "k")
    good, bad_one = Outcome.ACCEPTED, Outcome.REJECTED
    assert outcomes(results) == [good, bad_one, good, good, bad_one, good]
    assert bench.sizes == [6, 4]
    assert str(results[1].error) == (
        "bigcommerce-test: set SKU SKU-000001 (variant 500001) at location 1 to 9 failed (HTTP 422): "
        "[Item with variant_id 500001 is tracked by product, please update stock by product id, "
        "Item with variant_id 500004 is tracked by product, please update stock by product id]. "
        "The product's inventory tracking was changed: discover the channel again and map the SKU anew."
    )
    assert [bench.level(ref) for ref in refs] == [9, 0, 9, 9, 0, 9]


async def test_a_location_the_store_lost_does_not_hold_up_the_others(bench: Bench) -> None:
    refs = bench.case.fill(2)
    del bench.case.shop.places[OUTLET]
    writes = [write(refs[0], 1), write(refs[0], 1, OUTLET), write(refs[1], 2), write(refs[1], 2, OUTLET)]
    results = await bench.channel.set_levels(writes, "k")
    assert outcomes(results) == [Outcome.ACCEPTED, Outcome.REJECTED] * 2
    assert bench.sizes == [4, 2]
    assert "Check that the location exists" in str(results[1].error)


async def test_an_unclear_refusal_is_bisected(clock: FakeClock) -> None:
    bench = Bench(clock, names_refused=False)
    refs = bench.case.fill(8)
    bench.case.shop.rejected_items.add(refs[5].item_id)
    results = await bench.channel.set_levels([write(ref, 7) for ref in refs], "k")
    assert outcomes(results) == [Outcome.ACCEPTED] * 5 + [Outcome.REJECTED] + [Outcome.ACCEPTED] * 2
    assert bench.sizes == [8, 4, 4, 2, 1, 1, 2]
    assert only_error(results).said == "The adjustment could not be processed"
    assert [bench.level(ref) for ref in refs] == [7, 7, 7, 7, 7, 0, 7, 7]


async def test_one_unnamed_bad_row_among_2000_costs_23_requests(clock: FakeClock) -> None:
    bench = Bench(clock, names_refused=False)
    refs = bench.case.fill(2_000)
    bench.case.shop.rejected_items.add(refs[1_999].item_id)
    results = await bench.channel.set_levels([write(ref, 1) for ref in refs], "k")
    assert outcomes(results) == [Outcome.ACCEPTED] * 1_999 + [Outcome.REJECTED]
    assert len(bench.sent) == 23
    assert bench.sizes[:4] == [2_000, 1_000, 1_000, 500]


async def test_too_many_bad_rows_leave_the_rest_due_again(clock: FakeClock) -> None:
    bench = Bench(clock, names_refused=False)
    refs = bench.case.fill(100)
    bench.case.shop.rejected_items.update(ref.item_id for ref in refs)
    results = await bench.channel.set_levels([write(ref, 1) for ref in refs], "k")
    assert len(bench.sent) == 64
    counts = {outcome: outcomes(results).count(outcome) for outcome in Outcome}
    assert counts[Outcome.ACCEPTED] == 0
    assert counts[Outcome.REJECTED] == 31
    assert counts[Outcome.STALE] == 69
    assert {type(each.error) for each in results if each.outcome is Outcome.STALE} == {NewKeyRetry}


async def test_a_request_too_large_for_the_store_is_halved(bench: Bench) -> None:
    refs = bench.case.fill(4)
    bench.says(JSONResponse({"status": 413, "title": "Payload Too Large"}, 413))
    results = await bench.channel.set_levels([write(ref, 1) for ref in refs], "k")
    assert outcomes(results) == [Outcome.ACCEPTED] * 4
    assert bench.sizes == [4, 2, 2]


async def test_settling_nothing_sends_nothing() -> None:
    async def never(entries: object) -> Refusal | None:
        raise AssertionError("sent")

    settled = await settle([], never)
    assert (settled.accepted, settled.refused, settled.unsettled) == ([], [], [])


def entry(identity: str, number: int, location: int = 1, sku: str = "") -> Entry:
    tracking = identity.removesuffix("_id")
    ref = ItemRef(number, sku or f"S-{number}", str(number), tracking=tracking)
    return Entry(identity, number, location, write(ref, 1, str(location)), (0,))


ENTRIES = [
    entry("variant_id", 106),
    entry("product_id", 55),
    entry("variant_id", 107, 2, sku="RE-130"),
    entry("variant_id", 106, 2),
]


@pytest.mark.parametrize(
    ("said", "positions"),
    [
        ("[Item with variant_id 106 is tracked by product, please update stock by product id]", [0, 3]),
        ("[Item with variant_id 106 is tracked by product, please update product_id 55]", [0, 3]),
        ("Items with identity: [product_id 55] requires absolute adjustment before relative", [1]),
        ("Items with identity: [sku RE-130] requires absolute adjustment before relative", [2]),
        ("variant ids: 106, 107 are invalid", [0, 2, 3]),
        ("[Item with variant_id 106 is not stocked at location_id 2]", [3]),
        ("Location with id 2 does not exist", [2, 3]),
        ("[Item with variant_id 999 is not stocked at location_id 2]", []),
        ("Something is wrong with 106", []),
        ("", []),
    ],
)
def test_who_a_refusal_names(said: str, positions: list[int]) -> None:
    assert named_in(Refusal(said, 422), ENTRIES) == [ENTRIES[at] for at in positions]


def test_a_field_tells_the_index() -> None:
    body = {"title": "Payload contains invalid fields", "errors": {"items.1.quantity": "must be >= 0"}}
    refusal = refusal_in(httpx.Response(422, json=body))
    assert refusal.said == "Payload contains invalid fields (items.1.quantity: must be >= 0)"
    assert named_in(refusal, ENTRIES) == [ENTRIES[1]]


def test_a_refusal_that_is_no_json_names_nobody() -> None:
    refusal = refusal_in(httpx.Response(413, text="<h1>Too large</h1>"))
    assert refusal == Refusal("Too large", 413)


# Errors


@pytest.mark.parametrize(
    ("status", "error", "retry_after_seconds"),
    [
        (301, ChannelDown, None),
        (401, CredentialsBad, None),
        (403, CredentialsBad, None),
        (404, CredentialsBad, None),
        (405, ChannelDown, None),
        (408, SameKeyRetry, None),
        (409, NewKeyRetry, None),
        (415, ChannelDown, None),
        (418, ChannelDown, None),
        (423, SameKeyRetry, None),
        (499, SameKeyRetry, None),
        (500, SameKeyRetry, 60.0),
        (501, ChannelDown, None),
        (503, SameKeyRetry, None),
        (507, ChannelDown, None),
        (520, SameKeyRetry, None),
    ],
)
async def test_every_status_has_one_meaning(
    bench: Bench, status: int, error: type[ChannelError], retry_after_seconds: float | None
) -> None:
    (ref,) = bench.case.fill(1)
    bench.says(JSONResponse({"status": status, "title": "No", "errors": {"why": "because"}}, status))
    with pytest.raises(ChannelError) as failure:
        await bench.channel.set_levels([write(ref, 1)], "k")
    assert type(failure.value) is error
    assert failure.value.status == status
    assert failure.value.said == "No (why: because)"
    assert failure.value.advice
    assert failure.value.retry_after_seconds == retry_after_seconds
    assert bench.level(ref) == 0


async def test_a_missing_scope_is_named(clock: FakeClock) -> None:
    bench = Bench(clock, scopes=("store_inventory_read_only",))
    (ref,) = bench.case.fill(1)
    with pytest.raises(CredentialsBad) as failure:
        await bench.channel.set_levels([write(ref, 1)], "k")
    assert "This call needs the scope store_inventory." in str(failure.value)
    assert "SKU-000000" in str(failure.value)


@pytest.mark.parametrize("status", [403, 404])
async def test_a_firewalls_page_is_not_the_platform(bench: Bench, status: int) -> None:
    (ref,) = bench.case.fill(1)
    bench.says(HTMLResponse("<h1>Blocked</h1>", status))
    with pytest.raises(ChannelDown) as failure:
        await bench.channel.set_levels([write(ref, 1)], "k")
    assert failure.value.said == "Blocked"


async def test_an_error_of_v2_shape_is_quoted(bench: Bench) -> None:
    bench.says(JSONResponse([{"status": 503, "message": "In maintenance"}], 503), Response(status_code=503))
    (ref,) = bench.case.fill(1)
    for said in ("In maintenance", "nothing"):
        with pytest.raises(SameKeyRetry) as failure:
            await bench.channel.set_levels([write(ref, 1)], "k")
        assert failure.value.said == said


@pytest.mark.parametrize("body", [{}, {"transaction_id": ""}, []])
async def test_a_200_without_transaction_is_no_acceptance(bench: Bench, body: object) -> None:
    (ref,) = bench.case.fill(1)
    bench.says(JSONResponse(body))
    with pytest.raises(SameKeyRetry, match="names no transaction"):
        await bench.channel.set_levels([write(ref, 1)], "k")


@pytest.mark.parametrize("body", [{}, [], {"data": [{}], "meta": {}}, {"data": [], "meta": {}}])
async def test_an_answer_of_another_shape_is_reported(bench: Bench, body: object) -> None:
    (ref,) = bench.case.fill(1)
    bench.says(JSONResponse(body), JSONResponse(body))
    with pytest.raises(ChannelDown, match="another shape"):
        await bench.channel.read_levels([LevelKey(ref, MAIN)])
    with pytest.raises(ChannelDown, match="another shape"):
        await anext(bench.channel.discover())


# Limits


def refused_with(**headers: str) -> Response:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return JSONResponse({"status": 429, "title": "Too many requests"}, 429, named)


@pytest.mark.parametrize(
    ("answers", "waited"),
    [
        ([throttled], [12.0]),
        ([lambda: refused_with(X_Rate_Limit_Time_Reset_Ms="2500")], [2.5]),
        ([lambda: refused_with(X_Retry_After="7")], [7.0]),
        ([lambda: refused_with(Retry_After="9.5")], [9.5]),
        ([lambda: refused_with(Retry_After="Wed, 21 Oct 2026 07:28:00 GMT")], [1.0]),
        ([lambda: refused_with(X_Rate_Limit_Time_Reset_Ms="0")], [1.0]),
        ([refused_with, refused_with, refused_with], [1.0, 2.0, 4.0]),
    ],
)
async def test_a_429_is_waited_out_as_long_as_it_says(
    bench: Bench, answers: list[Callable[[], Response]], waited: list[float]
) -> None:
    (ref,) = bench.case.fill(1)
    bench.says(*[answer() for answer in answers])
    assert outcomes(await bench.channel.set_levels([write(ref, 1)], "k")) == [Outcome.ACCEPTED]
    assert bench.case.clock.slept == waited
    assert bench.channel.meter.waited_seconds == sum(waited)
    assert bench.channel.meter.throttled == len(waited)


async def test_load_without_headers_is_given_up_after_four_tries(bench: Bench) -> None:
    (ref,) = bench.case.fill(1)
    bench.says(*[refused_with() for _ in range(20)])
    with pytest.raises(SameKeyRetry, match="throttled 4 times in a row") as failure:
        await bench.channel.set_levels([write(ref, 1)], "k")
    assert failure.value.retry_after_seconds == 30.0
    assert bench.case.clock.slept == [1.0, 2.0, 4.0]


async def test_a_quota_closed_for_hours_is_a_channel_that_is_down(bench: Bench) -> None:
    (ref,) = bench.case.fill(1)
    bench.says(refused_with(X_Retry_After="7200"))
    with pytest.raises(ChannelDown, match="closed for 7200 s") as failure:
        await bench.channel.set_levels([write(ref, 1)], "k")
    assert failure.value.retry_after_seconds == 7200.0
    assert bench.case.clock.slept == []


async def test_one_callers_429_holds_back_the_others(clock: FakeClock) -> None:
    quota = SharedQuota(reserved_share=0.25, clock=clock.now, sleep=clock.sleep)
    assert await quota.enter() == 0.0
    quota.leave()
    quota.block(20.0)
    quota.block(5.0)
    assert await quota.enter() == 20.0


def told(quota: object, left: object, reset_ms: object) -> Callable[[httpx.Request], httpx.Response]:
    headers = {
        "X-Rate-Limit-Requests-Quota": str(quota),
        "X-Rate-Limit-Requests-Left": str(left),
        "X-Rate-Limit-Time-Reset-Ms": str(reset_ms),
    }
    meta = {"pagination": {"total_pages": 1}}
    return lambda request: httpx.Response(200, headers=headers, json={"data": [], "meta": meta})


@pytest.mark.parametrize(
    ("answer", "slept"),
    [
        (told(150, 46, 20_000), []),
        (told(150, 45, 20_000), []),
        (told(150, 44, 20_000), [20 / 7.5]),
        (told(150, 39, 20_000), [20 / 2.5]),
        (told(150, 38, 20_000), [20.0]),
        (told(150, 0, 20_000), [20.0]),
        (told(150, 0, "soon"), [30.0]),
        (told(2_147_483_647, 2_147_483_000, 20_000), []),
        (told("unlimited", "unlimited", ""), []),
        (told(0, 0, 0), []),
    ],
)
async def test_what_is_left_of_the_quota_sets_the_pace(
    clock: FakeClock, answer: Callable[[httpx.Request], httpx.Response], slept: list[float]
) -> None:
    channel = mocked(answer, clock)
    key = LevelKey(ItemRef(1, "A", "509", tracking="variant"), MAIN)
    await channel.read_levels([key])
    assert clock.slept == []
    await channel.read_levels([key])
    assert clock.slept == pytest.approx(slept)
    assert channel.meter.waited_seconds == pytest.approx(sum(slept))


async def test_callers_at_once_take_successive_turns() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    quota = SharedQuota(reserved_share=0.25, clock=lambda: 100.0, sleep=sleep)
    quota.learn(150, 44, 15.0)
    for _ in range(3):
        await quota.enter()
    assert slept == pytest.approx([15 / 7.5, 2 + 15 / 6.5, 2 + 15 / 6.5 + 15 / 5.5])
    for _ in range(10):
        await quota.enter()
    assert slept[-1] == 15.0  # nobody waits for longer than the next window


async def test_a_quarter_of_the_quota_is_left_to_other_apps(clock: FakeClock) -> None:
    bench = Bench(clock, limits=True, quota=100, write_seconds=0.0, write_seconds_per_entry=0.0)
    (ref,) = bench.case.fill(1)
    began = clock.now()
    for quantity in range(75):
        await bench.channel.set_levels([write(ref, quantity)], "k")
    assert clock.now() - began < 30.0
    left = int(bench.wire.exchanges[-1].response.headers["X-Rate-Limit-Requests-Left"])
    assert left == 25
    assert bench.channel.meter.throttled == 0
    await bench.channel.set_levels([write(ref, 1)], "k")
    assert clock.now() - began == pytest.approx(30.0)
    assert bench.channel.meter.remaining == {"requests": 99.0}


async def test_a_first_sync_of_50_000_levels_waits_for_nothing(clock: FakeClock) -> None:
    bench = Bench(clock, limits=True, quota=150, write_seconds=0.0, write_seconds_per_entry=0.0)
    refs = bench.case.fill(50_000)
    for start in range(0, 50_000, 2_000):
        writes = [write(ref, at % 977) for at, ref in enumerate(refs[start : start + 2_000], start)]
        assert set(outcomes(await bench.channel.set_levels(writes, "k"))) == {Outcome.ACCEPTED}
    clock.advance(3.1)
    for start in range(0, 50_000, 2_000):
        keys = [LevelKey(ref, MAIN) for ref in refs[start : start + 2_000]]
        shown = await bench.channel.read_levels(keys)
        assert [each.quantity for each in shown] == [at % 977 for at in range(start, start + 2_000)]
    assert bench.case.traffic.calls == {WRITE: 25, READ: 50, "concurrent_writes": 0}
    assert (bench.channel.meter.writes, bench.channel.meter.reads) == (25, 50)
    assert bench.channel.meter.waited_seconds == 0
    assert bench.channel.meter.throttled == 0
    assert clock.slept == []


# One writer, late visibility


async def test_writes_of_one_adapter_never_overlap(clock: FakeClock) -> None:
    bench = Bench(clock, limits=True, quota=150)
    refs = bench.case.fill(8)
    await asyncio.gather(
        *[bench.channel.set_levels([write(ref, at)], f"k{at}") for at, ref in enumerate(refs)],
        bench.channel.check(),
    )
    assert bench.case.traffic.calls[WRITE] == 9
    assert bench.case.traffic.calls["concurrent_writes"] == 0


async def test_negative_control_two_adapters_do_overlap(clock: FakeClock) -> None:
    bench = Bench(clock, limits=True, quota=150)
    refs = bench.case.fill(2)
    await asyncio.gather(
        bench.channel.set_levels([write(refs[0], 1)], "a"),
        bench.another().set_levels([write(refs[1], 1)], "b"),
    )
    assert bench.case.traffic.calls["concurrent_writes"] == 1


async def test_a_written_level_shows_later(bench: Bench) -> None:
    (ref,) = bench.case.fill(1)
    key = LevelKey(ref, MAIN)
    await bench.channel.set_levels([write(ref, 8)], "k")
    seen = []
    for seconds in (0.0, 1.4, 0.2):
        bench.case.clock.advance(seconds)
        (shown,) = await bench.channel.read_levels([key])
        seen.append(shown.quantity)
    assert seen == [0, 0, 8]
    assert bench.channel.capabilities.visible_after_seconds > bench.case.shop.visible_after_seconds


# Reading


async def test_read_asks_for_a_thousand_ids_a_call_within_the_url(bench: Bench) -> None:
    refs = bench.case.fill(1_001)
    shown = await bench.channel.read_levels(
        [LevelKey(ref, place) for ref in refs for place in (MAIN, OUTLET)]
    )
    assert [each.quantity for each in shown] == [0] * 2_002
    urls = [exchange.request.url for exchange in bench.wire.exchanges]
    assert [len(url.params["variant_id:in"].split(",")) for url in urls] == [1_000, 1]
    assert [len(url.raw_path) for url in urls] == [7_085, 92]
    assert urls[1].raw_path == (
        b"/stores/sandbox/v3/inventory/items?variant_id:in=501000&location_id:in=1,2&limit=1000&page=1"
    )


def test_how_many_ids_fit() -> None:
    assert fitting([1, 22, 333], 8) == 3
    assert fitting([1, 22, 333], 7) == 2
    assert fitting([333_333], 1) == 1
    assert fitting(range(100_000, 105_000), 8_000) == 1_000
    assert fitting(range(1_000_000, 1_005_000), 8_000 - 95) == 988


async def test_a_store_that_takes_shorter_urls_is_asked_for_fewer(clock: FakeClock) -> None:
    bench = Bench(clock, url_max_chars=3_000)
    refs = bench.case.fill(600)
    keys = [LevelKey(ref, MAIN) for ref in refs]
    assert [each.quantity for each in await bench.channel.read_levels(keys)] == [0] * 600
    statuses = [exchange.response.status_code for exchange in bench.wire.exchanges]
    assert statuses == [414, 414, 200, 200, 200]
    await bench.channel.read_levels(keys)
    assert len(bench.wire.exchanges) == 8


async def test_a_store_that_finds_every_url_too_long_is_down(clock: FakeClock) -> None:
    channel = mocked(lambda request: httpx.Response(414), clock)
    with pytest.raises(ChannelDown) as failure:
        await channel.read_levels([LevelKey(ItemRef(1, "A", "509", tracking="variant"), MAIN)])
    assert failure.value.status == 414
    assert channel.meter.reads == 4


async def test_what_has_no_level_says_why(bench: Bench) -> None:
    (ref,) = bench.case.fill(1)
    keys = [
        LevelKey(replace(ref, tracking="none"), MAIN),
        LevelKey(ref, ""),
        LevelKey(ref, "9"),
        LevelKey(ref, MAIN),
    ]
    shown = await bench.channel.read_levels(keys)
    assert [each.quantity for each in shown] == [None, None, None, 0]
    problems = [each.problem for each in shown]
    assert problems[0].startswith("inventory tracking is 'none': its stock number would be ignored")
    assert problems[1] == "'' is not a BigCommerce location id"
    assert problems[2].startswith("the store shows no inventory of variant_id 500000 at location 9")
    assert problems[3] == ""


async def test_safety_stock_does_not_lower_what_is_read(bench: Bench) -> None:
    (ref,) = bench.case.fill(1)
    bench.case.shop.items[ref.item_id].values["safety_stock"] = "2"
    bench.case.shop.edit(ref.item_id, MAIN, 8)
    (shown,) = await bench.channel.read_levels([LevelKey(ref, MAIN)])
    assert shown.quantity == 8


def rows(*levels: int) -> Json:
    data = [
        {
            "identity": {"product_id": 55, "variant_id": number},
            "locations": [{"location_id": 1, "total_inventory_onhand": level}],
        }
        for number, level in enumerate(levels, 100)
    ]
    return {"data": data, "meta": {"pagination": {"total_pages": 1}}}


@pytest.mark.parametrize(("levels", "quantity"), [((4, 4), 4), ((4, 5, 4), None)])
async def test_rows_of_one_product_have_to_agree(
    clock: FakeClock, levels: tuple[int, ...], quantity: int | None
) -> None:
    channel = mocked(lambda request: httpx.Response(200, json=rows(*levels)), clock)
    key = LevelKey(ItemRef(1, "MUG", "55", tracking="product"), MAIN)
    (shown,) = await channel.read_levels([key])
    assert shown.quantity == quantity
    assert ("different numbers" in shown.problem) is (quantity is None)


async def test_further_pages_are_read(clock: FakeClock) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        body = rows(7)
        body["data"][0]["identity"]["product_id"] = 54 + page
        body["meta"]["pagination"]["total_pages"] = 2
        return httpx.Response(200, json=body)

    channel = mocked(answer, clock)
    keys = [LevelKey(ItemRef(at, "", str(at), tracking="product"), MAIN) for at in (55, 56)]
    assert [each.quantity for each in await channel.read_levels(keys)] == [7, 7]
    assert channel.meter.reads == 2


# Discovery


def product(number: int, tracking: str, *variants: Json, sku: str = "") -> Json:
    return {
        "id": number,
        "name": f"Thing {number}",
        "sku": sku,
        "upc": "",
        "gtin": "",
        "inventory_tracking": tracking,
        "variants": list(variants),
    }


RED = {"id": 11, "sku": "R", "upc": "400", "option_values": [{"label": "Red"}, {"label": "M"}]}
BASE = {"id": 12, "sku": "B", "gtin": "500", "option_values": []}


def test_variants_are_stocked_where_tracking_is_by_variant() -> None:
    assert items_of(product(7, "variant", RED, BASE)) == [
        RemoteItem(
            "11", "R", "400", "Thing 7: Red, M", "000000000007.000000000011", "7", "variant", order_ref="v11"
        ),
        RemoteItem("12", "B", "500", "Thing 7", "000000000007.000000000012", "7", "variant", order_ref="v12"),
    ]


def test_the_product_is_stocked_where_tracking_is_by_product() -> None:
    key = "000000000007.000000000000"
    expected = RemoteItem("7", "B", "500", "Thing 7", key, "", "product", order_ref="p7")
    assert items_of(product(7, "product", BASE)) == [expected]
    assert items_of(product(7, "product", BASE, sku="P")) == [replace(expected, sku="P")]
    assert items_of(product(7, "product", RED, BASE)) == [replace(expected, sku="", barcode="")]


def test_what_is_not_tracked_is_found_and_not_writable() -> None:
    (simple,) = items_of(product(7, "none", BASE))
    assert (simple.item_id, simple.sku, simple.writable, simple.problem) == ("7", "B", False, UNTRACKED)
    found = items_of(product(7, "none", RED, BASE))
    assert [(item.item_id, item.sku, item.writable) for item in found] == [
        ("11", "R", False),
        ("12", "B", False),
    ]
    (odd,) = items_of(product(7, "by moon"))
    assert (odd.writable, odd.problem) == (False, UNKNOWN_TRACKING)


async def test_discovery_walks_by_id(bench: Bench) -> None:
    bench.case.fill(1_001)
    pages = [page async for page in bench.channel.discover()]
    assert [len(page) for page in pages] == [500, 500, 1]
    after = [exchange.request.url.params["id:greater"] for exchange in bench.wire.exchanges]
    assert after == ["0", "100249", "100499"]


async def test_discovery_of_an_empty_store_finds_nothing(bench: Bench) -> None:
    assert [page async for page in bench.channel.discover()] == []


async def test_discovery_does_not_walk_in_circles(clock: FakeClock) -> None:
    body = {"data": [product(7, "product")], "meta": {"pagination": {"total_pages": 2}}}
    channel = mocked(lambda request: httpx.Response(200, json=body), clock)
    walk = channel.discover()
    await anext(walk)
    await anext(walk)
    with pytest.raises(ChannelDown, match="the same products came again"):
        await anext(walk)


# Check


async def findings_of(bench: Bench) -> dict[str, Finding]:
    bench.case.fill(2)
    return {finding.subject: finding for finding in await bench.channel.check()}


def bad(findings: dict[str, Finding]) -> list[str]:
    assert all(finding.advice for finding in findings.values() if not finding.ok)
    return [subject for subject, finding in findings.items() if not finding.ok]


async def test_a_healthy_store(bench: Bench) -> None:
    findings = await findings_of(bench)
    assert list(findings) == [
        "connection",
        "safety stock",
        "scope store_inventory",
        "scope store_v2_products_read_only",
        "scope store_v2_orders_read_only",
        "location 1",
        "location 2",
        "stock settings",
    ]
    assert bad(findings) == []
    assert bench.sizes == [0]
    assert len(bench.wire.exchanges) == 6


@pytest.mark.parametrize(
    ("scope", "subjects"),
    [
        ("store_inventory", ["connection"]),
        ("store_locations_read_only", ["scope store_locations_read_only"]),
        ("store_v2_products_read_only", ["scope store_v2_products_read_only"]),
        ("store_v2_orders_read_only", ["scope store_v2_orders_read_only"]),
        ("store_v2_information_read_only", ["scope store_v2_information_read_only"]),
    ],
)
async def test_each_missing_scope_is_found(clock: FakeClock, scope: str, subjects: list[str]) -> None:
    scopes = tuple(each for each in SCOPES if each != scope)
    assert bad(await findings_of(Bench(clock, scopes=scopes))) == subjects


async def test_reading_without_writing_is_found(clock: FakeClock) -> None:
    scopes = ("store_inventory_read_only", *SCOPES[1:])
    findings = await findings_of(Bench(clock, scopes=scopes))
    assert bad(findings) == ["scope store_inventory"]
    assert "needs the scope store_inventory." in findings["scope store_inventory"].advice


async def test_a_bad_token_ends_the_check(bench: Bench) -> None:
    channel = bench.case.make_adapter(base_url=BASE_URL, transport=bench.wire, credentials_ok=False)
    (finding,) = await channel.check()
    assert (finding.subject, finding.ok) == ("connection", False)
    assert len(bench.wire.exchanges) == 1


async def test_locations_that_are_off_or_gone(clock: FakeClock) -> None:
    bench = Bench(clock, disabled_places=frozenset((MAIN,)))
    del bench.case.shop.places[OUTLET]
    findings = await findings_of(bench)
    assert bad(findings) == ["location 1", "location 2"]
    assert findings["location 1"].message == "'Main' is disabled: its stock does not sell"
    assert findings["location 2"].message == "the store has no such location"


async def test_settings_that_change_what_a_level_means(clock: FakeClock) -> None:
    bench = Bench(
        clock,
        update_stock_behavior="order_completed_or_shipped",
        edit_order_stock_adjustment=False,
        refund_order_stock_adjustment=False,
    )
    findings = [each for each in await bench.channel.check() if each.subject == "stock settings"]
    assert [finding.ok for finding in findings] == [False, False, True]


async def test_safety_stock_and_closed_items(bench: Bench) -> None:
    first, second = bench.case.fill(2)
    bench.case.shop.items[first.item_id].values["safety_stock"] = "2"
    bench.case.hide(second)
    findings = {finding.subject: finding for finding in await bench.channel.check()}
    assert bad(findings) == ["safety stock", "in stock"]
    assert (
        findings["safety stock"].message == "2 of 4 levels looked at have safety stock, first SKU SKU-000000"
    )
    assert findings["in stock"].message == "2 of 4 levels looked at are switched off, first SKU SKU-000001"


async def test_a_failing_settings_page_is_a_finding(bench: Bench) -> None:
    waiting = [None] * 5 + [Response(status_code=503)]

    async def hook(request: Request) -> Response | None:
        return waiting.pop(0) if waiting else None

    bench.case.traffic.hooks.append(hook)
    assert bad(await findings_of(bench)) == ["stock settings"]
