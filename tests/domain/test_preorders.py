"""Pre-orders: never more than the cap leaves and than comes in; who ordered first is served first."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.preorders import OpenLine, PreOrder, Promise, allowance, promises_of

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
PLACES = ("leeds", "london", "york")
DAY = date(2026, 12, 20)


def preorder(cap: int, **incoming: int) -> PreOrder:
    return PreOrder(cap, DAY, frozenset(), incoming)


def test_one_location_as_a_person_counts_it() -> None:
    """Goal: available + min(cap - promised, incoming not promised yet)."""
    assert allowance({"leeds": 5}, preorder(10, leeds=20)) == {"leeds": 10}
    assert allowance({"leeds": -3}, preorder(10, leeds=20)) == {"leeds": 7}
    assert allowance({"leeds": -3}, preorder(10, leeds=5)) == {"leeds": 2}
    assert allowance({"leeds": -3}, preorder(10, leeds=3)) == {}
    assert allowance({"leeds": -12}, preorder(10, leeds=20)) == {}
    assert allowance({}, preorder(10)) == {}


def test_the_cap_is_shared_by_the_locations() -> None:
    """Goal: what may be promised in all places together is the cap, in the order of their names."""
    assert allowance({"leeds": 0, "london": 0}, preorder(40, london=30, leeds=30)) == {
        "leeds": 30,
        "london": 10,
    }


@given(
    st.dictionaries(st.sampled_from(PLACES), st.integers(-50, 50)),
    st.dictionaries(st.sampled_from(PLACES), st.integers(0, 50)),
    st.integers(0, 100),
)
def test_never_beyond_the_cap_nor_beyond_what_comes(
    available: dict[str, int], incoming: dict[str, int], cap: int
) -> None:
    """Goal: for every stock, all that is allowed promises at most the cap in all, and at each place what comes."""
    allowed = allowance(available, PreOrder(cap, DAY, frozenset(), incoming))
    promised = {place: max(0, -units) for place, units in available.items()}
    assert all(units > 0 for units in allowed.values())
    if allowed:
        assert sum(promised.values()) + sum(allowed.values()) <= cap
    for place, units in allowed.items():
        assert promised.get(place, 0) + units <= incoming[place]


def line(number: str, units: int, minute: int, of: str = "1") -> OpenLine:
    return OpenLine("web", number, of, units, NOON + timedelta(minutes=minute))


def test_who_ordered_first_is_served_first() -> None:
    """Goal: what is short is laid upon the newest; of these, what comes in is for the first."""
    lines = [line("3", 4, 30), line("1", 5, 10), line("2", 3, 20)]
    assert promises_of(6, 5, lines) == (
        Promise(line("2", 3, 20), 2, 2, 1),
        Promise(line("3", 4, 30), 4, 3, 2),
    )
    # A receipt of 3: the queue moves up from its front.
    assert promises_of(3, 2, lines) == (Promise(line("3", 4, 30), 3, 2, 1),)
    assert promises_of(0, 0, lines) == ()
    # The first cancels: everybody moves up.
    assert promises_of(1, 1, lines[:1] + lines[2:]) == (Promise(line("3", 4, 30), 1, 1, 1),)


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 5)), max_size=8),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_the_queue_holds_what_is_short_and_no_more(
    rows: list[tuple[int, int]], short: int, covered: int
) -> None:
    """Goal: units are those that are short, as far as orders are known; places are numbered from 1 by time, and what is
    covered is at the front."""
    lines = [line(str(n), units, minute) for n, (units, minute) in enumerate(rows)]
    queue = promises_of(short, covered, lines)
    assert sum(p.units for p in queue) == min(short, sum(units for units, _ in rows))
    assert sum(p.covered for p in queue) == min(covered, sum(p.units for p in queue))
    assert [p.position for p in queue] == list(range(1, len(queue) + 1))
    assert [p.line.sold_at for p in queue] == sorted(p.line.sold_at for p in queue)
    assert all(p.covered == p.units or not q.covered for p, q in pairwise(queue))
