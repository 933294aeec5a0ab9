"""What rules should be by what was sold: exact suggestions, their reasons, and silence where the rules fit."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onhand.domain.retuning import SHARE_MIN, Evidence, Suggestion, applied, suggestions
from onhand.domain.rules import Buffer, Mode, Rule


def part(percent: int) -> Rule:
    return Rule(Mode.PARTITIONED, Decimal(percent))


def shares(rules: dict[str, Rule], sold: dict[str, int]) -> dict[str, str]:
    """Suggested shares by channel."""
    found = suggestions(rules, {name: Evidence(units) for name, units in sold.items()})
    return {each.channel: each.after for each in found if each.key == "share"}


def test_shares_follow_what_was_sold() -> None:
    rules = {"shop": part(50), "market": part(50)}
    assert suggestions(rules, {"shop": Evidence(900), "market": Evidence(300)}) == [
        Suggestion("shop", "share", "50", "75", "it sold 900 of 1,200 units, 75 %"),
        Suggestion("market", "share", "50", "25", "it sold 300 of 1,200 units, 25 %"),
    ]


@pytest.mark.parametrize(
    ("rules", "sold", "found"),
    [
        ({"a": part(50), "b": part(50)}, {"a": 540, "b": 460}, {}),
        ({"a": part(50), "b": part(50)}, {"a": 60, "b": 30}, {}),
        ({"a": part(50), "b": part(50)}, {"a": 100, "b": 0}, {"a": "95", "b": "5"}),
        ({"a": part(40), "b": part(40)}, {"a": 300, "b": 100}, {"a": "60", "b": "20"}),
        ({"a": part(60), "b": Rule()}, {"a": 300, "b": 900}, {}),
        ({"a": part(80), "b": part(80)}, {"a": 200, "b": 100}, {"a": "67", "b": "33"}),
        ({"a": part(10), "b": part(60), "c": part(30)}, {"a": 0, "b": 500, "c": 500}, {"a": "5", "b": "48", "c": "47"}),
    ],
    ids=["near enough", "too little sold", "none gets nothing", "a part stays unshared", "alone", "above 100", "ties"],
)  # fmt: skip
def test_other_shares_are_suggested_only_where_they_say_something(
    rules: dict[str, Rule], sold: dict[str, int], found: dict[str, str]
) -> None:
    assert shares(rules, sold) == found


def test_a_buffer_in_units_becomes_what_others_sell_meanwhile() -> None:
    rule = Rule(buffer=Buffer(units=5))
    assert suggestions({"shop": rule}, {"shop": Evidence(10, 2.5, 1)}) == [
        Suggestion(
            "shop",
            "buffer.units",
            "5",
            "1",
            "until it shows a change (2.5 s) others sell 1 unit of a SKU, in 95 of 100 of its listings",
        )
    ]
    for fits in (Buffer(units=1), Buffer(percent=Decimal(10)), Buffer(velocity=True)):
        assert suggestions({"shop": replace(rule, buffer=fits)}, {"shop": Evidence(10, 2.5, 1)}) == []
    assert suggestions({"shop": rule}, {"shop": Evidence(10)}) == []


def test_channels_that_oversell_or_starve_should_be_adaptive() -> None:
    """Goal: all of a mode or none; a share that was a part would be a ceiling, so it goes."""
    pooled = {"shop": Rule(), "market": Rule()}
    reason = "pooled channels would have oversold 4 units in these days; in shares each unit is on one"
    assert suggestions(pooled, {"shop": Evidence(300, oversold=1), "market": Evidence(100, oversold=3)}) == [
        Suggestion("shop", "mode", "pooled", "adaptive", reason),
        Suggestion("market", "mode", "pooled", "adaptive", reason),
    ]
    parts = {"shop": part(50), "market": part(50)}
    found = suggestions(parts, {"shop": Evidence(900, starved=9), "market": Evidence(100, starved=1)})
    assert [(each.channel, each.line) for each in found] == [
        ("shop", 'mode = "adaptive"'),
        ("shop", "share = 100"),
        ("market", 'mode = "adaptive"'),
        ("market", "share = 100"),
    ]
    assert applied(parts, found) == dict.fromkeys(parts, Rule(Mode.ADAPTIVE))


@pytest.mark.parametrize(
    ("rules", "evidence"),
    [
        ({"a": Rule(), "b": Rule()}, {"a": Evidence(300, oversold=2), "b": Evidence(100, oversold=1)}),
        ({"a": Rule(), "b": Rule()}, {"a": Evidence(50, oversold=9), "b": Evidence(40, oversold=9)}),
        ({"a": Rule(), "b": Rule(Mode.ADAPTIVE)}, {"a": Evidence(300, oversold=9), "b": Evidence(100)}),
        ({"a": Rule(), "b": Rule()}, {"a": Evidence(300, starved=9), "b": Evidence(100, starved=9)}),
    ],
    ids=["too little is oversold", "too little was sold", "one alone", "a pool is starved by its cap"],
)
def test_the_mode_is_left_alone_where_it_does_no_harm(
    rules: dict[str, Rule], evidence: dict[str, Evidence]
) -> None:
    assert suggestions(rules, evidence) == []


def test_a_share_of_an_adaptive_channel_that_sells_more_is_in_the_way() -> None:
    rules = {"shop": Rule(Mode.ADAPTIVE, Decimal(30)), "market": Rule(Mode.ADAPTIVE, Decimal(80))}
    assert suggestions(rules, {"shop": Evidence(500), "market": Evidence(500)}) == [
        Suggestion(
            "shop",
            "share",
            "30",
            "100",
            "it sold 500 of 1,000 units, and its share is the most that it may have",
        )
    ]
    assert suggestions(rules, {"shop": Evidence(200), "market": Evidence(500)}) == []


def test_what_is_suggested_can_be_applied() -> None:
    rules = {"shop": replace(part(50), cap=7), "market": part(50)}
    evidence = {"shop": Evidence(900, 1.0, 2), "market": Evidence(300)}
    assert applied(rules, suggestions(rules, evidence)) == {
        "shop": replace(part(75), cap=7, buffer=Buffer(units=2)),
        "market": part(25),
    }


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from("abcdef"), st.tuples(st.integers(0, 40), st.integers(0, 5_000)), min_size=2
    )
)
def test_suggested_shares_add_up_to_what_they_did(channels: dict[str, tuple[int, int]]) -> None:
    """Goal: nothing is given away that was held back, nor more than there is; and a second look suggests nothing."""
    rules = {name: part(percent) for name, (percent, _) in channels.items()}
    sold = {name: Evidence(units) for name, (_, units) in channels.items()}
    found = suggestions(rules, sold)
    if found:
        after = applied(rules, found)
        assert sum(rule.share for rule in after.values()) == min(
            100, sum(rule.share for rule in rules.values())
        )
        assert all(rule.share >= SHARE_MIN for rule in after.values())
        assert suggestions(after, sold) == []
