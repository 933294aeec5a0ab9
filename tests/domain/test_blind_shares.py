"""Levels in shares that are only set: exactly what a set may undo, what is left alone, and who makes up for it.

Method: a level that sold 20 units in the last 4 seconds sells 5.73 a second; in the 3 seconds of a window 17.2, and 29
at most (two standard deviations more, of the chance in both).
"""

from dataclasses import replace

import pytest

from onhand.domain.blind_shares import Part, Tell, kept, rate_of, sure_rate, tell, undone_by_a_set
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.rules import Mode, Rule
from onhand.domain.sharing import Holder
from onhand.domain.targets import targets_of
from tests.domain.test_sharing import LEEDS, NAMES, state

HERE = frozenset(LEEDS)
RUSH = Holder("woo", 2, "", 60, book=60, sold=20.0, counted_for=4.0, quiet_for=0.1, known_for=0.05)
CALM = Holder("woo", 2, "", 60, book=60)
UNDONE = 29


def part(share: int, holder: Holder | None = RUSH, *, blind: bool = True, pool: int = 200) -> Part:
    return Part(share, pool, 1, HERE, blind, holder)


def told(
    share: int, holder: Holder | None = RUSH, *, left: int = 200, crowded: bool = False, pool: int = 200
) -> Tell:
    return tell({"leeds": left}, [part(share, holder, pool=pool)], 0, crowded=crowded)


def test_a_rush_is_known_for_what_it_is_after_seconds() -> None:
    assert rate_of(RUSH) == pytest.approx(5.725, abs=0.001)
    assert rate_of(CALM) == 0.0


@pytest.mark.parametrize(("sold", "together"), [(0.0, 0.0), (4.0, 0.0), (16.0, 0.5), (64.0, 0.75)])
def test_a_handful_of_sales_is_no_rush_yet(sold: float, together: float) -> None:
    """Goal: two standard deviations less than what was counted, by all levels together."""
    halves = [replace(RUSH, sold=sold / 2)] * 2
    assert sure_rate(halves) == pytest.approx(together * rate_of(replace(RUSH, sold=sold)))


@pytest.mark.parametrize(
    ("holder", "units"),
    [
        (RUSH, UNDONE),
        (replace(RUSH, units=12), 12),
        (replace(RUSH, seconds=0.2), UNDONE),
        (replace(RUSH, seconds=2.0), 37),
        (CALM, 0),
        (replace(RUSH, sold=0.05), 0),
        (replace(RUSH, sold=0.1), 1),
    ],
)
def test_a_set_undoes_what_is_sold_in_the_window(holder: Holder, units: int) -> None:
    """Goal: no more than the level may sell, and nothing where no sale is to be expected."""
    assert undone_by_a_set(holder) == units


def test_a_level_is_told_its_share_less_what_may_be_undone() -> None:
    assert told(65, replace(RUSH, units=195, book=195)) == Tell(65 - UNDONE, UNDONE, again=True)
    assert told(65, replace(CALM, units=195, book=195)) == Tell(65)
    assert told(20, replace(RUSH, units=195, book=195)) == Tell(0, UNDONE, again=True)
    assert told(65, replace(RUSH, units=195, book=None)) == Tell(65 - UNDONE, UNDONE, again=True)
    assert told(65, None) == Tell(65)


@pytest.mark.parametrize(
    ("share", "units", "found"),
    [
        (65, 60, Tell(60, again=True)),
        (60 + 2 * UNDONE - 1, 60, Tell(60, again=True)),
        (60 + 2 * UNDONE, 60, Tell(60 + UNDONE, UNDONE, again=True)),
        (10, 60, Tell(60, again=True)),
        (0, 60, Tell(0, UNDONE, again=True)),
    ],
)
def test_a_level_is_left_alone_while_telling_it_would_undo_more_than_it_is_off(
    share: int, units: int, found: Tell
) -> None:
    """Goal: by the exact edge, twice what may be undone; and one that has to show nothing is told so."""
    assert told(share, replace(RUSH, units=units, book=units)) == found


def test_one_that_would_be_told_what_changes_nothing_waits() -> None:
    """Goal: no fall by a raise, nor a raise by a fall: a level that sells little is told again when it is calm."""
    slow = replace(RUSH, sold=0.3, units=5, book=5)
    assert undone_by_a_set(slow) == 2
    assert told(10, slow) == Tell(8, 2, again=True)
    late = replace(slow, units=8)
    assert (undone_by_a_set(late), told(12, late)) == (2, Tell(10, 2, again=True))
    assert told(13, replace(RUSH, sold=0.3, units=9, book=12)) == Tell(12, again=True)


def test_what_is_off_by_no_more_than_a_tenth_stays_unless_others_need_it() -> None:
    shows = replace(CALM, units=22, book=22)
    assert told(20, shows) == Tell(22)
    assert told(20, shows, crowded=True) == Tell(20)
    assert told(20, shows, pool=20) == Tell(20), "a cap or a halt says so"
    assert told(22, replace(shows, book=15)) == Tell(15, again=True), (
        "seven may have been undone by the last set"
    )


def test_nobody_is_left_alone_who_may_sell_much_more_than_there_is() -> None:
    """Goal: by more than setting it would miss on average: 6 units, as 5.73 are sold during a call of a second."""
    alone = [part(50, replace(RUSH, units=units, book=units)) for units in (60, 60)]
    assert kept({"leeds": 114}, alone) == [True, True]
    assert kept({"leeds": 113}, alone) == [False, False]
    unknown = [part(50, replace(RUSH, book=None)), alone[1]]
    assert kept({"leeds": 114}, unknown) == [False, True]


def test_levels_that_are_changed_exactly_make_up_for_those_left_alone() -> None:
    """Goal: what these hold beyond their shares is taken off by weight, what they lack is added, within the pool."""
    exact = [replace(part(40, CALM, blind=False), weight=weight) for weight in (3, 1)]

    def both(units: int, pool: int = 200) -> list[int]:
        parts = [
            *(replace(each, pool=pool) for each in exact),
            part(40, replace(RUSH, units=units, book=units)),
        ]
        return [tell({"leeds": 120}, parts, n).units for n in (0, 1)]

    assert both(40) == [40, 40]
    assert both(48) == [34, 38]
    assert both(32) == [46, 42]
    assert both(32, pool=42) == [42, 42]


@pytest.mark.parametrize(
    ("quiet_for", "known_for", "look"),
    [(1.9, 5.0, False), (2.0, 5.0, True), (2.0, 1.9, False), (2.0, None, True)],
)
def test_a_level_that_falls_silent_is_looked_at_once(
    quiet_for: float, known_for: float | None, look: bool
) -> None:
    """Goal: after six sales that did not come (1.05 s at 5.73 a second), once all before is heard of; not again
    before it sells.
    """
    silent = replace(RUSH, quiet_for=quiet_for, known_for=known_for)
    assert told(60, silent).look is look
    assert not told(60, replace(silent, book=0)).look
    assert not told(60, replace(silent, sold=2.0)).look, (
        "it would have to be silent for so long that nobody remembers"
    )


def test_targets_of_a_channel_that_only_sets_levels() -> None:
    """Goal: the whole way from rules to targets: 60 units in equal shares, one of three sells fast and is set."""
    plain = Rule(Mode.ADAPTIVE)
    rules = RuleBook({n: ChannelRules(plain, {"": LEEDS}, listens=True, blind=n == "woo") for n in NAMES})
    others = tuple(Holder(n, k, "", 60, book=60) for k, n in enumerate(NAMES[:2]))

    def found(channel: str, holder: Holder, shows: int) -> tuple[int, int, bool]:
        (target,) = targets_of(state(channel, 60, holders=(*others, holder), books={"": shows}), rules)
        return target.quantity, target.undoes, target.again

    fast = replace(RUSH, units=60, book=60, sold=2.0)
    assert undone_by_a_set(fast) == 6
    assert found("woo", fast, 60) == (14, 6, True)
    assert found("shopify", fast, 60) == (20, 0, False)
    alone = replace(fast, units=26, book=26)
    assert found("woo", alone, 26) == (26, 0, True)
    assert found("shopify", alone, 60) == (17, 0, True), (
        "half of the six that the other holds beyond its share"
    )
