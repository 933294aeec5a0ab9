"""kill -9 in the middle of a run of 5,000 SKUs: whatever dies, the run completes and no level is wrong.

One stack beside slow shops serves the whole module. Each test gives every SKU other numbers, starts a sync, kills when
a certain part of the levels is done, and waits for the sync to end as if nothing had happened.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from bench.chaos.expected import PLATFORMS, expected_levels
from tests.fix_acceptance import Installation, wait_until

SKUS = 5_000
LEVELS = 25_000  # two places on Shopify and BigCommerce, one on WooCommerce
RUN_SECONDS_MAX = 100.0
STARTS = {"worker.log": 5, "web.log": 3}  # the first, one after each death, one with the new supervisor
pytestmark = pytest.mark.timeout(400)  # other modules run beside it
STARTED = ("worker started", "Application startup complete.")


@dataclass
class World:
    """The stack, and how often the warehouse has counted everything anew."""

    stack: Installation
    counted: int = 0

    def stock(self) -> dict[str, tuple[int, int]]:
        """Every number, and every sum of two, differs from the round before."""
        turn = self.counted
        return {f"T-{n:04}": ((7 * n + turn) % 50, (n + 3 * turn) % 20) for n in range(SKUS)}

    def count_anew(self) -> None:
        """The warehouse has other numbers for everything."""
        self.counted += 1
        self.stack.write_stock(self.stock())

    def done(self) -> int:
        """Levels of the running sync that are decided and recorded; a channel that is through has no plan any more."""
        statement = (
            "SELECT (SELECT count(*) FROM run_plan WHERE outcome IS NOT NULL)"
            " + (SELECT coalesce(sum(c.changed + c.unchanged), 0) FROM run_channel c"
            "      JOIN run r ON r.id = c.run_id AND r.status = 'running' WHERE c.finished_at IS NOT NULL)"
        )
        return int(self.stack.rows(statement)[0][0])

    def get_to(self, share: float) -> None:
        """Wait until so much of the running sync is done, and not all."""
        wait_until(
            lambda: self.done() >= share * LEVELS, f"{share:.0%} of the levels are done", RUN_SECONDS_MAX
        )
        assert self.unfinished(), "the run is still in the middle"

    def kill(self, name: str) -> None:
        """kill -9, and wait until the supervisor has started it again."""
        before = self.stack.state["pids"][name]
        self.stack.kill(name)
        wait_until(lambda: self.stack.state["pids"].get(name, before) != before, f"{name} runs again")

    def unfinished(self) -> list[str]:
        """Runs that have not ended."""
        return [run for (run,) in self.stack.rows("SELECT id FROM run WHERE status = 'running'")]


@pytest.fixture(scope="module")
def world(slow_stack: Installation) -> World:
    """5,000 SKUs in three shops, synchronised once."""
    world = World(slow_stack)
    slow_stack.fill(list(world.stock()))
    world.count_anew()
    assert slow_stack.answer("sync")["status"] == "success"
    return world


@contextmanager
def syncing(world: World) -> Iterator[subprocess.Popen[str]]:
    """A sync of everything, under way; when the body ends it must have ended well, as if nothing had happened."""
    world.count_anew()
    stack = world.stack
    with subprocess.Popen(
        stack.command("sync", "--json"),
        cwd=stack.home,
        env=stack.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
            out, said = process.communicate(timeout=RUN_SECONDS_MAX)
        finally:
            process.kill()
    assert process.returncode == 0, said + out
    assert json.loads(out)["status"] == "success"


def assert_all_is_right(world: World) -> None:
    """Every level in every shop and the ledger's own numbers are those of the source, and nothing is left over."""
    stack, stock = world.stack, world.stock()
    if stack.rows("SELECT FROM outbox LIMIT 1"):
        # Of a level that two tries of one call wrote, the first of them frozen meanwhile, nobody believes anything: the
        # next run looks.
        assert stack.answer("sync")["status"] == "success"
    for platform in PLATFORMS:
        assert stack.shop_levels(platform) == expected_levels(platform, stock)
    balances = stack.rows(
        "SELECT s.code, l.code, b.available FROM balance b"
        " JOIN sku s ON s.id = b.sku_id JOIN location l ON l.id = b.location_id"
    )
    at = {(sku, location): units for sku, location, units in balances}
    assert {sku: (at[sku, "leeds"], at[sku, "london"]) for sku in stock} == stock
    for table in ("run_plan", "outbox", "parked_level", "run_failure"):
        assert stack.rows(f"SELECT * FROM {table}") == [], table
    assert world.unfinished() == []
    channels = stack.rows(
        "SELECT c.name, r.status, r.levels, r.changed + r.unchanged, r.failed FROM run_channel r"
        " JOIN channel c ON c.id = r.channel_id"
        " WHERE r.run_id = (SELECT id FROM run ORDER BY started_at DESC LIMIT 1)"
    )
    assert sorted(channels) == [
        ("bigcommerce", "success", 10_000, 10_000, 0),
        ("shopify", "success", 10_000, 10_000, 0),
        ("woocommerce", "success", 5_000, 5_000, 0),
    ]


def test_the_worker_dies_early_in_the_middle_and_late(world: World) -> None:
    """Goal: a dead worker's calls are made again and none is wrong. Method: three times kill -9 in one run."""
    with syncing(world):
        for share in (0.15, 0.45, 0.75):
            world.get_to(share)
            world.kill("worker")
    assert_all_is_right(world)


def test_each_server_dies(world: World) -> None:
    """Goal: what is committed is not lost and what is not is done again. Method: one after the other in one run."""
    with syncing(world):
        for share, name in ((0.15, "web"), (0.35, "postgres"), (0.6, "temporal")):
            world.get_to(share)
            world.kill(name)
    assert_all_is_right(world)


def test_the_supervisor_dies(world: World) -> None:
    """Goal: nothing has to be cleaned up by hand. Method: kill -9 of `onhand up` in the middle, then a new one.

    The schedule's run it is, because a command that waits for one gives up when Temporal is away for long.
    """
    stack = world.stack
    before = stack.state["pids"]
    world.count_anew()
    assert stack.onhand("schedule", "trigger").returncode == 0
    world.get_to(0.4)
    stack.kill("supervisor")
    stack.start_up()
    after = stack.state["pids"]
    wait_until(lambda: not world.unfinished(), "the run has ended", RUN_SECONDS_MAX)
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())
    assert_all_is_right(world)


def test_nothing_is_left_to_do(world: World) -> None:
    """Goal: after all of this Onhand knows every level. Method: another sync makes no call, and `doctor` is content."""
    calls = world.stack.calls()
    answer = world.stack.answer("sync")
    assert [c["changed"] for c in answer["channels"]] == [0, 0, 0]
    assert world.stack.calls() == calls
    assert world.stack.answer("doctor")["health"] == "ok"


async def test_no_crash_wrote_a_secret_or_a_line_that_is_no_json(world: World) -> None:
    """Goal: logs stay readable by machines and safe to show, whatever died. Method: search all that was left."""
    written = await world.stack.everything_written()
    assert world.stack.secrets_in(written) == set()
    for name in ("worker.log", "web.log"):
        lines = [json.loads(line) for line in written[name].splitlines()]
        assert sum(line["event"] in STARTED for line in lines) == STARTS[name]
