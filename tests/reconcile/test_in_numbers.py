"""What a read-back would do to a channel as a whole, which the guard judges: counted in listings and pieces."""

import pytest

from onhand.channels.base import Condition
from onhand.domain.guard import Tally
from onhand.ledger import reconcile as records
from tests.reconcile.conftest import Desk
from tests.reconcile.test_causes import Gone


async def in_numbers(desk: Desk) -> Tally:
    await desk.walk()
    return await records.in_numbers(desk.pool, desk.back.id, desk.back.name)


async def test_levels_that_were_changed_count_with_their_pieces(web: Desk) -> None:
    web.channel.levels["web-A", ""] = 130
    assert await in_numbers(web) == Tally(listings=2, changing=1, zeroing=0, units=30)


@pytest.mark.parametrize("shown", [100, 40])
async def test_what_is_not_tracked_counts_as_told_anew_whatever_it_shows(web: Desk, shown: int) -> None:
    """Goal: a shop that suddenly says so of everything is not told everything: a person looks first."""
    web.channel.conditions["web-A"] = Condition.UNTRACKED
    web.channel.levels["web-A", ""] = shown
    assert await in_numbers(web) == Tally(listings=2, changing=1, zeroing=0, units=100)


async def test_what_was_not_come_by_is_told_nothing_and_counts_as_nothing(
    web: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    del web.channel.levels["web-A", ""]
    monkeypatch.setattr(web.channel, "read_levels", Gone(web, {"web-A"}).read_levels)
    assert await in_numbers(web) == Tally()
