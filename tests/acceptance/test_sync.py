"""What a user does every day, on the real program: sync, look ahead, a shop that refuses items, a restart, secrets.

One stack serves the whole module, in the order of the file; each test begins from shops that show what the source says.
"""

import asyncio
import socket
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowExecution, WorkflowHandle

from bench.chaos.expected import LEEDS, LONDON, PLATFORMS, Levels, expected_levels
from tests.fix_acceptance import Installation

SKUS = [f"T-{number:03}" for number in range(1, 301)]
REFUSED = ("T-050", "T-100", "T-150")  # 1 % of the items


@dataclass
class World:
    """The stack, and the stock that its source states."""

    stack: Installation
    stock: dict[str, tuple[int, int]] = field(default_factory=lambda: dict.fromkeys(SKUS, (10, 5)))

    def change(self, changes: dict[str, tuple[int, int]]) -> None:
        """The warehouse has other numbers now."""
        self.stock |= changes
        self.stack.write_stock(self.stock)

    def shown(self) -> dict[str, Levels]:
        """What every shop shows."""
        return {platform: self.stack.shop_levels(platform) for platform in PLATFORMS}

    def wanted(self) -> dict[str, Levels]:
        """What every shop should show."""
        return {platform: expected_levels(platform, self.stock) for platform in PLATFORMS}


@pytest.fixture(scope="module")
def one_world(stack: Installation) -> World:
    """300 SKUs in three shops, synchronised once."""
    stack.fill(SKUS)
    world = World(stack)
    world.change({})
    assert stack.answer("sync")["status"] == "success"
    return world


@pytest.fixture
def world(one_world: World) -> World:
    """The same for each test, whatever the one before left undone."""
    if one_world.shown() != one_world.wanted():
        one_world.stack.answer("sync")
    return one_world


def test_seven_in_the_source_is_seven_in_each_shop(world: World) -> None:
    """Goal: the main job. Method: three SKUs get 7 (here, there, split); a sync; another one that has nothing to do."""
    stack = world.stack
    world.change({"T-001": (7, 0), "T-002": (0, 7), "T-003": (3, 4)})

    first = stack.answer("sync")

    assert (first["run"]["status"], first["run"]["rows_posted"]) == ("success", 6)
    assert {c["channel"]: (c["changed"], c["failed"]) for c in first["channels"]} == {
        "shopify": (6, 0),
        "woocommerce": (3, 0),
        "bigcommerce": (6, 0),
    }
    assert world.shown() == world.wanted()
    woo = stack.shop_levels("woocommerce")
    assert [woo[sku, ""] for sku in ("T-001", "T-002", "T-003")] == [7, 7, 7]

    calls = stack.calls()
    second = stack.onhand("sync")

    assert second.returncode == 0, second.stderr
    assert stack.calls() == calls, "neither written nor read"
    assert world.shown() == world.wanted()
    shown = stack.answer("runs", "show")
    assert shown["run"]["status"] == "success"
    counts = {
        c["channel"]: (c["levels"], c["changed"], c["unchanged"], c["writes"]) for c in shown["channels"]
    }
    assert counts == {
        "shopify": (600, 0, 600, 0),
        "woocommerce": (300, 0, 300, 0),
        "bigcommerce": (600, 0, 600, 0),
    }


def test_a_dry_run_tells_each_change_and_makes_none(world: World) -> None:
    """Goal: it can be trusted. Method: every table, the shops and their call counts are compared around it."""
    stack = world.stack
    shown = world.shown()
    world.change({"T-004": (8, 5), "T-005": (10, 0)})
    stored, calls = stack.table_texts(), stack.calls()

    answer = stack.answer("sync", "--dry-run")

    told = {(c["channel"], c["sku"], c["place"]): (c["before"], c["after"]) for c in answer["changes"]}
    assert len(answer["changes"]) == len(told)
    assert told == {
        ("shopify", "T-004", LEEDS["shopify"]): (10, 8),
        ("shopify", "T-005", LONDON["shopify"]): (5, 0),
        ("woocommerce", "T-004", ""): (15, 13),
        ("woocommerce", "T-005", ""): (15, 10),
        ("bigcommerce", "T-004", LEEDS["bigcommerce"]): (10, 8),
        ("bigcommerce", "T-005", LONDON["bigcommerce"]): (5, 0),
    }
    assert (answer["rows"], answer["corrections"], answer["refused"]) == (600, 2, 0)
    assert stack.table_texts() == stored, "the watermark and every other table"
    assert world.shown() == shown
    assert stack.calls() == calls

    assert stack.answer("sync")["status"] == "success"
    assert world.shown() == world.wanted(), "what it told was true"
    assert stack.answer("sync", "--dry-run")["changes"] == []


async def test_refused_items_retry_on_their_own_beside_a_partial_run(world: World) -> None:
    """Goal: 1 % refused by a shop delays nothing else and is seen. Method: one shop refuses three SKUs for a while."""
    stack = world.stack
    stack.control("reject", {"platform": "woocommerce", "skus": list(REFUSED)})
    world.change(dict.fromkeys([*REFUSED, "T-006"], (7, 7)))

    answer = stack.answer("sync", code=3)

    assert answer["status"] == "partial"
    wanted = world.wanted()
    wanted["woocommerce"] |= {(sku, ""): 15 for sku in REFUSED}
    assert world.shown() == wanted
    assert_listed_with_reasons(stack, answer["run"]["id"])
    page = stack.slack_page()
    assert "Stock is not right: 3 of 300 levels failed on woocommerce (1 %)" in page
    assert "stock-alerts" in page
    client = await stack.temporal()
    updates = await retrying(client, "woocommerce")
    assert {sku: found.status and found.status.name for sku, (found, _) in updates.items()} == dict.fromkeys(
        REFUSED, "RUNNING"
    )
    assert all("A plugin refused to save this product" in reason for _, reason in updates.values())

    stack.control("reject", {"platform": "woocommerce", "skus": []})
    asked = [part for sku in REFUSED for part in ("--sku", sku)]
    assert stack.answer("sync", *asked)["status"] == "success"

    assert world.shown() == world.wanted()
    for sku in REFUSED:
        assert_accepted(stack, sku)


def assert_listed_with_reasons(stack: Installation, run: str) -> None:
    shown = stack.answer("runs", "show", run)
    assert [(f["channel"], f["sku"], f["category"]) for f in shown["failures"]] == [
        ("woocommerce", sku, "RowRejected") for sku in REFUSED
    ]
    for failure in shown["failures"]:
        assert "A plugin refused to save this product" in failure["message"]
        assert failure["advice"] == "See what the shop said; a plugin may have refused to save the product."
    text = stack.onhand("runs", "show", run).stdout
    assert all(sku in text for sku in REFUSED)
    assert "what to do: See what the shop said" in text


def assert_accepted(stack: Installation, sku: str) -> None:
    (level,) = stack.answer("explain", sku, "--channel", "woocommerce")["levels"]
    assert (level["target"], level["known"]["book"], level["pending"], level["parked"]) == (
        14,
        14,
        None,
        None,
    )
    assert level["pushes"][0]["outcome"] == "accepted"
    assert "rejected" in {push["outcome"] for push in level["pushes"][1:]}


async def retrying(client: Client, channel: str) -> dict[str, tuple[WorkflowExecution, str]]:
    """The update of each refused SKU, found as a person would search for it, and what its pending step last said."""
    found = {}
    for sku in REFUSED:
        query = f"WorkflowType = 'SkuUpdate' AND Channel = '{channel}' AND Sku = '{sku}'"
        (execution,) = [each async for each in client.list_workflows(query)]
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        found[sku] = (execution, await last_failure(handle))
    return found


async def last_failure(handle: WorkflowHandle[object, object]) -> str:
    async with asyncio.timeout(10):
        while True:
            pending = (await handle.describe()).raw_description.pending_activities
            if pending and pending[0].HasField("last_failure"):
                return pending[0].last_failure.message
            await asyncio.sleep(0.05)


def test_a_restart_keeps_the_data_and_an_operators_pause(world: World) -> None:
    """Goal: a stop is clean and a deploy undoes nothing. Method: pause, apply, Ctrl-C; look; start again, and sync."""
    stack = world.stack
    assert stack.onhand("schedule", "pause", "--note", "stocktaking").returncode == 0
    assert stack.answer("schedule", "apply") == {
        "applied": "unchanged",
        "every_minutes": 1_440,
        "sweeps": "unchanged",
        "sweep_seconds": 60,
        "swept_channels": [],
        "read_backs": "unchanged",
        "read_back_minutes": 0,
        "report": "unchanged",
        "retune": "unchanged",
    }
    assert paused(stack) == (True, "stocktaking")
    ports = ports_of(stack)
    assert all(listens(port) for port in ports)

    assert stack.interrupt_up() == 0

    assert stack.processes() == []
    assert not any(listens(port) for port in ports)

    stack.start_up()
    assert paused(stack) == (True, "stocktaking")
    assert stack.onhand("schedule", "resume").returncode == 0
    assert stack.answer("schedule", "show")["paused"] is False
    calls = stack.calls()
    answer = stack.answer("sync")
    assert (answer["status"], [c["changed"] for c in answer["channels"]]) == ("success", [0, 0, 0])
    assert stack.calls() == calls
    assert world.shown() == world.wanted()


def paused(stack: Installation) -> tuple[bool, str]:
    seen = stack.answer("schedule", "show")
    return seen["paused"], seen["note"]


def ports_of(stack: Installation) -> list[int]:
    addresses = [*stack.state["urls"].values(), f"http://{stack.state['temporal_address']}/", stack.dsn]
    return [int(address.split("/")[2].rsplit(":", 1)[1]) for address in addresses]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_the_updates_of_refused_items_end_by_themselves(world: World) -> None:
    """Goal: nothing is left to do by hand, not even after a restart. Method: wait for those of the test above."""
    client = await world.stack.temporal()
    async with asyncio.timeout(30):
        for sku in REFUSED:
            await client.get_workflow_handle(f"sku-update/woocommerce/{sku}").result()
    assert world.shown() == world.wanted()


@pytest.mark.parametrize("command", ["doctor", "up", "sync"])
@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("port = 0", "port = 86000", "web.port: given 86000; accepted: less than or equal to 65535"),
        (
            '1 = ["leeds"]',
            '1 = ["leads"]',
            "channels.bigcommerce.places.1: given 'leads', which is not in [locations]; accepted: leeds, london",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_accepted(
    stack: Installation, tmp_path: Path, command: str, right: str, wrong: str, complaint: str
) -> None:
    """Goal: a slip of the pen costs a minute. Method: one wrong number, one name that does not exist."""
    config = tmp_path / "onhand.toml"
    config.write_text(stack.config.read_text().replace(right, wrong))

    done = stack.onhand("--config", str(config), command)

    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, said
    assert complaint in said
    assert not (tmp_path / "data").exists(), "nothing was begun"


def test_without_a_stack_a_command_says_what_to_start(stack: Installation, tmp_path: Path) -> None:
    """Goal: no traceback where nothing runs. Method: the same configuration in a folder of its own."""
    config = tmp_path / "onhand.toml"
    config.write_text(stack.config.read_text())

    done = stack.onhand("--config", str(config), "stock", "show", "T-001")

    assert (done.returncode, done.stdout) == (1, "")
    assert "Start it with 'onhand up'" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


async def test_no_secret_is_written_anywhere(world: World) -> None:
    """Goal: logs, histories and the database can be shown to anyone. Method: search all that the tests above left."""
    written = await world.stack.everything_written()
    assert {"worker.log", "web.log", "temporal.log", "postgres.log", "temporal.db"} <= written.keys()
    assert "T-050" in written["table sku"], "the search would find something"
    assert "sku-update/woocommerce/T-050" in written["histories"]
    assert world.stack.secrets_in(written) == set()
