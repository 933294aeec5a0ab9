"""A bad day drawn from a seed: repeatable, quiet for a quarter of it, and never more than can be had."""

from collections import Counter

from onhand.sandbox.fault_plan import AT_ONCE_MAX, LINGERING, MINUTE_SECONDS, NOWHERE, PLATFORMS, plan
from onhand.sandbox.faults import BY_KIND, fault_of

MINUTES = 2_000


def test_a_minute_is_the_same_every_time() -> None:
    """Goal: a chaos run is repeated by its seed."""
    assert [plan(7, minute) for minute in range(50)] == [plan(7, minute) for minute in range(50)]
    assert [plan(7, minute) for minute in range(50)] != [plan(8, minute) for minute in range(50)]


def test_a_quarter_of_the_minutes_is_quiet() -> None:
    """Goal: what was broken has time to heal, too. Two thousand minutes of one seed, counted."""
    quiet = sum(plan(1, minute) == [] for minute in range(MINUTES))
    assert abs(quiet / MINUTES - 0.25) < 0.02


def test_every_kind_comes_on_every_platform_that_knows_it() -> None:
    """Goal: nothing is left untried, and a shop has few troubles at once, all over within their minute."""
    seen: Counter[tuple[str, str]] = Counter()
    for minute in range(MINUTES):
        planned = plan(2, minute)
        kinds = [(each.platform, each.fault.kind) for each in planned]
        assert len(set(kinds)) == len(kinds)
        assert all(count <= AT_ONCE_MAX for count in Counter(name for name, _ in kinds).values())
        assert all(each.fault.seconds and each.fault.seconds <= MINUTE_SECONDS for each in planned)
        assert all(fault_of(each.fault.model_dump()) == each.fault for each in planned)
        seen.update(kinds)
    wanted = {(platform, kind) for platform in PLATFORMS for kind in BY_KIND}
    assert set(seen) == wanted - NOWHERE


def test_kinds_can_be_left_out() -> None:
    """Goal: where the time to converge is measured, nothing that only a probe a minute finds over."""
    kinds = {each.fault.kind for minute in range(500) for each in plan(3, minute, without=LINGERING)}
    assert kinds == set(BY_KIND) - LINGERING
    assert {each.platform for minute in range(50) for each in plan(3, minute, platforms=["shopify"])} == {
        "shopify"
    }
