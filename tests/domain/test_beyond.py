"""Beyond the pool: what is reserved is seen by its partner alone, and what is on its way by whoever may sell it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from onhand.domain import allocation
from onhand.domain.allocation import Claim, allocate
from onhand.domain.beyond import with_preorder, with_programmes
from onhand.domain.claims import claims_of
from onhand.domain.listings import ChannelRules, ListingState, RuleBook, Sibling
from onhand.domain.preorders import PreOrder, allowance
from onhand.domain.rules import Buffer, Mode, Rule
from onhand.domain.targets import targets_of

PLACES = ("leeds", "london")
CHANNELS = ("b2b", "shopify", "woo")
DAY = date(2026, 12, 20)
UNITS = st.dictionaries(st.sampled_from(PLACES), st.integers(0, 60))


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    return Rule(
        mode=draw(st.sampled_from((Mode.POOLED, Mode.PARTITIONED))),
        share=Decimal(draw(st.integers(0, 100))),
        reserve=draw(st.integers(0, 5)),
        buffer=Buffer(units=draw(st.integers(0, 10))),
    )


@st.composite
def claims(draw: st.DrawFn) -> list[Claim]:
    return [
        Claim(channel, n, "", draw(st.sampled_from((PLACES, PLACES[:1], PLACES[1:]))), draw(rules()))
        for n, channel in enumerate(CHANNELS)
    ]


@given(
    claims(),
    st.dictionaries(st.sampled_from(PLACES), st.integers(-30, 60)),
    st.dictionaries(st.sampled_from(("acme", "other")), UNITS),
)
def test_channels_of_no_partner_never_see_what_is_reserved(
    all_claims: list[Claim], available: dict[str, int], reserved: dict[str, dict[str, int]]
) -> None:
    """Goal: whatever is reserved for whomever, the level of every other channel is what it is without it."""
    before = allocate(available, all_claims)
    after = allocate(available, with_programmes(all_claims, reserved, {"b2b": "acme"}))
    for n, claim in enumerate(all_claims):
        if claim.channel != "b2b":
            assert after[n] == before[n]
    own = sum(reserved.get("acme", {}).get(place, 0) for place in all_claims[0].locations)
    assert before[0] <= after[0] <= before[0] + own


@given(claims(), UNITS, UNITS, st.integers(0, 80), st.sets(st.sampled_from(CHANNELS)))
def test_what_is_on_its_way_is_shared_as_the_pool_is(
    all_claims: list[Claim], available: dict[str, int], incoming: dict[str, int], cap: int, may: set[str]
) -> None:
    """Goal: only channels that may see it, none more than all of it, and partitioned ones together no more either."""
    preorder = PreOrder(cap, DAY, frozenset(may), incoming)
    allowed = allowance(available, preorder)
    parts = {claim.channel: claim.preorder for claim in with_preorder(all_claims, available, preorder)}
    for claim in all_claims:
        reachable = sum(allowed.get(place, 0) for place in claim.locations)
        assert 0 <= parts[claim.channel] <= (reachable if preorder.allows(claim.channel) else 0)
    partitioned = [c for c in all_claims if c.rule.mode is Mode.PARTITIONED]
    assert sum(parts[c.channel] for c in partitioned) <= min(sum(allowed.values()), cap)


def book(**partners: str) -> RuleBook:
    return RuleBook(
        {
            name: ChannelRules(Rule(buffer=Buffer(units=2)), {"": PLACES}, partner=partners.get(name, ""))
            for name in CHANNELS
        }
    )


def state(channel: str, available: int) -> ListingState:
    return ListingState(
        channel,
        1,
        "A",
        "a",
        "",
        "",
        1,
        0,
        {"leeds": available},
        {"": 0},
        preorder=PreOrder(10, DAY, frozenset({"shopify"}), {"leeds": 8}),
        reserved={"acme": {"leeds": 30, "york": 5}},
    )


def test_levels_of_a_listing_say_what_they_owe_to_what_is_not_there() -> None:
    """Goal: 6 available less a buffer of 2; the partner's channel sees its 30 besides, one that may 8 on their way."""
    levels = {
        channel: [(t.quantity, t.beyond) for t in targets_of(state(channel, 6), book(b2b="acme"))]
        for channel in CHANNELS
    }
    assert levels == {"b2b": [(34, 30)], "shopify": [(12, 8)], "woo": [(4, 0)]}


def test_what_is_promised_already_is_not_promised_again() -> None:
    """Goal: 3 sold beyond nothing: 5 of the 8 are left, and a receipt of 8 leaves 5 to sell less the buffer."""
    (target,) = targets_of(state("shopify", -3), book())
    assert (target.quantity, target.beyond) == (5, 5)
    arrived = replace(state("shopify", 5), preorder=PreOrder(10, DAY, frozenset(), {}))
    (target,) = targets_of(arrived, book())
    assert (target.quantity, target.beyond) == (3, 0)


def test_shares_of_what_is_on_its_way_need_the_siblings() -> None:
    """Goal: partitioned channels share it as they share the pool, and a channel that may not takes no part."""
    half = RuleBook({n: ChannelRules(Rule(Mode.PARTITIONED, Decimal(50)), {"": PLACES}) for n in CHANNELS})
    siblings = tuple(Sibling(name, n, 1) for n, name in enumerate(CHANNELS, 1))
    found = replace(
        state("b2b", 0),
        siblings=siblings,
        preorder=PreOrder(10, DAY, frozenset({"b2b", "woo"}), {"leeds": 8}),
    )
    assert {c.channel: c.preorder for c in claims_of(found, half)} == {"b2b": 4, "shopify": 0, "woo": 4}


def test_explain_names_both() -> None:
    """Goal: each has a step of its own, in its place before reserve and cap."""
    claim = Claim("b2b", 1, "", ("leeds",), Rule(cap=40), programme=30, preorder=8, promised_for=DAY)
    (told,) = allocation.explain({"leeds": 5}, [claim])
    assert told.level == 40
    assert [(step.rule, step.before, step.after, step.reason) for step in told.steps[1:]] == [
        ("programme", 5, 35, "30 units reserved for its partner added"),
        ("preorder", 35, 43, "8 units on the way added, to be sold as promised for 2026-12-20"),
        ("cap", 43, 40, "cap 40"),
    ]
