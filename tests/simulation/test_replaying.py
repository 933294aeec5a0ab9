"""Past demand under other rules: exact numbers on small days, and what holds on every day."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from onhand.domain.listings import ChannelRules, RuleBook, Sibling
from onhand.domain.past_demand import Happening, PastDemand
from onhand.domain.rules import Mode, Rule
from onhand.simulation.replaying import ChannelTally, replay

SIBLINGS = (Sibling("shop", 1, 1), Sibling("market", 2, 1))
BOTH = ("leeds", "london")


def rules(shop: Rule = Rule(), market: Rule = Rule()) -> RuleBook:  # noqa: B008
    return RuleBook(
        {
            name: ChannelRules(rule, {"": BOTH}, listens=True)
            for name, rule in (("shop", shop), ("market", market))
        }
    )


def past(*happenings: Happening, leeds: int = 5, siblings: tuple[Sibling, ...] = SIBLINGS) -> PastDemand:
    return PastDemand("MUG", (), {"leeds": leeds}, siblings, happenings)


def numbers(tally: ChannelTally) -> tuple[int, int, int, int, int]:
    return tally.sold, tally.refused, tally.oversold, tally.left, tally.starved


def test_what_is_shown_is_sold_and_the_rest_refused() -> None:
    days = past(Happening(1, "leeds", 3, "shop"), Happening(2, "leeds", 4, "shop"))
    found = replay([days], rules(), {})
    assert numbers(found["shop"]) == (5, 2, 0, 0, 0)
    assert numbers(found["market"]) == (0, 0, 0, 0, 0)


def test_a_change_that_is_shown_late_is_oversold_meanwhile() -> None:
    """Goal: two channels show the same units, and the second sells before it was told."""
    days = past(Happening(10, "leeds", 5, "shop"), Happening(12, "leeds", 2, "market"))
    assert numbers(replay([days], rules(), {"market": 2.0})["market"]) == (0, 2, 0, 0, 0)
    assert numbers(replay([days], rules(), {"market": 2.1})["market"]) == (2, 0, 2, 0, 0)


def test_what_a_channel_sold_itself_is_off_its_level_though_it_is_told_late() -> None:
    days = past(*(Happening(n, "leeds", 1, "shop") for n in range(8)))
    assert numbers(replay([days], rules(), {"shop": 3.5, "market": 3.5})["shop"]) == (5, 3, 0, 0, 0)


def test_a_receipt_and_a_sale_nobody_was_asked_for_happen_as_they_did() -> None:
    days = past(
        Happening(1, "leeds", 5),
        Happening(2, "leeds", 1, "shop"),
        Happening(3, "london", -4),
        Happening(4, "york", 3, "till"),
        Happening(5, "london", 2, "shop"),
    )
    assert numbers(replay([days], rules(), {})["shop"]) == (2, 1, 0, 2, 0)


def test_a_channel_that_shows_nothing_while_there_is_stock_starves() -> None:
    days = past(Happening(1, "leeds", 2, "market"))
    found = replay([days], rules(market=Rule(cap=0)), {})["market"]
    assert numbers(found) == (0, 2, 0, 0, 2)
    assert found.worst_starved() == [("MUG", 2)]


def test_pieces_of_several_units_are_sold_whole() -> None:
    sixes = (Sibling("shop", 1, 1), Sibling("shop", 3, 6))
    days = past(Happening(1, "leeds", 12, "shop"), Happening(2, "leeds", 1, "shop"), leeds=20, siblings=sixes)
    assert numbers(replay([days], rules(), {})["shop"]) == (13, 0, 0, 7 + 6, 0)


def test_demand_of_a_sku_that_is_not_listed_any_more_is_refused() -> None:
    days = past(Happening(1, "leeds", 2, "market"), siblings=SIBLINGS[:1])
    assert numbers(replay([days], rules(), {})["market"]) == (0, 2, 0, 0, 0)


HAPPENINGS = st.lists(
    st.builds(
        Happening,
        st.integers(0, 20).map(float),
        st.sampled_from(BOTH),
        st.integers(-3, 6).filter(bool),
        st.sampled_from(("shop", "market", "")),
    ),
    max_size=20,
).map(lambda found: tuple(sorted(found, key=lambda each: each.at)))


@settings(deadline=None)
@given(HAPPENINGS, st.integers(0, 20), st.floats(0, 10), st.sampled_from(Mode), st.integers(0, 100))
def test_nothing_is_lost_or_made_up(
    happenings: tuple[Happening, ...], units: int, delay: float, mode: Mode, share: int
) -> None:
    """Goal: what was asked for was sold or refused; and what could not be there was oversold."""
    book = rules(Rule(mode, Decimal(share)), Rule(mode, Decimal(100 - share)))
    found = replay([past(*happenings, leeds=units)], book, {"shop": delay, "market": delay / 2})
    for channel, tally in found.items():
        asked = sum(each.units for each in happenings if each.channel == channel and each.units > 0)
        assert tally.sold + tally.refused == asked
        assert 0 <= tally.oversold <= tally.sold
        assert 0 <= tally.starved <= tally.refused
        assert tally.left >= 0


@settings(deadline=None)
@given(HAPPENINGS, st.integers(0, 20))
def test_one_channel_that_is_told_at_once_never_oversells(
    happenings: tuple[Happening, ...], units: int
) -> None:
    found = replay([past(*happenings, leeds=units)], rules(), {})
    assert found["shop"].oversold == found["market"].oversold == 0


def test_a_part_that_moves_can_be_sold_twice_while_it_moves() -> None:
    """Goal: shares that follow the stock are raised here before they have fallen there, and the replay shows it."""
    part = Rule(Mode.PARTITIONED, Decimal(50))
    days = past(
        Happening(0, "leeds", 1, "shop"),
        Happening(1, "leeds", 2, "market"),
        Happening(8, "leeds", 1, "shop"),
        leeds=3,
    )
    late = replay([days], rules(part, part), {"shop": 8.0, "market": 8.0})
    assert (late["shop"].oversold, late["market"].oversold) == (1, 0)
    at_once = replay([days], rules(part, part), {})
    assert (at_once["shop"].oversold, at_once["market"].refused) == (0, 1)


ADAPTIVE = Rule(Mode.ADAPTIVE)


def test_adaptive_channels_share_what_is_scarce() -> None:
    """Goal: five left are in shares from the beginning, three for one channel and two for the other: what is shown
    late is sold once; pooled, both sell the same units."""
    days = past(*(Happening(n * 0.1, "leeds", 1, ("shop", "market")[n % 2]) for n in range(10)))
    late = {"shop": 5.0, "market": 5.0}
    pooled, shared = replay([days], rules(), late), replay([days], rules(ADAPTIVE, ADAPTIVE), late)
    assert [(tally.sold, tally.oversold) for tally in pooled.values()] == [(5, 2), (5, 3)]
    assert sorted((tally.sold, tally.refused, tally.oversold) for tally in shared.values()) == [
        (2, 3, 0),
        (3, 2, 0),
    ]


def test_adaptive_channels_show_all_of_what_is_plenty() -> None:
    days = past(Happening(1, "leeds", 50, "market"), leeds=60)
    found = replay([days], rules(ADAPTIVE, ADAPTIVE), {})
    assert numbers(found["market"])[:3] == (50, 0, 0)


def test_a_share_of_an_adaptive_channel_follows_its_demand() -> None:
    """Goal: whoever sells has the last units, and the other the least part; nothing of it is kept from both."""
    days = past(*(Happening(n * 10.0, "leeds", 1, "shop") for n in range(12)), leeds=12)
    found = replay([days], rules(ADAPTIVE, ADAPTIVE), {})
    assert found["shop"].sold + found["market"].left == 12
    assert (found["shop"].oversold, found["market"].left) == (0, 0)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.integers(1, 4), st.sampled_from(["shop", "market"])), max_size=30
    ),
    st.integers(0, 20),
    st.floats(0, 10),
)
def test_shares_oversell_nothing_that_came_into_them(
    sales: list[tuple[float, int, str]], leeds: int, delay: float
) -> None:
    """Goal: however late changes are shown, once five or fewer are there from the beginning."""
    happenings = [Happening(at, "leeds", units, channel) for at, units, channel in sorted(sales)]
    found = replay(
        [past(*happenings, leeds=min(leeds, 5))], rules(ADAPTIVE, ADAPTIVE), {"shop": delay, "market": delay}
    )
    assert sum(tally.oversold for tally in found.values()) == 0
    assert sum(tally.sold for tally in found.values()) <= min(leeds, 5)
