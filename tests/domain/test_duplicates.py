"""Several listings of one SKU on one channel: what each shows, and never more than there is where they split it."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.allocation import Claim, allocate, explain
from onhand.domain.duplicates import part_of, split
from onhand.domain.listings import ChannelRules, ListingState, RuleBook, Sibling
from onhand.domain.rules import Buffer, Duplicates, Mode, Rule
from onhand.domain.targets import targets_of
from onhand.domain.velocity import VelocityBuffer

packs = st.lists(st.integers(1, 12), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("units", "pieces", "given"),
    [
        (10, [1, 1], [5, 5]),
        (11, [1, 1], [6, 5]),
        (1, [1, 1, 1], [1, 0, 0]),
        (13, [6, 1], [6, 7]),
        (12, [1, 6], [6, 6]),
        (11, [6, 1], [6, 5]),
        (10, [6, 1], [0, 10]),
        (5, [6, 12], [0, 0]),
        (13, [6, 12], [12, 0]),
        (0, [6, 1], [0, 0]),
        (7, [1], [7]),
    ],
)
def test_whole_pieces_as_evenly_as_they_allow(units: int, pieces: list[int], given: list[int]) -> None:
    assert split(units, pieces) == given


@given(st.integers(0, 500), packs)
def test_split_gives_whole_pieces_of_what_there_is_and_leaves_less_than_one(
    units: int, pieces: list[int]
) -> None:
    given_ = split(units, pieces)
    assert all(part >= 0 and part % piece == 0 for part, piece in zip(given_, pieces, strict=True))
    assert 0 <= units - sum(given_) < min(pieces)


@given(st.integers(0, 500), st.integers(1, 6), st.integers(1, 12))
def test_equal_pieces_are_split_evenly_and_the_earlier_has_the_odd_one(
    units: int, count: int, piece: int
) -> None:
    given_ = split(units, [piece] * count)
    assert given_ == sorted(given_, reverse=True)
    assert max(given_) - min(given_) <= piece


def test_each_shows_all_and_first_shows_it_alone() -> None:
    assert [part_of(Duplicates.EACH, 7, (1, 6), turn) for turn in (0, 1)] == [7, 7]
    assert [part_of(Duplicates.FIRST, 7, (1, 6), turn) for turn in (0, 1)] == [7, 0]
    assert [part_of(Duplicates.SPLIT, 7, (1, 6), turn) for turn in (0, 1)] == [7, 0]


def claims(
    rule: Rule,
    pieces: Sequence[int],
    *,
    widened: int = 0,
    halted: bool = False,
    spiking: int = 0,
    paced: int = 0,
) -> list[Claim]:
    """A claim of each twin; the first is the one that drifted, and has a buffer by velocity."""
    first = VelocityBuffer(paced, 1.0, 1.0) if paced else None
    return [
        Claim(
            "shopify",
            turn + 1,
            "",
            ("leeds",),
            rule,
            units,
            halted=halted and not turn,
            widened=0 if turn else widened,
            spiking=spiking,
            paced=None if turn else first,
            twins=tuple(pieces),
            turn=turn,
        )
        for turn, units in enumerate(pieces)
    ]


rules = st.builds(
    Rule,
    mode=st.sampled_from([Mode.POOLED, Mode.PARTITIONED]),
    share=st.integers(0, 100).map(Decimal),
    reserve=st.integers(0, 20),
    cap=st.none() | st.integers(0, 80),
    minimum_to_show=st.integers(0, 5),
    buffer=st.builds(Buffer, units=st.none() | st.integers(0, 20), velocity=st.booleans()),
    duplicates=st.sampled_from([Duplicates.SPLIT, Duplicates.FIRST]),
)


@given(st.integers(-20, 300), rules, packs, st.tuples(*[st.integers(0, 10)] * 3), st.booleans())
def test_twins_together_show_no_more_than_one_listing_would(
    available: int, rule: Rule, pieces: list[int], held: tuple[int, int, int], halted: bool
) -> None:
    """Goal: whatever the rule, the drift or the halt of one, and however many units a piece takes."""
    alone = replace(rule, duplicates=Duplicates.EACH, minimum_to_show=0)
    widened, spiking, paced = held
    (most,) = allocate({"leeds": available}, [Claim("shopify", 1, "", ("leeds",), alone, spiking=spiking)])
    twins = claims(rule, pieces, widened=widened, halted=halted, spiking=spiking, paced=paced)
    shown = allocate({"leeds": available}, twins)
    assert sum(level * units for level, units in zip(shown, pieces, strict=True)) <= most
    assert [each.level for each in explain({"leeds": available}, twins)] == shown


def test_one_listings_halt_and_drift_change_no_other() -> None:
    rule = Rule(duplicates=Duplicates.SPLIT)
    plain = allocate({"leeds": 20}, claims(rule, [1, 6]))
    assert plain == [14, 1]
    assert allocate({"leeds": 20}, claims(rule, [1, 6], widened=3)) == [11, 1]
    assert allocate({"leeds": 20}, claims(rule, [1, 6], halted=True)) == [0, 1]


def test_reserve_and_cap_count_once_for_the_channel() -> None:
    rule = Rule(reserve=4, cap=10, duplicates=Duplicates.SPLIT)
    assert allocate({"leeds": 20}, claims(rule, [1, 1])) == [5, 5]
    assert allocate({"leeds": 8}, claims(rule, [1, 1])) == [2, 2]


def test_the_first_has_the_whole_part_of_a_partitioned_channel() -> None:
    half = Rule(Mode.PARTITIONED, Decimal(50), duplicates=Duplicates.FIRST)
    other = Claim("woo", 9, "", ("leeds",), Rule(Mode.PARTITIONED, Decimal(50)))
    assert allocate({"leeds": 10}, [*claims(half, [1, 1]), other]) == [5, 0, 5]
    first, second, _ = explain({"leeds": 10}, [*claims(half, [1, 1]), other])
    assert first.steps[-1].reason == "one of 2 listings of shopify shows it: it was listed first"
    assert second.steps[-1].reason == (
        "one of 2 listings of shopify shows it: another listing of it here was listed first"
    )
    assert "divided among" not in first.steps[1].reason


STATE = ListingState(
    channel="shopify",
    listing_id=7,
    sku="MUG",
    item_id="item",
    parent_id="",
    tracking="",
    units=6,
    generation=0,
    available={"leeds": 13},
    books={"": None},
    siblings=(Sibling("woo", 2, 1), Sibling("shopify", 7, 6), Sibling("shopify", 3, 1), Sibling("woo", 8, 1)),
)


def book(duplicates: Duplicates, mode: Mode = Mode.POOLED) -> RuleBook:
    """Shopify divides among its listings, woo does not."""
    place = {"": ("leeds",)}
    return RuleBook(
        {
            "shopify": ChannelRules(Rule(mode, duplicates=duplicates), place),
            "woo": ChannelRules(Rule(), place),
        }
    )


def test_a_listing_knows_its_twins_by_age_on_its_own_channel() -> None:
    """Goal: listing 3 is older and sells singles, 7 sells sixes; those of other channels are no twins."""

    def shown(state: ListingState, rules: RuleBook) -> int:
        (target,) = targets_of(state, rules)
        return target.quantity

    single = replace(STATE, listing_id=3, units=1)
    split_, first = book(Duplicates.SPLIT), book(Duplicates.FIRST)
    assert (shown(single, split_), shown(STATE, split_)) == (7, 1)
    assert (shown(single, first), shown(STATE, first)) == (13, 0)
    assert (shown(single, book(Duplicates.EACH)), shown(STATE, book(Duplicates.EACH))) == (13, 2)
    other = replace(STATE, channel="woo", listing_id=2, units=1)
    assert shown(other, split_) == 13


def test_only_rules_that_divide_need_to_know_the_siblings() -> None:
    assert not book(Duplicates.EACH).needs_siblings
    assert book(Duplicates.SPLIT).needs_siblings
    assert RuleBook(
        book(Duplicates.EACH).channels, {("woo", "MUG"): Rule(duplicates=Duplicates.FIRST)}
    ).needs_siblings
