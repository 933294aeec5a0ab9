"""The simulated world: sales, webhooks, calls and mishaps, each as it was said to be."""

from dataclasses import dataclass, field, replace

import pytest

from onhand.simulation.calls import Call, Kind
from onhand.simulation.market import Delivery, Market
from onhand.simulation.scenario import NO_FAULTS, TABLE, Day, Delays, Faults, Scenario, day_of

QUIET = Scenario("quiet", units=10, buyers=0, seconds=100.0, weights=(1.0, 1.0))


@dataclass
class Diary:
    """Writes down what it is told, and says what a test wants said."""

    market: Market
    to_say: list[tuple[float, Call]] = field(default_factory=list)
    told: list[tuple[float, object]] = field(default_factory=list)

    def opened(self) -> None:
        for moment, call in self.to_say:
            self.market.at(moment, self.market.send, call)

    def heard(self, deliveries: list[Delivery]) -> None:
        self.told += [(self.market.now, delivery.order.number) for delivery in deliveries]

    def answered(self, call: Call) -> None:
        self.told.append((self.market.now, call))

    def lost(self) -> None:
        self.told.append((self.market.now, "lost"))

    def swept(self, began_at: float) -> None:
        """Nothing to tell."""

    def look(self) -> None:
        self.told.append((self.market.now, "look"))


def day(scenario: Scenario, arrivals: list[tuple[float, int]], **more: object) -> Day:
    """A day with these buyers; a last one comes late, so that everything has happened."""
    made = day_of(scenario, 1)
    buyers = [*arrivals, (scenario.seconds, 0)]
    moments, channels = [moment for moment, _ in buyers], [channel for _, channel in buyers]
    return replace(made, arrivals=replace(made.arrivals, moments=moments, channels=channels), **more)


def run(a_day: Day, levels: list[int], *to_say: tuple[float, Call]) -> tuple[Market, Diary]:
    """The day, with calls at their moments."""
    market = Market(a_day, levels)
    diary = Diary(market, list(to_say))
    market.run(diary)
    return market, diary


def test_a_seed_is_a_day() -> None:
    """Goal: the same seed is the same day, another one is another."""
    assert day_of(TABLE[0], 7) == day_of(TABLE[0], 7)
    assert day_of(TABLE[0], 7) != day_of(TABLE[0], 8)
    assert len(day_of(TABLE[2], 7).arrivals.moments) == 1_000


def test_buyers_take_what_is_shown_and_are_counted_otherwise() -> None:
    """Goal: one finds the last unit, one is turned away while the other channel has units, none when all are gone."""
    scenario = replace(QUIET, units=3)
    market, _ = run(day(scenario, [(1, 0), (2, 0), (3, 1), (4, 1), (5, 1)]), [1, 2])
    outcome = market.outcome(0, None)

    assert (outcome.turned_away, outcome.oversold, outcome.unsold, outcome.missed) == (1, 0, 0, 0)


def test_what_is_left_over_although_somebody_came() -> None:
    """Goal: two units left, one buyer had wanted one."""
    market, _ = run(day(replace(QUIET, units=3), [(1, 0), (2, 1)]), [1, 0])

    assert market.outcome(0, None).missed == 2  # the last buyer of the day met an empty shelf, too
    assert market.outcome(0, None).unsold == 2


def test_a_sale_is_heard_within_its_delay() -> None:
    """Goal: exactly once, half a second to one and a half after it."""
    _, diary = run(day(QUIET, [(10.0, 0)]), [5, 5])
    heard = [moment for moment, what in diary.told if what == 0]

    assert len(heard) >= 1  # a sweep may tell of it again
    assert 10.5 <= heard[0] <= 11.5


@pytest.mark.parametrize(
    ("kind", "amount", "echo"), [(Kind.SET, 3, 3), (Kind.CHANGE, -7, -2), (Kind.READ, 0, 5)]
)
def test_calls_do_what_their_kind_does(kind: Kind, amount: int, echo: int) -> None:
    """Goal: the level after, in the answer, 0.2 to 0.8 s later."""
    call = Call(1, kind, amount, 10.0, epoch=0)
    market, diary = run(day(QUIET, []), [5, 5], (10.0, call))
    (answered,) = [moment for moment, what in diary.told if what is call]

    assert (call.echo, market.shown[1]) == (echo, echo)
    assert 10.2 <= answered <= 10.8
    assert (market.writes, market.reads) == ((0, 1) if kind is Kind.READ else (1, 0))


def test_a_refusing_channel_does_nothing_and_says_so() -> None:
    """Goal: 429 for ten seconds, then no more."""
    scenario = QUIET.with_faults(Faults(refusing_seconds=10.0))
    early, late = Call(0, Kind.SET, 1, 12.0, 0), Call(0, Kind.SET, 2, 20.0, 0)
    market, _ = run(day(scenario, [], refusing=0, refusing_at=10.0), [5, 5], (12.0, early), (20.0, late))

    assert (early.refused, late.refused) == (True, False)
    assert market.shown[0] == 1  # set to 2, and one sold to the last buyer of the day


def test_a_killed_worker_gets_no_answers_and_is_told_later_what_waited() -> None:
    """Goal: the call took effect, its answer is lost; a sale of that time is heard when the worker is back."""
    scenario = replace(QUIET, delays=Delays(call=(0.5, 0.5))).with_faults(Faults(away_seconds=5.0))
    call = Call(1, Kind.SET, 3, 10.0, epoch=0)
    market, diary = run(day(scenario, [(10.2, 0)], kills=(10.1,)), [5, 5], (10.0, call))

    assert market.shown[1] == 3
    assert (10.1, "lost") in diary.told
    assert call not in [what for _, what in diary.told]
    assert (15.1, 0) in diary.told
    assert (15.1, "look") in diary.told


def test_doubled_and_shuffled_webhooks() -> None:
    """Goal: told twice; told up to twice as late; the parts are as configured."""
    scenario = replace(QUIET, units=1_000, buyers=1_000).with_faults(Faults(doubled=0.1, shuffled=0.2))
    market = Market(day_of(scenario, 3), [1_000, 1_000])
    arrivals: dict[int, list[float]] = {}
    diary = Diary(market)
    diary.heard = lambda deliveries: [
        arrivals.setdefault(each.order.number, []).append(market.now - each.order.placed_at)
        for each in deliveries
        if each.arrived_at is not None
    ]
    market.run(diary)

    assert 70 <= sum(len(times) == 2 for times in arrivals.values()) <= 130
    assert 70 <= sum(times[0] > 1.5 for times in arrivals.values()) <= 200
    assert max(times[0] for times in arrivals.values()) <= 3.0


def test_nothing_goes_wrong_unless_it_is_said() -> None:
    """Goal: the scenarios of the table have no mishaps of their own."""
    assert all(scenario.faults == NO_FAULTS for scenario in TABLE)
    assert day_of(TABLE[0], 1).kills == ()
