"""Read-backs on the real program: what somebody changed in a shop, and what a shop lost, is found and mended in one."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from bench.chaos.expected import PLATFORMS, expected_levels
from tests.fix_acceptance import Installation, installed, wait_until

SKUS = [f"D-{number:03}" for number in range(200)]
OPENING = (60, 40)


@pytest.fixture(scope="module")
def stack() -> Iterator[Installation]:
    """200 SKUs in three shops that tell of their orders, synchronised once; what was told has had time to show.

    Without the guard: every level changes at once.
    """
    with installed(["onhand.sandbox", "--no-limits"], "\n[guard]\nenabled = false\n") as found:
        text = found.config.read_text().replace('orders = "ignore"', 'orders = "listen"')
        found.config.write_text(text)
        found.start_up()
        found.fill(SKUS)
        found.write_stock(dict.fromkeys(SKUS, OPENING))
        assert found.answer("sync")["status"] == "success"
        yield found


def minutes_pass(stack: Installation) -> None:
    """BigCommerce may take two minutes to show what it was told: here they pass at once."""
    with psycopg.connect(stack.dsn) as connection:
        connection.execute("UPDATE level SET blind_at = blind_at - interval '3 minutes'")


def places(platform: str) -> str:
    """The place of a shop where the tests change levels."""
    return next(place for _, place in expected_levels(platform, {"x": OPENING}))


def wrong(stack: Installation, opening: tuple[int, int] = OPENING) -> dict[str, int]:
    """How many levels of each shop are not what they should be."""
    stock = dict.fromkeys(SKUS, opening)
    found = {}
    for platform in PLATFORMS:
        shown = stack.shop_levels(platform)
        found[platform] = sum(shown[at] != units for at, units in expected_levels(platform, stock).items())
    return found


def test_two_percent_changed_behind_our_back_are_found_and_repaired_in_one_read_back(
    stack: Installation,
) -> None:
    """Goal: one cycle finds all of them, blames the right cause, and leaves nothing wrong; the next is clean."""
    minutes_pass(stack)
    count = len(SKUS) // 50
    for first, platform in enumerate(PLATFORMS):
        shown = stack.shop_levels(platform)
        for number, sku in enumerate(SKUS[first::50]):
            level = shown[sku, places(platform)] + (2 if number % 2 else -2)
            stack.control(
                "edit",
                {"platform": platform, "sku": sku, "place": places(platform), "quantity": level},
            )
    assert wrong(stack) == dict.fromkeys(PLATFORMS, count)

    foreseen = stack.answer("reconcile", "--dry-run", code=3)
    assert len(foreseen["drifts"]) == len(PLATFORMS) * count
    assert wrong(stack) == dict.fromkeys(PLATFORMS, count), "a dry run writes nothing"

    found = stack.answer("reconcile")

    assert (found["status"], found["open"]) == ("drift", 0)
    drifts = Counter((drift["channel"], drift["cause"]) for drift in found["drifts"])
    assert drifts == {(platform, "manual_edit"): count for platform in PLATFORMS}
    assert wrong(stack) == dict.fromkeys(PLATFORMS, 0)
    assert stack.answer("reconcile")["status"] == "clean"


def put(stack: Installation, platform: str, fault: dict[str, Any]) -> None:
    """Switch a fault of a shop on."""
    answer = httpx.put(f"{stack.sandbox_url}/_sandbox/{platform}/faults", json=fault, timeout=30)
    assert answer.status_code == 200, answer.text


def test_five_percent_of_writes_that_were_lost_in_silence_are_found_as_such(stack: Installation) -> None:
    """Goal: a shop answers success and keeps nothing; one read-back finds every such level, and why.

    BigCommerce's answers are not believed in the first place: the run reads its writes back itself.
    """
    believed = ("shopify", "woocommerce")
    for platform in believed:
        put(stack, platform, {"kind": "lost_writes", "share": 0.05, "seed": 7})
    stack.write_stock(dict.fromkeys(SKUS, (61, 40)))
    assert stack.answer("sync")["status"] == "success"
    for platform in believed:
        httpx.delete(f"{stack.sandbox_url}/_sandbox/{platform}/faults").raise_for_status()
    lost = wrong(stack, (61, 40))
    assert all(lost[platform] > 0 for platform in believed), lost
    assert lost["bigcommerce"] == 0

    minutes_pass(stack)
    found = stack.answer("reconcile")

    assert found["open"] == 0
    drifts = Counter((drift["channel"], drift["cause"]) for drift in found["drifts"])
    assert drifts == {(platform, "lost_write"): lost[platform] for platform in believed}
    assert wrong(stack, (61, 40)) == dict.fromkeys(PLATFORMS, 0)
    causes = stack.answer("drift", "list", "--since", "1")["causes"]
    assert [sentence.split(" in the last")[0] for sentence in causes if " lost " in sentence] == [
        f"{platform} lost {lost[platform]} write{'' if lost[platform] == 1 else 's'}"
        for platform in sorted(believed, key=lambda name: (-lost[name], name))
    ]


def test_a_halt_by_hand_empties_the_shops_at_once_and_ends_as_fast(stack: Installation) -> None:
    """Goal: `onhand halts` holds a SKU everywhere, `explain` says so, and lifting it brings everything back."""
    sku = SKUS[10]
    before = {platform: stack.shop_levels(platform)[sku, places(platform)] for platform in PLATFORMS}

    placed = stack.answer("halts", "place", sku, "--reason", "recalled")

    assert placed == {"sku": sku, "halted": dict.fromkeys(sorted(PLATFORMS), 1), "signalled": True}
    shows(stack, sku, dict.fromkeys(PLATFORMS, 0))
    explained = stack.answer("explain", sku)
    assert all("recalled" in level["sentence"] for level in explained["levels"])
    assert {halt["sku"] for halt in stack.answer("halts", "list")} == {sku}

    stack.answer("halts", "lift", sku)
    shows(stack, sku, before)
    assert stack.answer("halts", "list") == []


def shows(stack: Installation, sku: str, levels: dict[str, int]) -> None:
    """Wait until every shop shows that of the SKU."""
    wait_until(
        lambda: {p: stack.shop_levels(p)[sku, places(p)] for p in PLATFORMS} == levels,
        f"the shops show {levels}",
    )
