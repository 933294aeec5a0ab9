"""A broken source on the real program: three shops, an export that says 0 for everything, a crash, a person.

One stack serves the module, in the order of the file.
"""

from dataclasses import dataclass, field
from getpass import getuser

import pytest

from bench.chaos.expected import PLATFORMS, expected_levels
from tests.fix_acceptance import Installation, wait_until

SKUS = [f"T-{number:03}" for number in range(1, 101)]
HELD = dict.fromkeys(PLATFORMS, "held")


@dataclass
class World:
    """The stack, what its source states, and what the shops show for as long as nothing is let through."""

    stack: Installation
    stock: dict[str, tuple[int, int]] = field(default_factory=lambda: dict.fromkeys(SKUS, (10, 5)))

    def says(self, stock: dict[str, tuple[int, int]]) -> None:
        """The warehouse has other numbers now."""
        self.stock = self.stock | stock
        self.stack.write_stock(self.stock)

    def shows(self, stock: dict[str, tuple[int, int]]) -> bool:
        """Whether every shop shows that stock."""
        return all(self.stack.shop_levels(p) == expected_levels(p, stock) for p in PLATFORMS)

    def sync(self, *arguments: str, code: int = 0) -> dict[str, str]:
        """A sync, and how it ended on each channel."""
        answer = self.stack.answer("sync", *arguments, code=code)
        return {row["channel"]: row["status"] for row in answer["channels"]}

    def alerts(self) -> int:
        """Holds that people were alerted of, in Slack."""
        return self.stack.slack_page().count("is held: too much would change at once</")


@pytest.fixture(scope="module")
def world(stack: Installation) -> World:
    """100 SKUs in three shops, synchronised once: a first sync changes everything, and is not held."""
    stack.fill(SKUS)
    world = World(stack)
    world.says({})
    assert stack.answer("sync")["status"] == "success"
    return world


def test_an_export_of_zeros_empties_no_shop_and_is_told_once(world: World) -> None:
    """Goal: three runs, no call to any shop, one alert; a worker that dies before it could note that gives one more.

    Method: the note is taken away, as if the worker had died before it was written; then it is killed.
    """
    stack, opening = world.stack, dict(world.stock)
    world.says(dict.fromkeys(SKUS, (0, 0)))
    calls = stack.calls()

    assert world.sync(code=3) == HELD
    told = world.alerts()
    stack.rows("UPDATE hold SET told_at = NULL WHERE kind = 'sync' RETURNING 1")
    before = stack.state["pids"]["worker"]
    stack.kill("worker")
    wait_until(lambda: stack.state["pids"].get("worker", before) != before, "the worker runs again")
    assert world.sync(code=3) == HELD
    assert world.sync(code=3) == HELD

    assert stack.calls() == calls, "neither written nor read"
    assert world.shows(opening)
    assert (told, world.alerts()) == (3, 6), "one for each shop, and once more after the crash"


def test_a_hold_is_seen_by_whoever_looks(world: World) -> None:
    """Goal: before anybody does anything about it, three commands tell of it; none of them is about holds alone."""
    stack = world.stack
    release = "onhand runs release --channel woocommerce"
    assert all(release in stack.onhand(what, "list").stdout for what in ("channels", "runs"))
    findings = stack.answer("doctor", "--offline", code=3)["findings"]
    assert [f["health"] for f in findings if f["subject"].startswith("held ")] == ["gap"] * 3


def test_what_a_person_releases_is_sent_and_the_others_wait(world: World) -> None:
    """Goal: `onhand runs release`, as it is typed; what was held is sent, and the run says who let it go."""
    stack = world.stack
    others = {p: stack.shop_levels(p) for p in PLATFORMS if p != "woocommerce"}

    refused = stack.onhand("runs", "release", "--channel", "woocommerce")
    assert refused.returncode == 1, "nobody was there to say yes"
    done = stack.onhand("runs", "release", "--channel", "woocommerce", "--yes")

    assert done.returncode == 0, done.stderr
    assert "now: 100 of 100 listings would change, 100 of them to nothing, 1,500 pieces in all" in " ".join(
        done.stdout.split()
    )
    assert set(stack.shop_levels("woocommerce").values()) == {0}
    assert {p: stack.shop_levels(p) for p in others} == others
    (row,) = stack.answer("runs", "show")["channels"]
    assert (row["status"], row["changed"], row["message"]) == ("success", 100, f"released by {getuser()}")
    assert stack.rows("SELECT count(*) FROM hold h JOIN channel c ON c.id = h.channel_id"
                      " WHERE c.name = 'woocommerce'") == [(0,)]  # fmt: skip


def test_a_mended_source_lets_itself_through_and_a_filled_shop_is_held_as_well(world: World) -> None:
    """Goal: the two shops that were right all along are told one change; the third, emptied, is not filled unasked."""
    stack = world.stack
    world.says(dict.fromkeys(SKUS, (10, 5)) | {"T-001": (9, 5)})

    assert world.sync(code=3) == {"shopify": "success", "bigcommerce": "success", "woocommerce": "held"}

    shown = stack.answer("runs", "show")
    messages = {c["channel"]: c["message"] for c in shown["channels"]}
    assert "is over: what is to be told to shopify is not too much any more" in messages["shopify"]
    assert messages["woocommerce"].startswith(
        "held: it would change 100 of 100 listings (100 %) by 1,499 pieces"
    )
    assert stack.onhand("runs", "release", "--yes").returncode == 0
    assert world.shows(world.stock)
    assert stack.rows("SELECT * FROM hold") == stack.rows("SELECT * FROM outbox") == []
    assert set(world.sync().values()) == {"success"}
