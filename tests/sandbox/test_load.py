"""The load generator: the same orders for the same seed, shares as asked for, and no mercy for a slow system."""

import asyncio
import time
from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from onhand.sandbox.app import create_app
from onhand.sandbox.load import Load
from onhand.sandbox.plan import LoadPlan, Step, steps
from onhand.sandbox.selling import Selling
from onhand.sandbox.world import World, WorldOptions
from tests.fix_channels import BASE_URL
from tests.sandbox.test_selling import post

SKUS = tuple(f"SKU-{number:06}" for number in range(1, 101))
PLAN = LoadPlan(("shopify", "woocommerce"), SKUS, changes=0.3, seed=5)


FIRST_LINES = [
    {"sku": "SKU-000033", "quantity": 3},
    {"sku": "SKU-000046", "quantity": 3},
    {"sku": "SKU-000095", "quantity": 3},
    {"sku": "SKU-000068", "quantity": 1},
    {"sku": "SKU-000060", "quantity": 1},
]
"""What the first buyer of seed 5 takes."""


def lines_of(found: list[Step]) -> list[dict[str, Any]]:
    return [line for step in found if step.places for line in step.body["lines"]]


def test_a_seed_is_a_sequence() -> None:
    """Goal: two runs do the same things in the same order; another seed does others. Written out at the start."""
    first = list(steps(PLAN, 500))
    assert first == list(steps(PLAN, 500))
    assert first != list(steps(replace(PLAN, seed=6), 500))
    assert list(islice(steps(PLAN, None), 100)) == first[:100]
    body = {"what": "place", "key": "load-1", "force": False, "platform": "shopify", "lines": FIRST_LINES}
    assert first[0] == Step(1, body)


def test_lines_and_quantities_are_within_their_ranges() -> None:
    """Goal: orders of one to five lines, each SKU once, one to three pieces."""
    found = [step for step in steps(PLAN, 2_000) if step.places]
    assert len(found) == 2_000
    assert {len(step.body["lines"]) for step in found} == {1, 2, 3, 4, 5}
    assert {line["quantity"] for line in lines_of(found)} == {1, 2, 3}
    assert all(len({line["sku"] for line in step.body["lines"]}) == len(step.body["lines"]) for step in found)


def test_changes_come_later_in_their_share() -> None:
    """Goal: 30 % of orders change, in equal parts, never before their order, a refund only after its shipping."""
    found = list(steps(PLAN, 4_000))
    changed = Counter(step.body["what"] for step in found if not step.places)
    orders = len({step.number for step in found if not step.places})
    assert orders == changed.total() - changed["refund"]  # a refund ships, too
    assert orders == pytest.approx(1_200, rel=0.05)
    seen: dict[int, list[str]] = {}
    for step in found:
        seen.setdefault(step.number, []).append(step.body["what"])
    assert set(map(tuple, seen.values())) == {
        ("place",),
        ("place", "ship"),
        ("place", "cancel"),
        ("place", "reduce"),
        ("place", "ship", "refund"),
    }


def test_zipf_and_hot_shares() -> None:
    """Goal: under Zipf the k-th SKU sells 1/k^s as often as the first; a hot SKU takes the share it was given."""
    one = replace(PLAN, lines=(1, 1), changes=0.0, distribution="zipf", exponent=1.0)
    sold = Counter(line["sku"] for line in lines_of(list(steps(one, 20_000))))
    harmonic = sum(1 / rank for rank in range(1, 101))
    for rank in (1, 2, 5):
        assert sold[SKUS[rank - 1]] == pytest.approx(20_000 / harmonic / rank, rel=0.1)
    hot = replace(one, distribution="hot", hot_share=0.8)
    sold = Counter(line["sku"] for line in lines_of(list(steps(hot, 10_000))))
    assert sold[SKUS[0]] == pytest.approx(8_020, rel=0.03)
    assert {line["sku"] for line in lines_of(list(steps(replace(hot, hot_share=1.0), 100)))} == {SKUS[0]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"distribution": "normal"},
        {"lines": (0, 2)},
        {"lines": (3, 2)},
        {"changes": 1.5},
        {"skus": ()},
        {"platforms": ()},
    ],
)
def test_a_plan_is_checked(wrong: dict[str, Any]) -> None:
    """Goal: what makes no sense is refused before it begins."""
    with pytest.raises(ValueError, match=r"needs|is one of|least|shares"):
        replace(PLAN, **wrong)


@pytest.fixture
def app() -> Starlette:
    return create_app(WorldOptions().without_limits())


@pytest.fixture
async def client(app: Starlette) -> httpx.AsyncClient:
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE_URL)
    await post(client, "catalogue", {"generate": 100, "level": 100_000, "variations": False})
    return client


async def ended(client: httpx.AsyncClient) -> dict[str, Any]:
    """The totals, once the load is over."""
    async with asyncio.timeout(20):
        while (found := (await client.get("/_sandbox/load")).json())["running"]:
            await asyncio.sleep(0.01)
    return found


async def test_a_load_by_the_control_api(app: Starlette, client: httpx.AsyncClient) -> None:
    """Goal: it sells at the rate, tells its totals, and the shops hold the very orders the plan says."""
    body = {"rate": 500, "orders": 150, "changes": 0.2, "seed": 9, "platforms": ["shopify", "bigcommerce"]}
    assert (await post(client, "load", body))["skus"] == 100
    await post(client, "load", body, status=409)
    totals = await ended(client)
    assert (totals["orders"], totals["refused"], totals["changes_refused"]) == (150, 0, 0)
    assert 0.29 < totals["seconds"] < 3
    expected: dict[str, list[dict[str, Any]]] = {"shopify": [], "bigcommerce": []}
    for step in steps(LoadPlan(("shopify", "bigcommerce"), SKUS, changes=0.2, seed=9), 150):
        if step.places:
            expected[step.body["platform"]].append(step.body["lines"])
    world: World = app.state.world
    for name, baskets in expected.items():
        placed = [
            [{"sku": line.sku, "quantity": line.quantity} for line in order.lines]
            for order in world.books[name].orders.values()
        ]
        assert placed == baskets
        assert totals["placed"][name] == len(baskets)


async def test_a_load_is_stopped(client: httpx.AsyncClient) -> None:
    """Goal: DELETE ends it and tells what was done; nothing goes on."""
    await post(client, "load", {"rate": 100, "seconds": 600})
    await asyncio.sleep(0.1)
    stopped = (await client.delete("/_sandbox/load")).json()
    assert not stopped["running"]
    assert 1 <= stopped["orders"] < 1_000
    await asyncio.sleep(0.05)
    assert (await client.get("/_sandbox/load")).json() == stopped


async def test_a_buyer_finds_nothing_left(client: httpx.AsyncClient) -> None:
    """Goal: orders for what is not shown are refused and counted, with a reason; `force` places them."""
    await post(client, "catalogue", [{"sku": "A", "level": 2}])
    body = {"rate": 2_000, "orders": 50, "lines": [1, 1], "quantity": [1, 1], "platforms": ["woocommerce"]}
    await post(client, "load", body)
    totals = await ended(client)
    assert (totals["orders"], totals["refused"]) == (2, 48)
    assert totals["reasons"][0] == "A shows 0 at '', 1 are wanted"
    await post(client, "load", {**body, "force": True})
    assert (await ended(client))["orders"] == 50


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"rate": 0, "orders": 1}, 400), ({"rate": 1, "orders": 1, "platforms": ["ebay"]}, 404)],
)
async def test_a_load_that_makes_no_sense(
    client: httpx.AsyncClient, body: dict[str, Any], status: int
) -> None:
    """Goal: the caller hears why."""
    assert "error" in await post(client, "load", body, status=status)


async def test_a_stall_is_made_up_for_and_reported() -> None:
    """Goal: open-loop pacing. Method: the loop stands still for 0.2 s; the orders due meanwhile follow at once, the
    run ends when it was to end, and the worst lateness is the stall's."""
    world = World(WorldOptions().without_limits())
    load = Load(Selling(world), replace(PLAN, changes=0.0), rate=200, orders=100, force=True)
    task = asyncio.create_task(load.run())
    await asyncio.sleep(0.1)
    time.sleep(0.2)
    await task
    stats = load.stats()
    assert 200 <= stats["max_lateness_ms"] < 400
    assert stats["late"] >= 36
    assert 0.49 < stats["seconds"] < 0.7
