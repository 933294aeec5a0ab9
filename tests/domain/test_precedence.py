"""Which rule decides: the most exact one, and the words in which that is explained."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from onhand.domain.listings import EVERY_CHANNEL, ChannelRules, RuleBook
from onhand.domain.precedence import ruling
from onhand.domain.rules import Mode, Rule

CHANNELS = ("shopify", "woo")
SKUS = ("MUG", "CUP")
TAGS = ("new", "sale", "heavy")
BASE = RuleBook(
    {name: ChannelRules(Rule(name=f"channels.{name}.rule"), {"": ("leeds",)}) for name in CHANNELS}
)


def named(name: str) -> Rule:
    return Rule(name=name)


EXACT = replace(
    BASE,
    sku_rules={("shopify", "MUG"): named("both"), (EVERY_CHANNEL, "MUG"): named("sku")},
    tag_rules={("shopify", "sale"): named("tag there"), (EVERY_CHANNEL, "sale"): named("tag")},
)


def test_the_most_exact_rule_decides() -> None:
    """Goal: each step of the precedence, by taking away the rule that won the one before."""
    assert EXACT.rule_for("shopify", "MUG", ("sale",)).name == "both"
    without = replace(EXACT, sku_rules={(EVERY_CHANNEL, "MUG"): named("sku")})
    assert without.rule_for("shopify", "MUG", ("sale",)).name == "tag there"
    assert EXACT.rule_for("woo", "MUG", ("sale",)).name == "sku"
    assert EXACT.rule_for("woo", "CUP", ("sale",)).name == "tag"
    assert EXACT.rule_for("woo", "CUP", ("heavy",)).name == "channels.woo.rule"
    assert EXACT.rule_for("woo", "CUP").name == "channels.woo.rule"


def test_of_several_tags_the_rule_that_comes_first_decides() -> None:
    rules = replace(BASE, tag_rules={("woo", "sale"): named("first"), ("woo", "new"): named("second")})
    assert rules.rule_for("woo", "MUG", ("new", "sale")).name == "first"
    assert rules.rule_for("woo", "MUG", ("new",)).name == "second"


def test_the_reason_says_what_the_rule_is_for_and_what_it_goes_before() -> None:
    assert ruling(EXACT, "shopify", "MUG", ("sale",)).reason == (
        "is for SKU MUG on shopify and goes before tag there, sku, tag, channels.shopify.rule"
    )
    assert ruling(EXACT, "woo", "CUP", ("sale",)).reason == (
        "is for tag sale on every channel and goes before channels.woo.rule"
    )
    assert ruling(EXACT, "woo", "CUP").reason == ""


def test_a_rule_for_a_tag_that_looks_at_others_is_known_to() -> None:
    """Goal: a listing is not decided alone because only a tag's rule needs the others."""
    assert not EXACT.needs_siblings
    assert replace(BASE, tag_rules={("woo", "sale"): Rule(Mode.PARTITIONED)}).needs_siblings
    adaptive = replace(BASE, tag_rules={("woo", "sale"): Rule(Mode.ADAPTIVE)})
    assert (adaptive.needs_siblings, adaptive.needs_demand, BASE.needs_demand) == (False, True, False)
    assert replace(BASE, tag_rules={("woo", "sale"): Rule(last_units=1, last_channel="woo")}).needs_siblings


KEYS = st.sampled_from((EVERY_CHANNEL, *CHANNELS))


@settings(deadline=None)
@given(
    st.lists(st.tuples(KEYS, st.sampled_from(SKUS)), unique=True),
    st.lists(st.tuples(KEYS, st.sampled_from(TAGS)), unique=True),
    st.sampled_from(CHANNELS),
    st.sampled_from(SKUS),
    st.lists(st.sampled_from(TAGS), unique=True).map(tuple),
)
def test_the_explanation_agrees_with_what_decides(
    by_sku: list[tuple[str, str]],
    by_tag: list[tuple[str, str]],
    channel: str,
    sku: str,
    tags: tuple[str, ...],
) -> None:
    """Goal: `explain` names the rule that every sync goes by, and no rule twice."""
    rules = replace(
        BASE,
        sku_rules={key: named(f"sku{n}") for n, key in enumerate(by_sku)},
        tag_rules={key: named(f"tag{n}") for n, key in enumerate(by_tag)},
    )
    found = ruling(rules, channel, sku, tags)
    assert found.won.rule is rules.rule_for(channel, sku, tags)
    names = [found.won.rule.name, *(each.rule.name for each in found.lost)]
    assert len(names) == len(set(names))
    assert names[-1] == f"channels.{channel}.rule"
