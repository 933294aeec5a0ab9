"""The guard: what is too much at once, in which words, and what a release allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.guard import Limits, Tally, is_within, may_be_too_much, of_listing, reason

LIMITS = Limits()
LEVELS = st.lists(st.tuples(st.none() | st.integers(-5, 1_000), st.integers(0, 1_000)), max_size=5)


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    """What an errand may want: no more listings change than there are, no more are emptied than change."""
    listings = draw(st.integers(0, 2_000))
    changing = draw(st.integers(0, listings))
    zeroing = draw(st.integers(0, changing))
    return Tally(listings, changing, zeroing, draw(st.integers(changing, changing + 50_000)))


@pytest.mark.parametrize(
    ("tally", "said"),
    [
        (Tally(300, 60, 60, 900), None),  # a fifth, and no more
        (
            Tally(300, 61, 61, 900),
            "it would empty 61 of 300 listings (20.3 %), and move 900 pieces in all; "
            "what empties more than 20 % is held",
        ),
        (
            Tally(300, 300, 0, 4_512),
            "it would change 300 of 300 listings (100 %) by 4,512 pieces in all; what changes more than 20 % is held",
        ),
        (Tally(300, 61, 60, 900), "it would change 61 of 300 listings (20.3 %) by 900 pieces in all; "
         "what changes more than 20 % is held"),
        (Tally(300, 300, 49, 49), None),  # fewer pieces than are ever held
        (Tally(300, 300, 300, 50), "it would empty 300 of 300 listings (100 %), and move 50 pieces in all; "
         "what empties more than 20 % is held"),
        (Tally(5, 4, 4, 900), None),  # a shop of five
        (Tally(5, 5, 5, 900), "it would empty 5 of 5 listings (100 %), and move 900 pieces in all; "
         "what empties more than 20 % is held"),
        (Tally(), None),
    ],
)  # fmt: skip
def test_what_is_held_and_why(tally: Tally, said: str | None) -> None:
    """Goal: the default limits, to the listing and to the piece, and the words an operator reads."""
    assert reason(tally, LIMITS) == said


@given(tallies(), tallies())
def test_doing_more_is_held_where_doing_less_is(tally: Tally, more: Tally) -> None:
    """Goal: nothing gets through by changing more of the same channel."""
    worse = Tally(
        tally.listings,
        min(tally.listings, tally.changing + more.changing),
        min(tally.listings, tally.zeroing + more.zeroing),
        tally.units + more.units,
    )
    assert reason(tally, LIMITS) is None or reason(worse, LIMITS) is not None


@given(tallies())
def test_what_may_go_at_a_glance_may_go_when_it_is_counted(tally: Tally) -> None:
    """Goal: the glance, which sees only how many may change, lets nothing through that a count would hold."""
    if not may_be_too_much(tally.listings, tally.changing, LIMITS):
        assert reason(tally, LIMITS) is None


@given(tallies(), st.floats(0.1, 100), st.integers(1, 50), st.integers(0, 500))
def test_an_emptied_shop_is_held_and_a_guard_that_is_off_holds_nothing(
    tally: Tally, share: float, listings_min: int, units_min: int
) -> None:
    """Goal: below 100 % an emptied shop is held whatever the limits, above their floors; `enabled` decides over all."""
    limits = Limits(share, listings_min, units_min)
    emptied = Tally(tally.listings, tally.listings, tally.listings, tally.units + units_min)
    wanted = share < 100 and tally.listings >= listings_min
    assert (reason(emptied, limits) is not None) == wanted
    assert reason(emptied, Limits(share, listings_min, units_min, enabled=False)) is None


@pytest.mark.parametrize(
    ("levels", "tally"),
    [
        ([(10, 10)], Tally(1, 0, 0, 0)),
        ([(10, 7)], Tally(1, 1, 0, 3)),
        ([(10, 0)], Tally(1, 1, 1, 10)),
        ([(0, 4)], Tally(1, 1, 0, 4)),
        ([(None, 0)], Tally(1, 0, 0, 0)),  # never read or written
        ([(None, 90)], Tally(1, 0, 0, 0)),
        ([(10, 0), (5, 5)], Tally(1, 1, 0, 10)),  # one of two places
        ([(10, 0), (5, 0)], Tally(1, 1, 1, 15)),
        ([(10, 0), (None, 3)], Tally(1, 1, 0, 10)),
        ([(-2, 0)], Tally(1, 1, 0, 2)),  # it was oversold and shows nothing already
        ([], Tally(1, 0, 0, 0)),
    ],
)
def test_a_listing_is_counted_once_whatever_its_places(
    levels: list[tuple[int | None, int]], tally: Tally
) -> None:
    """Goal: what changes, what is emptied, and by how much; a level nobody knows is no change."""
    assert of_listing(levels) == tally


@given(LEVELS)
def test_only_what_is_known_can_change(levels: list[tuple[int | None, int]]) -> None:
    """Goal: emptied listings change, changed ones move pieces, and unknown levels move none."""
    tally = of_listing(levels)
    assert tally.zeroing <= tally.changing <= tally.listings == 1
    assert (tally.units > 0) == (tally.changing == 1)
    assert of_listing([(None, target) for _, target in levels]) == Tally(1, 0, 0, 0)


@given(tallies())
def test_what_was_released_may_be_sent(tally: Tally) -> None:
    """Goal: a release always allows what the person was shown."""
    assert is_within(tally, tally, Limits(units_min=0))


@pytest.mark.parametrize(
    ("tally", "within"),
    [
        (Tally(300, 240, 100, 4_000), True),
        (Tally(300, 10, 0, 12), True),
        (Tally(300, 244, 104, 4_049), True),  # what was sold since
        (Tally(300, 245, 100, 4_000), False),
        (Tally(300, 240, 105, 4_000), False),
        (Tally(300, 240, 100, 4_050), False),
    ],
)
def test_a_release_allows_no_more_than_that(tally: Tally, within: bool) -> None:
    """Goal: a source that got worse after somebody looked is held anew; a few sales are no reason to ask again."""
    assert is_within(tally, Tally(300, 240, 100, 4_000), LIMITS) == within
