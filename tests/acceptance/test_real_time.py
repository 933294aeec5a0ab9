"""Real time, as a merchant gets it: what is sold in one shop is off the others at once, whatever dies meanwhile.

One stack beside three shops serves the whole module, and so does one independent fold of all that was ever sold in it.
Sweeps come every ten seconds, which is as often as they may.
"""

import base64
import hashlib
import hmac
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from bench.chaos.expected import PLATFORMS, Folded, expected_levels, fold
from onhand.channels.registry import make_channels
from onhand.demo import SECRETS
from onhand.settings import load_settings
from tests.fix_acceptance import Installation, installed, wait_until

SKUS = [f"R-{n:02}" for n in range(30)]
OPENING = (100_000, 1_000)

SOON_SECONDS = 2.0
SWEEP_SECONDS = 10
DISPROVED_SECONDS = 4.0 * SWEEP_SECONDS
"""A put-back that was seen before it was heard of looks like a sale at the next look, until a sweep after
`disprove_after_seconds` finds that there is none."""
FAULTS = {"duplicate": 0.2, "shuffle": 0.3, "lose": 0.1, "delay_seconds": [0, 20], "seed": 7}
RETRIES_SCALE = 0.02
"""Shopify's first retry after 0.6 s instead of 30, BigCommerce's after 1.2."""

WEBHOOKS = {
    'token_env = "ONHAND_SHOPIFY_TOKEN"': 'webhook_secret_envs = ["ONHAND_SHOPIFY_SECRET"]',
    'secret_env = "ONHAND_WOO_SECRET"': 'webhook_secret_envs = ["ONHAND_WOO_WEBHOOK"]',
    'token_env = "ONHAND_BIGCOMMERCE_TOKEN"': 'webhook_secret_envs = ["ONHAND_BIGCOMMERCE_WEBHOOK"]',
    "every_minutes = 1440": f"sweep_seconds = {SWEEP_SECONDS}\ndisprove_after_seconds = {SWEEP_SECONDS}",
}
"""What the configuration says besides, each after a line that it has."""


@dataclass
class World:
    """The stack, and the stock that was counted into it at first, with every correction since."""

    stack: Installation
    opening: dict[str, tuple[int, int]] = field(default_factory=lambda: dict.fromkeys(SKUS, OPENING))

    def configure(self) -> None:
        """Say what the shops sign with, and how often they are swept; channels are adaptive."""
        text = self.stack.config.read_text().replace('orders = "ignore"', 'orders = "listen"')
        text = text.replace('mode = "pooled"', 'mode = "adaptive"')
        for line, more in WEBHOOKS.items():
            assert text.count(f"{line}\n") == 1
            text = text.replace(f"{line}\n", f"{line}\n{more}\n")
        self.stack.config.write_text(text)

    async def subscribe(self) -> None:
        """Have the shops tell of their orders, again where they have stopped to."""
        web = self.stack.state["urls"]["web"]
        with pytest.MonkeyPatch.context() as patch:
            for name, value in SECRETS.items():
                patch.setenv(name, value)
            channels = make_channels(load_settings(self.stack.config))
        for name, channel in channels.items():
            await channel.hooks.ensure(f"{web}webhooks/{name}")
            await channel.aclose()

    # In the shops.

    def asked(self, path: str) -> Any:
        """What the sandbox's control API shows."""
        return httpx.get(f"{self.stack.sandbox_url}/_sandbox/{path}", timeout=30).json()

    def place(self, platform: str, sku: str, quantity: int, **more: Any) -> str:
        """A buyer orders; the order's id."""
        lines = [{"sku": sku, "quantity": quantity}]
        return str(self.stack.control("order", {"platform": platform, "lines": lines, **more})["order"])

    def orders(self, platform: str) -> list[dict[str, Any]]:
        """Every order of a shop, as the shop has it."""
        found = self.asked(f"orders?platform={platform}&limit=10000")["orders"]
        assert isinstance(found, list)
        return found

    def start_load(self, rate: int, seconds: float, **more: Any) -> None:
        """Sell, ship, cancel and refund at a rate, beside everything else."""
        body = {"rate": rate, "seconds": seconds, "lines": [1, 5]}
        self.stack.control("load", {**body, "seed": rate, **more})

    def load_ended(self) -> bool:
        """Whether everything was sold that should be."""
        load = self.asked("load")
        assert load["refused"] == 0, load
        return not load["running"]

    def under_way(self) -> int:
        """Deliveries of all shops that are neither done nor given up."""
        return sum(each["counts"]["waiting"] for each in self.asked("deliveries").values())

    # What must be so in the end.

    def folded(self) -> Folded:
        """All that was sold in all shops."""
        return fold(order for platform in PLATFORMS for order in self.orders(platform))

    def unlike(self) -> dict[str, Any]:
        """Where ledger and shops are not what the fold says: what they say, and what they should."""
        stock = self.folded().left(self.opening)
        wrong = self.unlike_ledger()
        for platform in PLATFORMS:
            shown = self.stack.shop_levels(platform)
            for at, units in expected_levels(platform, stock).items():
                if shown[at] != units:
                    wrong[f"{platform} {at}"] = (shown[at], units)
        return wrong

    def unlike_ledger(self) -> dict[str, Any]:
        """The same of the ledger alone: available, committed and sold units."""
        rows = self.stack.rows(
            "SELECT s.code, l.code, b.available, b.committed, b.customer FROM balance b"
            " JOIN sku s ON s.id = b.sku_id JOIN location l ON l.id = b.location_id"
        )
        kept = {(sku, location): tuple(units) for sku, location, *units in rows}
        expected = self.folded().balances(self.opening)
        return {
            f"ledger {at}": (kept.get(at), units) for at, units in expected.items() if kept.get(at) != units
        }

    def require_alike(self, seconds_max: float) -> None:
        """Ledger and shops become what the fold says, within so many seconds."""
        deadline = time.monotonic() + seconds_max
        while wrong := self.unlike():
            assert time.monotonic() < deadline, f"after {seconds_max} s, as it is and should be: {wrong}"
            time.sleep(0.1)

    def require_settled(self) -> None:
        """Each accepted delivery has an outcome (a column: no more than one), and none was poison."""
        outcomes = dict(self.stack.rows("SELECT coalesce(outcome, 'waits'), count(*) FROM inbox GROUP BY 1"))
        assert outcomes.keys() <= {"posted", "unchanged", "stale", "noted"}, outcomes

    def change_orders(self) -> None:
        """Of five orders one is cancelled, one reduced, one shipped, one shipped and refunded in part, one left."""
        changes = (["cancel"], ["reduce"], ["ship"], ["ship", "refund"], [])
        entries = [
            {"what": what, "platform": platform, "order": order["order"]}
            for platform in PLATFORMS
            for number, order in enumerate(self.orders(platform))
            for what in changes[number % len(changes)]
        ]
        assert self.stack.control("orders/bulk", {"orders": entries})["refused"] == []

    def wait_for_sweep(self) -> None:
        """Until sweeps have made up for what no webhook told of."""
        wait_until(
            lambda: not self.unlike_ledger(), "the ledger is what was sold", SWEEP_SECONDS + SOON_SECONDS
        )

    def kill(self, name: str) -> None:
        """kill -9, and wait until the supervisor has started it again."""
        before = self.stack.state["pids"][name]
        self.stack.kill(name)
        self.wait_for_restart(name, before)

    def wait_for_restart(self, name: str, before: int) -> None:
        """Wait until it is another process."""
        wait_until(lambda: self.stack.state["pids"].get(name, before) != before, f"{name} runs again")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """30 SKUs with much stock in three shops, synchronised once."""
    with installed(["onhand.sandbox", "--no-limits"]) as stack:
        world = World(stack)
        world.configure()
        stack.start_up()
        stack.fill(SKUS)
        stack.write_stock(world.opening)
        assert stack.answer("sync")["status"] == "success"
        stack.control("deliveries", {"time_scale": RETRIES_SCALE})
        yield world


async def test_an_order_and_a_correction_are_seen_at_once(world: World) -> None:
    """Goal: nobody buys what another shop has just sold. Method: one order in each shop, one correction by hand."""
    await world.subscribe()
    for platform in PLATFORMS:
        world.place(platform, "R-00", 3)
        world.require_alike(SOON_SECONDS)
    corrected = world.stack.onhand("stock", "adjust", "R-01", "-5", "-l", "london", "--reason", "damaged")
    assert corrected.returncode == 0, corrected.stderr
    world.opening["R-01"] = (OPENING[0], OPENING[1] - 5)
    world.require_alike(SOON_SECONDS)
    world.require_settled()


def test_whatever_becomes_of_deliveries(world: World) -> None:
    """Goal: duplicates, disorder, delays and losses all end in the same ledger. Method: many of each, then a sweep."""
    world.stack.control("deliveries", FAULTS)
    world.start_load(60, 5)
    wait_until(world.load_ended, "all is sold")
    world.wait_for_sweep()
    world.change_orders()
    wait_until(lambda: world.under_way() == 0, "every delivery is done")
    counts = [each["counts"] for each in world.asked("deliveries").values()]
    assert all(count["lost"] and count["duplicated"] for count in counts), counts
    world.stack.control("deliveries", {})
    world.wait_for_sweep()
    for sku in SKUS:
        # A put-back that an answer showed before it was heard of moves the book twice: the next write finds out.
        world.place("woocommerce", sku, 1)
    world.require_alike(DISPROVED_SECONDS)
    world.require_settled()


async def test_whatever_is_killed(world: World) -> None:
    """Goal: what was acknowledged is not lost, and nothing is applied twice. Method: kill -9 of each under load."""
    world.start_load(50, 20)
    for name in ("worker", "web", "temporal", "postgres"):
        time.sleep(2)
        world.kill(name)
    wait_until(world.load_ended, "all is sold")
    wait_until(lambda: world.under_way() == 0, "what was refused is delivered again", 60)
    world.require_alike(DISPROVED_SECONDS)
    world.require_settled()


async def test_temporal_hangs_and_dies(world: World) -> None:
    """Goal: Temporal away stops no webhook. Method: it freezes for 10 s under orders, then dies and comes back."""
    await world.subscribe()
    before = {name: each["counts"] for name, each in world.asked("deliveries").items()}
    pid = world.stack.state["pids"]["temporal"]
    os.kill(pid, signal.SIGSTOP)
    try:
        world.start_load(20, 8)
        wait_until(world.load_ended, "all is sold")
        wait_until(lambda: world.under_way() == 0, "every delivery is answered")
        for name, each in world.asked("deliveries").items():
            assert each["counts"]["failed"] == before[name]["failed"]
            assert each["counts"]["delivered"] > before[name]["delivered"]
        assert world.unlike()
    finally:
        os.kill(pid, signal.SIGKILL)
    world.wait_for_restart("temporal", pid)
    world.require_alike(DISPROVED_SECONDS)
    world.require_settled()


MARKS = ("Zzyxquilla", "zzmark@quillamail.example", "5550017734", "77 Quillamark Row", "Quillamarkham")
BUYER = {
    "name": "Zzyxquilla Zzyxquilla",
    "email": MARKS[1],
    "phone": MARKS[2],
    "street": MARKS[3],
    "city": MARKS[4],
}


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """Somebody else whom a shop tells of its orders: an address, and the bodies that came."""
    heard: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", heard
        finally:
            server.shutdown()
            thread.join()


async def test_nobody_is_remembered(world: World) -> None:
    """Goal: no personal data is stored or logged. Method: search tables, histories and logs for marked buyers.

    There is a delivery that cannot be read among them, too: what goes wrong is talked about most.
    """
    stack = world.stack
    with listening() as (url, heard):
        subscribe_to_shopify(stack, url)
        for platform in PLATFORMS:
            order = world.place(platform, "R-02", 2, buyer=BUYER)
            told = heard_of(stack, platform, order, heard)
            assert [mark for mark in MARKS if mark not in told] == [], platform
    deliver_nonsense(world)
    world.require_alike(SOON_SECONDS)
    poison = stack.rows("SELECT count(*) FROM inbox WHERE outcome = 'poison' AND delivery_id = 'nonsense'")
    assert poison == [(1,)]
    waits = "SELECT count(*) FROM inbox WHERE outcome IS NULL"
    wait_until(lambda: stack.rows(waits) == [(0,)], "the inbox is empty")
    written = await stack.everything_written()
    assert {"worker.log", "web.log", "table inbox", "histories", "temporal.db"} <= written.keys()
    assert "drain_inbox" in written["histories"]
    found = {(where, mark) for where, text in written.items() for mark in MARKS if mark in text}
    assert found == set()
    assert stack.secrets_in(written) == set()


def subscribe_to_shopify(stack: Installation, url: str) -> None:
    """As another app of the merchant would."""
    statement = (
        "mutation($url: String!) { webhookSubscriptionCreate(topic: ORDERS_CREATE,"
        " webhookSubscription: {uri: $url}) { userErrors { message } } }"
    )
    answer = httpx.post(
        f"{stack.sandbox_url}/shopify/admin/api/2026-10/graphql.json",
        headers={"X-Shopify-Access-Token": SECRETS["ONHAND_SHOPIFY_TOKEN"]},
        json={"query": statement, "variables": {"url": url}},
    )
    assert answer.json()["data"]["webhookSubscriptionCreate"]["userErrors"] == [], answer.text


def heard_of(stack: Installation, platform: str, order: str, heard: list[str]) -> str:
    """What the platform tells of an order: Shopify in a webhook, the others when they are asked."""
    if platform == "shopify":
        wait_until(lambda: bool(heard), "Shopify has told of the order")
        return heard[-1]
    if platform == "woocommerce":
        url = f"{stack.sandbox_url}/woocommerce/wp-json/wc/v3/orders/{order}"
        key = (SECRETS["ONHAND_WOO_KEY"], SECRETS["ONHAND_WOO_SECRET"])
        return httpx.get(url, auth=key).raise_for_status().text
    url = f"{stack.sandbox_url}/bigcommerce/stores/sandbox/v2/orders/{order}"
    token = {"X-Auth-Token": SECRETS["ONHAND_BIGCOMMERCE_TOKEN"], "Accept": "application/json"}
    return httpx.get(url, headers=token).raise_for_status().text


def deliver_nonsense(world: World) -> None:
    """A delivery that Shopify has signed and nobody can read, full of its buyer."""
    body = json.dumps({"id": 1, "line_items": " ".join(MARKS), **BUYER}).encode()
    digest = hmac.new(SECRETS["ONHAND_SHOPIFY_SECRET"].encode(), body, hashlib.sha256).digest()
    headers = {
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Event-Id": "nonsense",
        "X-Shopify-Webhook-Id": "nonsense",
    }
    url = f"{world.stack.state['urls']['web']}webhooks/shopify"
    assert httpx.post(url, content=body, headers=headers).status_code == 200
