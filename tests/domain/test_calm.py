"""Rule 6: when a level is hot, what it is told then, and what that is worth, simulated without any I/O."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.calm import (
    Course,
    Sight,
    course_of,
    decayed,
    expected_pieces,
    rest_seconds,
    shares,
)

PACES = st.dictionaries(st.integers(0, 5), st.floats(0, 1_000), min_size=1, max_size=5)


def sight(
    pace: float, *, call: float = 0.5, resting: bool = False, book: int | None = 50, target: int = 40
) -> Sight:
    return Sight(pace, call, resting, book, target)


def test_a_count_halves_every_ten_seconds() -> None:
    assert [decayed(8, seconds) for seconds in (0, 10, 30, -5)] == [8, 4, 1, 8]


def test_a_steady_rate_is_found_again() -> None:
    """Goal: 4 pieces a second for a minute are about 2 in a call of half a second."""
    pace = 0.0
    for _ in range(240):
        pace = decayed(pace, 0.25) + 1
    assert expected_pieces(pace, 0.5) == pytest.approx(2.0, rel=0.02)
    assert expected_pieces(pace, 0.01) == expected_pieces(pace, 0.2)


@pytest.mark.parametrize(
    ("seen", "course"),
    [
        (sight(28), Course.TELL),  # 0.97 pieces a call
        (sight(29), Course.SHARE),  # 1.005
        (sight(29, call=0.1), Course.TELL),
        (sight(15, resting=True), Course.SHARE),  # 0.52: hot still, and 10 pieces too many on show
        (sight(15, resting=True, book=42), Course.SHARE),
        (sight(15, resting=True, book=41), Course.REST),
        (sight(15, resting=True, book=7), Course.REST),
        (sight(14, resting=True, book=7), Course.TELL),
        (sight(15, resting=True, book=None), Course.SHARE),
        (sight(14, resting=True, book=None), Course.TELL),
    ],
)
def test_courses(seen: Sight, course: Course) -> None:
    assert course_of(seen) is course


@given(pace=st.floats(15, 1_000), call=st.floats(0.5, 3))
def test_a_rest_lasts_until_it_is_calm_and_no_minute_longer(pace: float, call: float) -> None:
    seconds = rest_seconds(pace, call)
    assert 1 <= seconds <= 60
    if 1 < seconds < 60:
        assert expected_pieces(decayed(pace, seconds), call) == pytest.approx(0.5)


@given(left=st.integers(-50, 100_000), paces=PACES)
def test_shares_are_all_that_is_left_and_near_their_quota(left: int, paces: dict[int, float]) -> None:
    """Goal: never negative, nothing lost, nobody off by a unit or more, whoever they are."""
    given_ = shares(left, paces)
    assert given_.keys() == paces.keys()
    assert sum(given_.values()) == max(0, left)
    total = sum(paces.values())
    for key, pace in paces.items():
        quota = max(0, left) * (pace / total if total else 1 / len(paces))
        assert given_[key] >= 0
        assert abs(given_[key] - quota) < 1 + 1e-6


def test_shares_by_hand() -> None:
    assert shares(10, {"web": 1.0, "store": 2.0}) == {"web": 3, "store": 7}
    assert shares(5, {"web": 0.0, "store": 0.0}) == {"web": 3, "store": 2}
    assert shares(-3, {"web": 1.0}) == {"web": 0}


# --- what it is worth ---------------------------------------------------------------------------------------------


@dataclass
class Shelf:
    """One listing on one channel: what it really shows, and what we believe."""

    absolute: bool
    shown: int
    book: int | None
    blind_at: float = -1.0
    claimed: bool = False
    heard: int = 0
    provisional: int = 0
    pace: float = 0.0
    paced_at: float = 0.0
    call_seconds: float = 0.0
    resting: bool = False
    share: int = 0
    sold: int = 0


class Market:
    """Buyers, channels and a publisher in one queue of events; the books as the ledger keeps them (rules 1 to 4)."""

    def __init__(
        self, seed: int, kinds: tuple[bool, ...], *, rule: bool, buyers: int, seconds: float
    ) -> None:
        self.chance, self.rule, self.left = random.Random(seed), rule, 200
        self.shelves = [Shelf(absolute, 200, 200) for absolute in kinds]
        self.queue: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self.now, self.number = 0.0, count()
        for _ in range(buyers):
            self.at(self.chance.uniform(0, seconds), self.buy, self.chance.choice(self.shelves))

    def at(self, moment: float, what: Callable[..., None], *about: object) -> None:
        heapq.heappush(self.queue, (moment, next(self.number), what, about))

    def oversold(self) -> int:
        while self.queue:
            self.now, _, what, about = heapq.heappop(self.queue)
            what(*about)
        return max(0, sum(shelf.sold for shelf in self.shelves) - 200)

    def buy(self, shelf: Shelf) -> None:
        if shelf.shown > 0:
            shelf.shown -= 1
            shelf.sold += 1
            self.at(self.now + self.chance.uniform(0.5, 1.5), self.hear, shelf, self.now)

    def hear(self, shelf: Shelf, moment: float) -> None:
        self.left -= 1
        shelf.pace, shelf.paced_at = self.pace(shelf) + 1, self.now
        if shelf.provisional:
            shelf.provisional -= 1
        elif moment >= shelf.blind_at:
            shelf.heard += shelf.claimed
            shelf.book = None if shelf.book is None else shelf.book - 1
        self.publish()

    def pace(self, shelf: Shelf) -> float:
        return decayed(shelf.pace, self.now - shelf.paced_at)

    def free_for(self, shelf: Shelf) -> int:
        kept = [
            s.share if s.book is None else max(0, s.book)
            for s in self.shelves
            if s is not shelf and s.resting
        ]
        return max(0, self.left - sum(s.provisional for s in self.shelves) - sum(kept))

    def publish(self) -> None:
        for shelf in self.shelves:
            target = self.free_for(shelf)
            if not shelf.claimed and shelf.book != target:
                told = self.told(shelf, target)
                if told is not None:
                    self.send(shelf, told)

    def told(self, shelf: Shelf, target: int) -> int | None:
        if not (self.rule and shelf.absolute):
            return target
        pace = self.pace(shelf)
        course = course_of(Sight(pace, shelf.call_seconds, shelf.resting, shelf.book, target))
        if course is Course.REST:
            return None
        shelf.resting = course is Course.SHARE
        self.at(self.now + rest_seconds(pace, shelf.call_seconds), self.publish)
        if course is Course.SHARE:
            rivals = {n: self.pace(s) for n, s in enumerate(self.shelves) if s is shelf or not s.resting}
            shelf.share = target = shares(target, rivals)[self.shelves.index(shelf)]
        return target

    def send(self, shelf: Shelf, quantity: int) -> None:
        shelf.claimed, shelf.heard, before, shelf.book = True, 0, shelf.book, None
        takes = self.chance.uniform(0.2, 0.8)
        self.at(
            self.now + self.chance.uniform(0, takes), self.effect, shelf, quantity, before, self.now + takes
        )
        shelf.call_seconds += (takes - shelf.call_seconds) * (0.3 if shelf.call_seconds else 1.0)

    def effect(self, shelf: Shelf, quantity: int, before: int, answered_at: float) -> None:
        shelf.shown = quantity if shelf.absolute else shelf.shown + quantity - before
        self.at(answered_at, self.answer, shelf, quantity, shelf.shown)

    def answer(self, shelf: Shelf, quantity: int, echo: int) -> None:
        shelf.claimed = False
        if shelf.absolute:
            shelf.book, shelf.blind_at = quantity, self.now
        else:
            short = quantity - echo
            shelf.provisional += max(short - shelf.heard, 0)
            shelf.book = echo - max(shelf.heard - short, 0)
        self.publish()


def units_oversold(kinds: tuple[bool, ...], *, rule: bool, buyers: int = 1_000, seconds: float = 60) -> float:
    """The mean of 100 seeded markets: 200 units, heard after 0.5 to 1.5 s, calls of 0.2 to 0.8 s."""
    return mean(
        Market(seed, kinds, rule=rule, buyers=buyers, seconds=seconds).oversold() for seed in range(100)
    )


def test_a_rush_on_an_absolute_and_a_relative_channel_oversells_nothing() -> None:
    """Goal: 1,000 buyers in 60 s; without the rule about 16 of 200 units are sold twice."""
    assert units_oversold((True, False), rule=False) == 15.59
    assert units_oversold((True, False), rule=True) == 0


def test_a_rush_on_two_absolute_channels_oversells_about_half_as_much() -> None:
    """Goal: what was unheard when the shares were told cannot be taken back from either."""
    assert units_oversold((True, True), rule=False) == 22.68
    assert units_oversold((True, True), rule=True) == 11.31


def test_the_rule_leaves_a_calm_market_as_it_is() -> None:
    """Goal: 240 buyers in 14 minutes are no rush; nothing rests."""
    calm = [units_oversold((True, False), rule=rule, buyers=240, seconds=840) for rule in (False, True)]
    assert calm == [0.24, 0.24]
