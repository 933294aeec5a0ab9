"""The last units: one channel alone shows them, nobody else shows more for it, and above the limit nothing changes."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onhand.domain.allocation import Claim, Step, allocate, explain
from onhand.domain.rules import Buffer, Mode, Rule, RuleRefusedError

LOCATIONS = ("leeds", "london", "york")
CHANNELS = ("shop", "market", "store")
TAKER = "shop"
LAST = Rule(last_units=3, last_channel=TAKER)


def claim(channel: str, locations: tuple[str, ...] = ("leeds",), rule: Rule = LAST) -> Claim:
    return Claim(channel, CHANNELS.index(channel) + 1, "", locations, rule)


@pytest.mark.parametrize(
    ("left", "levels"), [(4, [4, 4]), (3, [3, 0]), (1, [1, 0]), (0, [0, 0]), (-2, [0, 0])]
)
def test_at_the_limit_and_below_one_channel_shows_them(left: int, levels: list[int]) -> None:
    assert allocate({"leeds": left}, [claim("shop"), claim("market")]) == levels


def test_units_where_the_last_channel_does_not_draw_stay_with_those_who_do() -> None:
    stock = {"leeds": 2, "london": 9}
    assert allocate(stock, [claim("shop"), claim("market", ("leeds", "london"))]) == [2, 9]


def test_what_is_counted_is_all_that_the_last_channel_draws_on() -> None:
    """Goal: one place of a channel that runs low is no reason while another place has plenty."""
    stock = {"leeds": 1, "london": 9}
    both = [claim("shop"), claim("shop", ("london",)), claim("market", ("leeds", "london"))]
    assert allocate(stock, both) == [1, 9, 10]


def test_the_last_channel_shows_all_of_them_whatever_its_share() -> None:
    split = replace(LAST, mode=Mode.PARTITIONED, share=Decimal(50))
    assert allocate({"leeds": 3}, [claim("shop", rule=split), claim("market", rule=split)]) == [3, 0]
    half = replace(LAST, share=Decimal(50))
    assert allocate({"leeds": 3}, [claim("shop", rule=half), claim("market", rule=half)]) == [3, 0]


def test_a_channel_whose_own_rule_says_nothing_of_it_goes_on() -> None:
    assert allocate({"leeds": 3}, [claim("shop"), claim("market"), claim("store", rule=Rule())]) == [3, 0, 3]


def test_nobody_gives_way_to_a_channel_without_the_sku() -> None:
    assert allocate({"leeds": 3}, [claim("market"), claim("store")]) == [3, 3]


def test_two_that_would_give_way_to_each_other_do_not() -> None:
    other = replace(LAST, last_channel="market")
    assert allocate({"leeds": 3}, [claim("shop", rule=other), claim("market", rule=LAST)]) == [3, 3]


def test_what_is_oversold_elsewhere_is_not_forgotten_by_giving_way() -> None:
    """Goal: the units that the last channel has are taken from the others, and what they owe is not."""
    stock = {"leeds": 5, "london": -3, "york": 4}
    shop = claim("shop", ("leeds", "london"))
    assert allocate(stock, [shop, claim("market", ("london", "york"))]) == [2, 1]


def test_the_explanation_says_whose_they_are() -> None:
    taking, giving = explain({"leeds": 2}, [claim("shop"), claim("market")])
    assert taking.steps == (Step("pool", 0, 2, "pool: 2 available at leeds"),)
    assert giving.steps == (
        Step("pool", 0, 2, "pool: 2 available at leeds"),
        Step("last_units", 2, 0, "last units: 2 left at leeds, and the last 3 are shop's alone"),
    )


def test_a_limit_without_a_channel_is_refused() -> None:
    with pytest.raises(RuleRefusedError, match=r"r\.last_channel is not given"):
        Rule(name="r", last_units=1)


RULES = st.builds(
    Rule,
    mode=st.sampled_from(Mode),
    share=st.integers(0, 100).map(Decimal),
    reserve=st.integers(0, 3),
    cap=st.none() | st.integers(0, 20),
    buffer=st.builds(Buffer, units=st.none() | st.integers(0, 3)),
)
STOCK = st.dictionaries(st.sampled_from(LOCATIONS), st.integers(-5, 20))
DRAWN = st.lists(st.sampled_from(LOCATIONS), unique=True).map(tuple)


@st.composite
def claims_of_a_sku(draw: st.DrawFn) -> list[Claim]:
    """Claims of three channels, the one that takes the last units among them."""
    names = [TAKER, *draw(st.lists(st.sampled_from(CHANNELS), max_size=5))]
    return [
        Claim(name, n, "", draw(DRAWN), draw(RULES), draw(st.sampled_from([1, 1, 2])))
        for n, name in enumerate(names)
    ]


def limited(claims: list[Claim], limit: int) -> list[Claim]:
    """The same claims under the rule."""
    return [
        replace(each, rule=replace(each.rule, last_units=limit, last_channel=TAKER if limit else ""))
        for each in claims
    ]


def counted(stock: dict[str, int], claims: list[Claim]) -> int:
    """Units that the channel of the last units draws on."""
    drawn = {location for each in claims if each.channel == TAKER for location in each.locations}
    return sum(stock.get(location, 0) for location in drawn)


@settings(deadline=None)
@given(STOCK, claims_of_a_sku(), st.integers(0, 40))
def test_above_the_limit_nothing_changes(stock: dict[str, int], claims: list[Claim], limit: int) -> None:
    if counted(stock, claims) > limit or counted(stock, claims) <= 0:
        assert allocate(stock, limited(claims, limit)) == allocate(stock, claims)


@settings(deadline=None)
@given(STOCK, claims_of_a_sku())
def test_below_it_nobody_else_shows_a_unit_that_the_last_channel_has(
    stock: dict[str, int], claims: list[Claim]
) -> None:
    """Goal: the others show what they would if these units did not exist."""
    if counted(stock, claims) <= 0:
        return
    drawn = {location for each in claims if each.channel == TAKER for location in each.locations}
    gone = {location: min(0, units) if location in drawn else units for location, units in stock.items()}
    others = [n for n, each in enumerate(claims) if each.channel != TAKER]
    alone = allocate(gone, [replace(each, rule=replace(each.rule, mode=Mode.POOLED)) for each in claims])
    pooled = [replace(each, rule=replace(each.rule, mode=Mode.POOLED)) for each in claims]
    levels = allocate(stock, limited(pooled, 1_000))
    assert [levels[n] for n in others] == [alone[n] for n in others]
    assert all(levels[n] <= allocate(stock, pooled)[n] for n in others)


@settings(deadline=None)
@given(STOCK, claims_of_a_sku(), st.integers(0, 40))
def test_partitioned_parts_still_add_up_to_no_more_than_there_is(
    stock: dict[str, int], claims: list[Claim], limit: int
) -> None:
    split = [replace(each, rule=replace(each.rule, mode=Mode.PARTITIONED)) for each in limited(claims, limit)]
    levels = allocate(stock, split)
    sold = sum(level * each.units for level, each in zip(levels, split, strict=True))
    assert sold <= sum(max(0, units) for units in stock.values())


@settings(deadline=None)
@given(STOCK, claims_of_a_sku(), st.integers(0, 40))
def test_the_explanation_agrees_with_the_level(
    stock: dict[str, int], claims: list[Claim], limit: int
) -> None:
    found = explain(stock, limited(claims, limit))
    assert [each.level for each in found] == allocate(stock, limited(claims, limit))
    for each in found:
        assert [step.before for step in each.steps[1:]] == [step.after for step in each.steps[:-1]]
