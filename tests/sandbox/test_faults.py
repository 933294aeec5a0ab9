"""Faults as records: what JSON says, what a seed decides, and when it is over."""

import re
from typing import Any

import pytest

from onhand.sandbox.fates import Fates
from onhand.sandbox.faults import (
    BY_KIND,
    ServerError,
    Throttle,
    WebhooksDoubled,
    WebhooksDropped,
    WebhooksLate,
    WebhooksShuffled,
    fault_of,
)
from onhand.sandbox.mishaps import UNHARMED, Fate
from onhand.sandbox.raging import Faults
from tests.fix_channels import FakeClock


def test_every_kind_has_its_word_and_its_title() -> None:
    """Goal: the list that people read is the list that there is."""
    assert sorted(BY_KIND) == [
        "change_levels",
        "credentials_revoked",
        "html_page",
        "late_visibility",
        "lost_writes",
        "partial_batch",
        "policy_flip",
        "reset_after_write",
        "reset_before_write",
        "server_error",
        "slow_drip",
        "subscriptions_deleted",
        "subscriptions_disabled",
        "throttle",
        "untrack",
        "version_retired",
        "webhooks_doubled",
        "webhooks_dropped",
        "webhooks_late",
        "webhooks_shuffled",
    ]
    assert len({kind.title for kind in BY_KIND.values()}) == len(BY_KIND)
    assert all(fault_of({"kind": kind}) for kind in BY_KIND)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"kind": "rain"}, "kind is 'rain'; there are throttle, server_error,"),
        (["throttle"], "kind is None; there are"),
        ({"kind": "throttle", "share": 2}, "throttle: share: Input should be less than or equal to 1"),
        ({"kind": "throttle", "shares": 1}, "throttle: shares: Extra inputs are not permitted"),
        (
            {"kind": "server_error", "status": 418},
            "server_error: status: Input should be 200, 500, 502, 503 or 504",
        ),
        ({"kind": "webhooks_late", "least_seconds": 11}, "least_seconds is no more than most_seconds"),
        ({"kind": "untrack", "share": 0.1, "count": 2}, "count or share, not both"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_reason(body: Any, said: str) -> None:
    """Goal: an operator sees which word was wrong."""
    with pytest.raises(ValueError, match=re.escape(said)):
        fault_of(body)


def struck(faults: Faults, calls: int) -> list[int]:
    """The numbers of the calls (from 1) that a Throttle strikes."""
    return [number for number in range(1, calls + 1) if faults.striking(Throttle)]


def test_the_same_seed_strikes_the_same_calls(clock: FakeClock) -> None:
    """Goal: a bad day can be had again, and another day is another."""
    first, again, other = (Faults(clock.now) for _ in range(3))
    first.switch_on(Throttle(share=0.3, seed=7))
    again.switch_on(Throttle(share=0.3, seed=7))
    other.switch_on(Throttle(share=0.3, seed=8))
    numbers = struck(first, 40)
    assert numbers == struck(again, 40) == [2, 5, 6, 7, 9, 10, 18, 19, 20, 25, 32, 33, 34, 37]
    assert numbers != struck(other, 40)


def test_a_fault_is_over_after_its_time_or_its_strikes(clock: FakeClock) -> None:
    """Goal: it ends by itself, and what it did is still told."""
    faults = Faults(clock.now, clock.now)
    faults.switch_on(Throttle(seconds=60))
    faults.switch_on(ServerError(strikes=2))
    clock.advance(59.9)
    assert [raging.fault.kind for raging in faults.on()] == ["throttle", "server_error"]
    assert [bool(faults.striking(ServerError)) for _ in range(3)] == [True, True, False]
    clock.advance(0.1)
    assert faults.on() == []
    assert not faults
    told = faults.told()
    assert told["on"] == []
    assert [(each["kind"], each["seen"], each["struck"]) for each in told["ended"]] == [
        ("throttle", 0, 0),
        ("server_error", 2, 2),
    ]


def test_one_of_a_kind_takes_the_place_of_the_last(clock: FakeClock) -> None:
    """Goal: switched on twice is not twice as bad."""
    faults = Faults(clock.now)
    faults.switch_on(Throttle(seconds=1))
    faults.switch_on(Throttle(seconds=100, share=0.5))
    clock.advance(50)
    assert [raging.fault for raging in faults.on()] == [Throttle(seconds=100, share=0.5)]


def test_the_fates_of_deliveries(clock: FakeClock) -> None:
    """Goal: doubled, late, shuffled and lost, one on top of the other, on top of what goes wrong anyway."""
    faults = Faults(clock.now)
    fates = Fates(faults)
    assert fates.meddle(UNHARMED) is UNHARMED
    faults.switch_on(WebhooksDoubled())
    assert fates.meddle(UNHARMED) == Fate((0.0, 0.0))
    assert fates.meddle(Fate((2.0, 3.0), 4)) == Fate((2.0, 3.0, 2.0), 4)
    faults.switch_on(WebhooksLate(least_seconds=5, most_seconds=5))
    assert fates.meddle(UNHARMED) == Fate((5.0, 5.0))
    faults.switch_on(WebhooksShuffled(strikes=2, seed=1))
    behind = [fates.meddle(UNHARMED).behind for _ in range(3)]
    assert (behind[2], all(1 <= each <= 8 for each in behind[:2])) == (0, True)
    faults.switch_on(WebhooksDropped(strikes=1))
    assert [fates.meddle(UNHARMED).delays for _ in range(2)] == [(), (5.0, 5.0)]
    assert fates.meddle(Fate(())) == Fate(())
