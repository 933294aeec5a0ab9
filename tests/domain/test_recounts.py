"""A canonical source outside: counts stay true whatever is heard late, in whichever order, however far a source lags.

Method: an external system has a shelf, orders are placed, cancelled in part and shipped elsewhere, and it learns of
that some time after; it states its number now and then, with or without open orders. We hear of the orders' states and
of its statements late, twice, out of order, some states never. A ledger kept by the domain's own functions is held
against what is truly left.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from onhand.domain import counts
from onhand.domain.counts import Count, CountMeaning, Shelf, StaleCountError
from onhand.domain.events import Entry, Event, EventKind
from onhand.domain.orders import NOTHING_POSTED, OrderLine, OrderSnapshot, PostedOrder, events_of, taken_by
from onhand.domain.recounts import LastCount, knows, recounts_of, shelves_of
from onhand.domain.reversal import Recorded, reversal_of
from onhand.domain.states import ON_HAND, State

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MUG = ("MUG", "leeds")
START = 40


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


@dataclass
class Book:
    """A ledger of one shelf in memory, by the rules of the real one."""

    events: list[Event] = field(default_factory=list)
    orders: defaultdict[str, PostedOrder] = field(default_factory=lambda: defaultdict(lambda: NOTHING_POSTED))
    last: LastCount | None = None

    def units(self, meaning: CountMeaning) -> int:
        return sum(self._moved(event, meaning) for event in self.events)

    @property
    def available(self) -> int:
        return self.units(CountMeaning.AVAILABLE)

    def post(self, event: Event) -> None:
        self.events.append(event)
        self.events += recounts_of(event, {} if self.last is None else {MUG: self.last})

    def hear_order(self, snapshot: OrderSnapshot) -> None:
        known = self.orders[snapshot.order_id]
        for event in events_of(snapshot, known):
            self.post(event)
        self.orders[snapshot.order_id] = taken_by(snapshot, known)

    def hear_count(self, count: Count) -> None:
        since = [
            self._moved(event, count.meaning)
            for event in self.events
            if not knows(count.as_of, count.sure_of, event, self._moved(event, count.meaning))
        ]
        shelf = Shelf(len(self.events), self.units(count.meaning), sum(since), self.last and self.last.as_of)
        try:
            change = counts.correction(count, shelf)
        except StaleCountError:
            return
        if change:
            self.events.append(counts.event_of(count, change))
        self.last = LastCount(count.source, count.external_id, count.meaning, count.as_of, count.sure_of)

    @staticmethod
    def _moved(event: Event, meaning: CountMeaning) -> int:
        states = ON_HAND if meaning is CountMeaning.ON_HAND else {State.AVAILABLE}
        return sum(entry.quantity for entry in event.entries if entry.state in states)


@dataclass(frozen=True)
class Placed:
    """An order as it went: units bought, of these cancelled, the rest shipped, and when (None: not); in minutes."""

    name: str
    placed: int
    bought: int
    cancelled_at: int | None
    cancelled: int
    shipped_at: int | None

    def states(self) -> list[OrderSnapshot]:
        """What its channel would tell of it, change by change."""
        minutes = sorted({m for m in (self.placed, self.cancelled_at, self.shipped_at) if m is not None})
        return [self._state(minute) for minute in minutes]

    def taken(self, minute: float) -> int:
        """Units it has taken, less those cancelled, as of then."""
        given_back = self.cancelled if self.cancelled_at is not None and self.cancelled_at <= minute else 0
        return self.bought - given_back if self.placed <= minute else 0

    def gone(self, minute: float) -> int:
        """Units of it that have left, as of then."""
        return self.taken(minute) if self.shipped_at is not None and self.shipped_at <= minute else 0

    def _state(self, minute: int) -> OrderSnapshot:
        gone = self.gone(minute)
        line = OrderLine("1", *MUG, self.taken(minute) - gone, gone)
        return OrderSnapshot("shop", self.name, minute, at(minute), (line,), at(self.placed))


@dataclass(frozen=True)
class History:
    """What happened, and the order in which it is heard."""

    orders: tuple[Placed, ...]
    counts: tuple[Count, ...]
    heard: tuple[OrderSnapshot | Count, ...]
    every_state: bool

    @property
    def left(self) -> int:
        """What can still be sold in the end."""
        return START - sum(order.taken(1_000) for order in self.orders)

    def told(self) -> Book:
        book = Book()
        for each in self.heard:
            if isinstance(each, Count):
                book.hear_count(each)
            else:
                book.hear_order(each)
        return book


@st.composite
def placed_orders(draw: st.DrawFn) -> tuple[Placed, ...]:
    """Up to four orders in an hour; a cancellation comes before what is left is shipped."""
    found = []
    for number in range(draw(st.integers(0, 4))):
        placed, bought = draw(st.integers(0, 50)), draw(st.integers(1, 5))
        cancelled_at = draw(st.none() | st.integers(placed + 1, 55))
        cancelled = draw(st.integers(1, bought)) if cancelled_at is not None else 0
        after = placed if cancelled_at is None else cancelled_at
        shipped_at = draw(st.none() | st.integers(after + 1, 60)) if cancelled < bought else None
        found.append(Placed(f"o{number}", placed, bought, cancelled_at, cancelled, shipped_at))
    return tuple(found)


@st.composite
def histories(draw: st.DrawFn, *, lag: int, every_state: bool = False) -> History:
    """`lag`: minutes after which the external system has learnt of everything; of each change it learns at a moment of
    its own. Its first statement is heard first, so that the ledger begins."""
    orders = draw(placed_orders())
    meaning = draw(st.sampled_from(CountMeaning))
    # An external system learns of a change after some minutes: whole ones, and a bit, so that none is at a moment.
    learnt = {
        (order.name, minute): minute + draw(st.integers(0, lag))
        for order in orders
        for minute in (order.placed, order.cancelled_at, order.shipped_at)
        if minute is not None
    }
    stated = []
    for minute in [-1, *sorted(draw(st.sets(st.integers(1, 70), max_size=4)))]:
        number = START - sum(_known(order, learnt, minute, meaning) for order in orders)
        stated.append(
            Count("erp", f"c{minute}", *MUG, number, meaning, at(minute + 0.5), lag=timedelta(minutes=lag))
        )
    told: list[OrderSnapshot | Count] = [*stated[1:]]
    for order in orders:
        *between, last = order.states()
        told += [last, *(between if every_state else [s for s in between if draw(st.booleans())])]
    again = draw(st.lists(st.sampled_from(told), max_size=3)) if told else []
    heard = (stated[0], *draw(st.permutations([*told, *again])))
    return History(orders, tuple(stated), heard, every_state)


def _known(order: Placed, learnt: dict[tuple[str, int], int], minute: int, meaning: CountMeaning) -> int:
    """Units of an order that the external system has taken off its number by then."""

    def is_known(change: int | None) -> bool:
        return change is not None and learnt[order.name, change] <= minute

    if not is_known(order.placed) and not is_known(order.shipped_at):
        return 0
    given_back = order.cancelled if is_known(order.cancelled_at) else 0
    if meaning is CountMeaning.AVAILABLE:
        return order.bought - given_back
    return order.bought - order.cancelled if is_known(order.shipped_at) else 0


def settled(history: History) -> Book:
    """The same, and then one more statement, of a time when the external system knows everything."""
    book = history.told()
    meaning = history.counts[0].meaning
    gone = sum(
        order.taken(1_000) if meaning is CountMeaning.AVAILABLE else order.gone(1_000)
        for order in history.orders
    )
    last = history.counts[0]
    book.hear_count(replace(last, external_id="last", quantity=START - gone, as_of=at(500)))
    return book


@settings(max_examples=150, deadline=None)
@given(histories(lag=0, every_state=True))
def test_where_the_source_does_not_lag_the_ledger_is_right_in_whichever_order_things_are_heard(
    history: History,
) -> None:
    """Goal: no sale is lost and none taken twice, after everything was heard, by whatever way."""
    book = history.told()
    # States of one order that come in the wrong order are merged: what of them came when is then not known.
    if _each_in_order(history):
        assert book.available == history.left
    else:
        assert book.available <= history.left


@settings(max_examples=150, deadline=None)
@given(histories(lag=15))
def test_where_it_lags_no_sale_is_lost_and_the_next_statement_puts_right_what_was_taken_twice(
    history: History,
) -> None:
    """Goal: never more than is left, whatever the source knew and whatever was never heard; in the end exactly."""
    assert history.told().available <= history.left
    assert settled(history).available == history.left


@settings(max_examples=150, deadline=None)
@given(histories(lag=15))
def test_what_is_taken_twice_is_at_most_what_moved_within_the_lag_of_a_statement(history: History) -> None:
    """Goal: caution has a bound: what the newest statement may or may not have known of, and states never heard."""
    newest = max(history.counts, key=lambda count: count.as_of)
    unsure = sum(
        order.bought
        for order in history.orders
        for minute in (order.placed, order.cancelled_at, order.shipped_at)
        if minute is not None and newest.sure_of < at(minute) <= newest.as_of
    )
    merged = 0 if _each_in_order(history) else sum(order.cancelled + order.bought for order in history.orders)
    assert history.told().available >= history.left - unsure - merged


def _each_in_order(history: History) -> bool:
    """Whether every state of every order was heard, and of each order the first one first."""
    heard: dict[str, list[int]] = {}
    for each in history.heard:
        if isinstance(each, OrderSnapshot) and each.version not in heard.setdefault(each.order_id, []):
            heard[each.order_id].append(each.version)
    return all(heard[order.name] == [state.version for state in order.states()] for order in history.orders)


# One by one.

COUNT = LastCount("erp", "c", CountMeaning.AVAILABLE, at(10), at(5))


def _event(
    moment: datetime, *entries: Entry, source: str = "operator", kind: EventKind = EventKind.WRITE_OFF
) -> Event:
    return Event(source, "e-1", kind, moment, entries, b"")


def _loss(moment: datetime, units: int = 2, source: str = "operator") -> Event:
    return _event(
        moment,
        Entry(*MUG, State.AVAILABLE, -units),
        Entry(*MUG, State.SHRINKAGE, units),
        source=source,
    )


def test_what_a_count_knew_of_is_made_good_beside_it() -> None:
    (recount,) = recounts_of(_loss(at(5)), {MUG: COUNT})

    assert (recount.source, recount.kind, recount.occurred_at) == ("recount", EventKind.COUNT, at(5))
    assert recount.external_id == "erp/c/operator/e-1/MUG@leeds"
    assert recount.entries == (Entry(*MUG, State.FOUND, -2), Entry(*MUG, State.AVAILABLE, 2))


def test_what_lowers_within_the_lag_stays_taken_and_what_raises_is_in_the_number() -> None:
    """Goal: of both readings the lower one, at the ends of the lag, too."""
    gain = _event(
        at(6), Entry(*MUG, State.AVAILABLE, 2), Entry(*MUG, State.FOUND, -2), kind=EventKind.ADJUSTMENT
    )

    assert recounts_of(_loss(at(6)), {MUG: COUNT}) == []
    assert recounts_of(_loss(at(10)), {MUG: COUNT}) == []
    assert len(recounts_of(gain, {MUG: COUNT})) == 1
    assert len(recounts_of(replace(gain, occurred_at=at(10)), {MUG: COUNT})) == 1
    assert recounts_of(replace(gain, occurred_at=at(11)), {MUG: COUNT}) == []


def test_a_reversal_goes_by_what_it_takes_back() -> None:
    """Goal: where the loss stayed taken because the count may not have known of it, its reversal gives it back."""

    def taken_back(event: Event) -> Event:
        return reversal_of(Recorded(7, "operator", "e-1", event.kind, event.occurred_at, {}, event.entries))

    assert recounts_of(taken_back(_loss(at(6))), {MUG: COUNT}) == []
    (recount,) = recounts_of(taken_back(_loss(at(5))), {MUG: COUNT})
    assert recount.entries[1] == Entry(*MUG, State.AVAILABLE, -2)


def test_a_count_on_hand_is_not_touched_by_promises() -> None:
    promised = _event(
        at(1), Entry(*MUG, State.AVAILABLE, -1), Entry(*MUG, State.COMMITTED, 1), kind=EventKind.ORDER
    )
    shipped = _event(
        at(1), Entry(*MUG, State.COMMITTED, -1), Entry(*MUG, State.CUSTOMER, 1), kind=EventKind.FULFILMENT
    )
    on_hand = replace(COUNT, meaning=CountMeaning.ON_HAND)

    assert recounts_of(promised, {MUG: on_hand}) == []
    assert len(recounts_of(promised, {MUG: COUNT})) == 1
    assert recounts_of(shipped, {MUG: COUNT}) == []
    (recount,) = recounts_of(shipped, {MUG: on_hand})
    assert recount.entries[1] == Entry(*MUG, State.AVAILABLE, 1)


def test_counts_themselves_are_left_to_each_other() -> None:
    counted = replace(_loss(at(1)), kind=EventKind.COUNT)
    assert (recounts_of(counted, {MUG: COUNT}), shelves_of([counted])) == ([], set())
    assert shelves_of([_loss(at(1))]) == {MUG}
    assert recounts_of(_loss(at(1)), {}) == []
