"""The answer to "why does it show 7?", for every way in which a level can stand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from onhand.domain import allocation
from onhand.domain.allocation import Allocation, Claim
from onhand.domain.guard import Tally
from onhand.domain.rules import Buffer, Mode, Rule
from onhand.explain.sentences import because, held_back, sentence
from onhand.ledger.holds import HeldRun
from onhand.ledger.stock import DeadLetter, LevelFacts, Pending
from onhand.ledger.work import Hold

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(minutes=3)


PLAIN = Rule()


def decided(
    rule: Rule = PLAIN, available: int = 9, place: str = "", units: int = 1, halted: bool = False
) -> Allocation:
    """How a level at Leeds and London comes about, all of the stock being at Leeds."""
    claim = Claim("woo", 1, place, ("leeds", "london"), rule, units, halted)
    (found,) = allocation.explain({"leeds": available}, [claim])
    return found


def facts(book: int | None, shown: int | None = None, problem: str = "") -> LevelFacts:
    """What is known of the level, as of three minutes ago."""
    return LevelFacts("", book, BEFORE, shown, BEFORE if shown is not None else None, problem)


@pytest.mark.parametrize(
    ("found", "clause"),
    [
        (decided(), "9 are available at leeds + london"),
        (decided(available=1), "1 is available at leeds + london"),
        (decided(available=0), "nothing is available at leeds + london"),
        (decided(available=-2), "2 more were sold than there are"),
        (
            decided(Rule(buffer=Buffer(2))),
            "9 are available at leeds + london and 2 are held back for safety",
        ),
        (
            decided(Rule(buffer=Buffer(1), share=Decimal(50))),
            "9 are available at leeds + london, 1 is held back for safety "
            "and of that it has 4 (share 50 % of the pool)",
        ),
        (decided(Rule(cap=7)), "9 are available at leeds + london and no more than 7 may be shown"),
        (decided(Rule(cap=10)), "9 are available at leeds + london"),
        (decided(Rule(reserve=4)), "9 are available at leeds + london and 4 are reserved from this channel"),
        (decided(units=6), "9 are available at leeds + london and 6 units make one piece"),
        (
            decided(Rule(minimum_to_show=10)),
            "9 are available at leeds + london and 9 is fewer than the 10 that are worth showing",
        ),
        (decided(halted=True), "9 are available at leeds + london and it is halted"),
        (
            decided(Rule(mode=Mode.PARTITIONED, share=Decimal(100))),
            "9 are available at leeds + london",
        ),
    ],
)
def test_the_reason_names_each_rule_that_made_a_difference(found: Allocation, clause: str) -> None:
    assert because(found) == clause


@pytest.mark.parametrize(
    ("known", "pending", "parked", "said"),
    [
        (facts(9), None, None, "woo shows 9 because 9 are available at leeds + london."),
        (
            facts(None),
            None,
            None,
            "woo was never told nor asked; it should show 9 because 9 are available at leeds + london.",
        ),
        (
            facts(5),
            Pending(1, NOW - timedelta(seconds=40)),
            None,
            "woo still shows 5; it is to show 9 (since 40 s ago) because 9 are available at leeds + london.",
        ),
        (
            facts(5),
            None,
            None,
            "woo shows 5; since the rules or the mapping changed it should show 9 "
            "because 9 are available at leeds + london.",
        ),
        (
            facts(5),
            Pending(1, BEFORE),
            DeadLetter(BEFORE, "RowRejected", "woo said no.", "map it", "w"),
            "woo shows 5 instead of 9, because its update was given up 3 min ago: woo said no.",
        ),
        (
            facts(9, shown=8),
            None,
            None,
            "woo shows 9 because 9 are available at leeds + london. The channel itself answered 8, 3 min ago.",
        ),
        (
            # What it answered before it was told otherwise contradicts nothing.
            replace(facts(9, shown=8), shown_at=BEFORE - timedelta(seconds=1)),
            None,
            None,
            "woo shows 9 because 9 are available at leeds + london.",
        ),
        (
            facts(9, shown=9, problem="stock is not tracked"),
            None,
            None,
            "woo shows 9 because 9 are available at leeds + london. Stock is not tracked.",
        ),
    ],
)
def test_the_sentence_says_what_is_shown_and_why_or_why_not_yet(
    known: LevelFacts, pending: Pending | None, parked: DeadLetter | None, said: str
) -> None:
    assert sentence("woo", decided(), known, pending, parked, NOW) == said


@pytest.mark.parametrize(
    ("hold", "said"),
    [
        (Hold("woo", BEFORE, "", "", None, None), " Telling it changes was paused 3 min ago."),
        (
            Hold("woo", BEFORE, "new theme", "woo: no answer.", BEFORE, NOW),
            " Telling it changes was paused 3 min ago (new theme). Its breaker opened 3 min ago: woo: no answer.",
        ),
    ],
)
def test_what_keeps_a_change_from_being_told_is_said_where_there_is_one(hold: Hold, said: str) -> None:
    """Goal: a pause explains a level that is behind, and is no news of one that is right."""
    shows = "woo still shows 7; it is to show 9 (since 3 min ago) because 9 are available at leeds + london."
    assert sentence("woo", decided(), facts(7), Pending(1, BEFORE), None, NOW, hold) == shows + said
    right = "woo shows 9 because 9 are available at leeds + london."
    assert sentence("woo", decided(), facts(9), None, None, NOW, hold) == right


def test_a_held_run_is_named_with_what_lets_it_go() -> None:
    why = "it would empty 4 of 10 listings (40 %), and move 100 pieces in all; what empties more than 20 % is held"
    held = HeldRun("woo", "sync", "run-1", BEFORE, Tally(10, 4, 4, 100), why, None, None, "")
    assert held_back(held, NOW) == (
        " A run was held 3 min ago because it would empty 4 of 10 listings (40 %), and move 100 pieces in all: what "
        "the source said is told once it is mended there, or by `onhand runs release --channel woo`."
    )


def test_a_level_that_is_being_told_is_not_unknown() -> None:
    """Goal: a claim takes away what we believe for a moment, and the answer says so."""
    known = replace(facts(None), claimed_until=NOW + timedelta(seconds=2))
    assert sentence("woo", decided(), known, None, None, NOW) == (
        "woo is being told in this moment; it should show 9 because 9 are available at leeds + london."
    )


def test_a_place_is_told_by_the_locations_it_shows() -> None:
    said = sentence("shopify", decided(place="gid://1"), facts(9), None, None, NOW)
    assert said == "shopify (leeds + london) shows 9 because 9 are available at leeds + london."


def test_large_numbers_are_easy_to_read() -> None:
    said = sentence("woo", decided(available=12_345), facts(12_000), None, None, NOW)
    assert "woo shows 12,000; since" in said
    assert "should show 12,345 because 12,345 are available" in said
