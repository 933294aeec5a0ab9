"""The books of levels, by exact cases: sales and answers move them, claims guard them.

The listing of A on `web` is believed to show 100 when each test begins.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from onhand.ledger import catalogue, levels, orders
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.levels import LevelLearnt, Spot
from onhand.ledger.queries import query

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE, AFTER = NOON - timedelta(seconds=1), NOON + timedelta(seconds=1)


@dataclass(frozen=True)
class Book:
    """The level's row as far as beliefs go, and the pieces of provisional demand at it."""

    book: int | None
    heard: int = 0
    claimed: bool = False
    provisional: int = 0


@dataclass(frozen=True)
class Shelf:
    """One level of a real ledger, with short words for what happens to it."""

    pool: Pool
    spot: Spot

    async def sold(self, *pieces: int, moment: datetime = AFTER) -> int:
        """Sales heard in one batch; answers the pieces that a blind write had given back."""
        return await self.sold_at(*((each, moment) for each in pieces))

    async def sold_at(self, *sales: tuple[int, datetime], since: datetime | None = None) -> int:
        named = {
            "listings": [self.spot[0]] * len(sales),
            "places": [self.spot[1]] * len(sales),
            "pieces": [pieces for pieces, _ in sales],
            "moments": [moment for _, moment in sales],
            "sinces": [since for _ in sales],
        }
        async with self.pool.connection() as connection:
            row = await (await connection.execute(query("take_sales"), named)).fetchone()
            assert row is not None
            return int(row[0])

    async def claim(self, number: int = 1, seconds: float = 60) -> dict[Spot, int | None]:
        claimed, _ = await levels.claim(
            self.pool, "web", [self.spot], [self.spot[0]], siblings=False, claim=number, seconds=seconds
        )
        return claimed

    async def answered(
        self,
        expected: int | None,
        seen: int | None = None,
        shortfall: int | None = 0,
        *,
        blind: bool = False,
        surplus: int = 0,
        number: int = 1,
        at: datetime = NOON,
    ) -> int:
        """Booked; answers how many levels taught something."""
        learnt = LevelLearnt(*self.spot, expected, seen, shortfall, blind, location="leeds", surplus=surplus)
        async with self.pool.connection() as connection:
            return (await levels.book(connection, [learnt], at, number)).learnt

    async def looked_at(self, shows: int, *, asked: datetime | None, at: datetime) -> tuple[int, ...]:
        """Booked that it shows so many, nothing having been believed; answers the listings to be looked at again."""
        learnt = LevelLearnt(*self.spot, shows, shows, None, location="leeds", looked=shows, asked=asked)
        async with self.pool.connection() as connection:
            return (await levels.book(connection, [learnt], at, 1)).overtaken

    async def may_sell(self) -> int:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT may_sell(v) FROM level v WHERE listing_id = %s AND place = %s", self.spot
            )
            return int((await cursor.fetchone() or (-1,))[0])

    async def read_below(self, pieces: int) -> None:
        """An answer tells of so many sales nobody told us of."""
        ((_, book),) = (await self.claim()).items()
        assert book is not None
        assert await self.answered(book, book - pieces, pieces) == 1

    async def book(self) -> Book:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(
                """SELECT v.book, v.heard, v.claimed_until IS NOT NULL, coalesce(d.pieces, 0)
                     FROM level v LEFT JOIN provisional_demand d USING (listing_id, place)
                    WHERE listing_id = %s AND place = %s""",
                self.spot,
            )
            row = await cursor.fetchone()
        assert row is not None
        return Book(*row)


async def listing_of(pool: Pool, sku: str, channel: str = "web") -> int:
    ((listing, _),) = await levels.listings_of_sku(pool, sku, channel)
    return listing


@pytest.fixture
async def shelf(shop: Pool) -> Shelf:
    await catalogue.save_listings(shop, "web", [NewListing("A", "web-A", "A")], [""])
    shelf = Shelf(shop, (await listing_of(shop, "A"), ""))
    await shelf.claim()
    await shelf.answered(100, 100)
    return shelf


async def test_a_heard_sale_lowers_the_book_and_a_cancellation_raises_it(shelf: Shelf) -> None:
    assert await shelf.sold(3) == 0
    assert await shelf.book() == Book(97)
    assert await shelf.sold(-2) == 0
    assert await shelf.book() == Book(99)
    assert await shelf.sold(4, -1, 2) == 0
    assert await shelf.book() == Book(94)


async def test_a_sale_of_a_level_nobody_knows_leaves_it_unknown(shelf: Shelf) -> None:
    await levels.forget_books(shelf.pool, [shelf.spot])
    assert await shelf.sold(3) == 0
    assert await shelf.book() == Book(None)


async def test_a_sale_before_a_blind_answer_lowers_nothing_and_is_counted(shelf: Shelf) -> None:
    """Goal: a blind set undid the sale, so the level still shows what was set; a sale at its moment counts as after."""
    await shelf.claim()
    await shelf.answered(50, 50, blind=True, at=NOON)
    assert await shelf.sold(3, moment=BEFORE) == 3
    assert await shelf.book() == Book(50)
    assert await shelf.sold(2, moment=NOON) == 0
    assert await shelf.book() == Book(48)
    assert await shelf.sold_at((4, BEFORE), (5, AFTER)) == 4
    assert await shelf.book() == Book(43)
    assert await shelf.sold(-3, moment=BEFORE) == 0, "what was put back before it, the set undid likewise"
    assert await shelf.book() == Book(43)


async def test_an_answer_below_what_was_expected_teaches_and_the_order_replaces_it(shelf: Shelf) -> None:
    await shelf.read_below(3)
    assert await shelf.book() == Book(97, provisional=3)
    assert await shelf.sold(3) == 0
    assert await shelf.book() == Book(97), "the answer had told of it already"


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([[1]], Book(95, provisional=4)),
        ([[1], [1], [1]], Book(95, provisional=2)),
        ([[1, 1, 1]], Book(95, provisional=2)),
        ([[2], [3]], Book(95)),
        ([[2, 3]], Book(95)),
        ([[7]], Book(93)),
        ([[4], [4]], Book(92)),
        ([[4, 4]], Book(92)),
        ([[-2]], Book(97, provisional=5)),
        ([[-2], [5]], Book(97)),
        ([[5], [-2]], Book(97)),
        ([[5, -2]], Book(97)),
    ],
)
async def test_orders_replace_five_provisional_pieces(
    shelf: Shelf, batches: Sequence[Sequence[int]], expected: Book
) -> None:
    """Goal: in part, across several orders, and however they fall into batches; pieces put back replace nothing."""
    await shelf.read_below(5)
    for batch in batches:
        assert await shelf.sold(*batch) == 0
    assert await shelf.book() == expected


async def test_two_answers_add_up_to_one_demand(shelf: Shelf) -> None:
    await shelf.read_below(3)
    await shelf.read_below(2)
    assert await shelf.book() == Book(95, provisional=5)


async def test_a_blind_set_that_knew_of_a_sale_did_not_give_it_back(shelf: Shelf) -> None:
    """Goal: a sale that was read, and then taken off what was set, is replaced by its order and not counted again."""
    await shelf.read_below(3)
    await shelf.claim()
    await shelf.answered(97, 97, blind=True, at=NOON)
    assert await shelf.sold_at((3, BEFORE), (1, BEFORE), (2, AFTER)) == 1
    assert await shelf.book() == Book(95)


async def test_a_cancellation_from_before_a_blind_set_hides_no_sale_after_it(shelf: Shelf) -> None:
    await shelf.claim()
    await shelf.answered(100, 100, blind=True, at=NOON)
    await shelf.read_below(3)
    assert await shelf.sold_at((-2, BEFORE), (5, AFTER)) == 0
    assert await shelf.book() == Book(95), "three of the five were expected, two are news"


@pytest.mark.parametrize(
    ("heard", "seen", "shortfall", "expected"),
    [
        (0, 100, 0, Book(100)),
        (3, 97, 3, Book(97)),  # in the statement
        (3, 100, 0, Book(97)),  # not in it: made after it
        (3, 98, 2, Book(97)),  # in part
        (3, 95, 5, Book(95, provisional=2)),  # more than was heard
        (3, 103, None, Book(103)),  # above what was expected: nobody can tell
        (3, None, 0, Book(97)),  # it stated nothing
        (-2, 100, 0, Book(102)),  # put back, not in the statement
        (-2, 97, 3, Book(99, provisional=3)),
        (-2, 102, None, Book(102)),  # in it
    ],
)
async def test_what_is_heard_while_claimed(
    shelf: Shelf, heard: int, seen: int | None, shortfall: int | None, expected: Book
) -> None:
    """Goal: an answer and what was heard meanwhile are each counted once."""
    await shelf.claim()
    if heard:
        assert await shelf.sold(heard) == 0
    assert await shelf.book() == Book(None, heard, claimed=True)
    assert await shelf.answered(100, seen, shortfall) == (expected.provisional > 0)
    assert await shelf.book() == expected


async def test_what_is_heard_during_a_blind_set_was_given_back(shelf: Shelf) -> None:
    await shelf.claim()
    await shelf.sold(3, moment=BEFORE)
    await shelf.answered(80, 80, blind=True, at=NOON)
    assert await shelf.book() == Book(80)


async def test_an_order_heard_while_claimed_replaces_what_was_learnt_before(shelf: Shelf) -> None:
    """Goal: the claim's own expectation had it in already, so it is no news to the answer either."""
    await shelf.read_below(3)
    await shelf.claim()
    assert await shelf.sold(5) == 0
    assert await shelf.book() == Book(None, heard=2, claimed=True)
    assert await shelf.answered(97, 95, 2) == 0
    assert await shelf.book() == Book(95)


async def test_a_claim_is_exclusive_and_believed_by_nobody(shelf: Shelf) -> None:
    assert await shelf.claim(1) == {shelf.spot: 100}
    assert await shelf.claim(2) == {}
    assert await shelf.book() == Book(None, claimed=True)
    await shelf.answered(90, 90, number=1)
    assert await shelf.claim(2) == {shelf.spot: 90}


async def test_of_many_claims_at_once_one_is_answered(shelf: Shelf) -> None:
    answers = await asyncio.gather(*(shelf.claim(n) for n in range(1, 13)))
    assert sorted(map(len, answers)) == [0] * 11 + [1]


async def test_a_claim_expires_and_leaves_nothing_believed(shelf: Shelf) -> None:
    """Goal: what a killed process held is taken up by others, who know that they know nothing."""
    await shelf.claim(1, seconds=0.05)
    await asyncio.sleep(0.06)
    assert await shelf.claim(2) == {shelf.spot: None}


async def test_a_call_whose_fate_is_unknown_leaves_nothing_believed(shelf: Shelf) -> None:
    await shelf.claim()
    await shelf.sold(2)
    await shelf.answered(None, None, None)
    assert await shelf.book() == Book(None)
    assert await shelf.claim(2) == {shelf.spot: None}


async def test_a_claim_is_renewed_by_its_holder_while_it_runs(shelf: Shelf) -> None:
    await shelf.claim(1, seconds=0.05)
    await levels.renew_claims(shelf.pool, [shelf.spot], 1, 60)
    await asyncio.sleep(0.06)
    assert await shelf.claim(2) == {}


async def test_a_claim_is_not_renewed_by_others_nor_once_it_ran_out(shelf: Shelf) -> None:
    await shelf.claim(1, seconds=0.05)
    await levels.renew_claims(shelf.pool, [shelf.spot], 2, 60)
    await asyncio.sleep(0.06)
    await levels.renew_claims(shelf.pool, [shelf.spot], 1, 60)
    assert await shelf.claim(3) == {shelf.spot: None}


async def test_an_answer_after_its_claim_ran_out_still_counts_what_was_heard(shelf: Shelf) -> None:
    await shelf.claim(1, seconds=0.05)
    await asyncio.sleep(0.06)
    await shelf.sold(3)
    await shelf.answered(100, 100)
    assert await shelf.book() == Book(97)


async def test_an_answer_whose_claim_was_taken_by_others_is_believed_by_nobody(shelf: Shelf) -> None:
    """Goal: of two writes that crossed nobody knows which came last; neither booking hides that."""
    await shelf.claim(1, seconds=0.05)
    await asyncio.sleep(0.06)
    await shelf.claim(2)
    assert await shelf.answered(90, 90, 5, number=1) == 0
    assert await shelf.book() == Book(None, claimed=True), "the second still holds it"
    assert await shelf.claim(3) == {}
    assert await shelf.answered(80, 80, number=2) == 0
    assert (await shelf.book()).book is None


async def test_an_answer_that_comes_after_the_next_holder_was_done_unsettles_it(shelf: Shelf) -> None:
    await shelf.claim(1, seconds=0.05)
    await asyncio.sleep(0.06)
    await shelf.claim(2)
    await shelf.answered(80, 80, number=2)
    assert await shelf.book() == Book(80)
    await shelf.answered(90, 90, number=1)
    assert await shelf.book() == Book(None)
    assert await shelf.claim(3) == {shelf.spot: None}


async def test_demand_that_no_order_came_for_is_dropped_and_the_fresh_is_kept(shelf: Shelf) -> None:
    """Goal: only what was learnt before the moment is disproved; what was added since makes all of it young."""
    await shelf.read_below(3)
    learnt = datetime.now(UTC)
    await shelf.read_below(1)
    assert await orders.drop_disproved(shelf.pool, "web", learnt) == ([], set())
    assert await shelf.book() == Book(96, provisional=4)
    assert await orders.drop_disproved(shelf.pool, "store", datetime.now(UTC)) == ([], set())
    assert await orders.drop_disproved(shelf.pool, "web", datetime.now(UTC)) == ([("A", "", 4)], {"web"})
    assert await shelf.book() == Book(96)


async def test_pieces_seen_to_be_back_raise_no_book_again_when_the_cancellation_comes(shelf: Shelf) -> None:
    """Goal: a put-back that an answer showed first counts once, also where it comes in two parts."""
    await shelf.claim()
    await shelf.answered(100, 103, None, surplus=3)
    assert await shelf.book() == Book(103)

    await shelf.sold(-2)
    assert await shelf.book() == Book(103)
    await shelf.sold(-2)

    assert await shelf.book() == Book(104)


async def test_a_sale_and_its_cancellation_that_nobody_heard_of_leave_nothing(shelf: Shelf) -> None:
    """Goal: what was learnt of an order that was taken back before it was heard is gone with it."""
    await shelf.read_below(2)
    assert await shelf.book() == Book(98, provisional=2)
    await shelf.claim()
    await shelf.answered(98, 100, None, surplus=2)

    assert await shelf.book() == Book(100)
    await shelf.sold(1)
    assert await shelf.book() == Book(99)


async def test_a_blind_write_makes_pieces_put_back_before_it_nothing(shelf: Shelf) -> None:
    await shelf.claim()
    await shelf.answered(100, 103, None, surplus=3)
    await shelf.claim()
    await shelf.answered(90, 90, blind=True)

    await shelf.sold(-1)

    assert await shelf.book() == Book(91)


async def test_a_look_makes_pieces_put_back_before_it_nothing(shelf: Shelf) -> None:
    """Goal: their cancellation raises nothing, since what was seen has them, and takes no later sale away.

    Otherwise one of three sales that an answer tells of would count as cancelled, and its unit be on show twice.
    """
    await shelf.claim()
    await shelf.answered(100, 101, None, surplus=1)
    await levels.forget_books(shelf.pool, [shelf.spot])
    await shelf.claim()
    await shelf.looked_at(101, asked=BEFORE, at=NOON)
    await shelf.sold(-1, moment=LONG_BEFORE)
    assert await shelf.book() == Book(101)

    await shelf.read_below(3)

    assert await shelf.book() == Book(98, provisional=3)


async def test_a_sale_after_a_blind_set_does_not_replace_what_was_learnt_before_it(shelf: Shelf) -> None:
    """Goal: what was sold before the set is still to be heard of, and stays off the pool, whatever is sold after it."""
    await shelf.read_below(3)
    await shelf.claim()
    await shelf.answered(97, 97, blind=True, at=NOON)

    assert await shelf.sold(2, moment=AFTER) == 0
    assert await shelf.book() == Book(95, provisional=3)
    assert await shelf.sold(3, moment=BEFORE) == 0
    assert await shelf.book() == Book(95)


async def test_what_is_learnt_before_and_after_a_blind_set_is_replaced_by_the_sales_of_each(
    shelf: Shelf,
) -> None:
    """Goal: the same where the set's own errand had learnt of it, and where more is learnt after it."""
    await shelf.claim()
    await shelf.answered(97, 97, 3, blind=True, at=NOON)
    await shelf.read_below(2)
    assert await shelf.book() == Book(95, provisional=5)

    assert await shelf.sold(4, moment=AFTER) == 0
    assert await shelf.book() == Book(93, provisional=3), "two of the four were learnt of"
    assert await shelf.sold_at((4, BEFORE)) == 1
    assert await shelf.book() == Book(93)


async def test_a_sale_before_a_level_nobody_knew_was_read_is_in_what_was_read(shelf: Shelf) -> None:
    """Goal: it lowers nothing, and was not given back by anybody."""
    await levels.forget_books(shelf.pool, [shelf.spot])
    await shelf.claim()
    await shelf.answered(97, 97, None, at=NOON)

    assert await shelf.sold_at((3, BEFORE), (1, AFTER)) == 0
    assert await shelf.book() == Book(96)


async def test_a_blind_set_after_a_first_look_gives_back_what_was_sold_before_it(shelf: Shelf) -> None:
    """Goal: the later of the two decides what lowers the book, the set alone what was given back."""
    await shelf.claim()
    await shelf.answered(90, 90, blind=True, at=NOON)
    await levels.forget_books(shelf.pool, [shelf.spot])
    await shelf.claim()
    await shelf.answered(88, 88, None, at=AFTER)

    assert await shelf.sold_at((1, BEFORE), (2, NOON), (4, AFTER)) == 1
    assert await shelf.book() == Book(84)


DURING = NOON - timedelta(milliseconds=500)
"""Between the moment a level was asked for (BEFORE) and the one at which what it shows was written down."""
LONG_BEFORE = BEFORE - timedelta(seconds=1)


@pytest.fixture
async def looked(shelf: Shelf) -> Shelf:
    """The level was lost sight of; then it showed 96, and four pieces may be sold of which nobody heard."""
    await levels.forget_books(shelf.pool, [shelf.spot])
    await shelf.claim()
    assert await shelf.looked_at(96, asked=BEFORE, at=NOON) == ()
    assert (await shelf.book(), await shelf.may_sell()) == (Book(96), 100)
    return shelf


@pytest.mark.parametrize(
    ("moment", "book"), [(LONG_BEFORE, 96), (BEFORE, None), (DURING, None), (NOON, 95), (AFTER, 95)]
)
async def test_of_a_sale_made_during_a_look_nobody_can_tell_whether_it_is_in_it(
    looked: Shelf, moment: datetime, book: int | None
) -> None:
    """Goal: such a level is believed by nobody, and may sell one fewer, as after any sale."""
    assert await looked.sold(1, moment=moment) == 0
    assert (await looked.book(), await looked.may_sell()) == (Book(book), 99)


@pytest.mark.parametrize("shows", [96, 95])
async def test_the_next_look_tells(looked: Shelf, shows: int) -> None:
    """Goal: exact, whether the sale was made before the first look or after it, and counted once."""
    await looked.sold(1, moment=DURING)
    await looked.claim()
    assert await looked.looked_at(shows, asked=AFTER, at=AFTER) == ()
    assert (await looked.book(), await looked.may_sell()) == (Book(shows), 99)


async def test_what_is_put_back_during_a_look_may_be_on_show_beyond_it(looked: Shelf) -> None:
    """Goal: others are never given what it may show."""
    await looked.sold(-2, moment=DURING)
    assert (await looked.book(), await looked.may_sell()) == (Book(None), 102)


@pytest.mark.parametrize(
    ("moment", "book"), [(LONG_BEFORE, 96), (BEFORE, None), (DURING, None), (AFTER, None)]
)
async def test_a_sale_that_is_heard_of_during_a_look(
    shelf: Shelf, moment: datetime, book: int | None
) -> None:
    """Goal: the same where it is heard of before the answer is booked, which has the level looked at again."""
    await levels.forget_books(shelf.pool, [shelf.spot])
    await shelf.claim()
    await shelf.sold(1, moment=moment)
    again = () if book else (shelf.spot[0],)
    assert await shelf.looked_at(96, asked=BEFORE, at=NOON) == again
    assert (await shelf.book(), await shelf.may_sell()) == (Book(book), 99)


async def test_a_sale_that_was_heard_of_before_a_look_is_in_it(shelf: Shelf) -> None:
    """Goal: also where its moment, as platforms tell it, does not show that."""
    await levels.forget_books(shelf.pool, [shelf.spot])
    await shelf.claim()
    await shelf.sold(1, moment=DURING)
    await shelf.answered(None, None, None)
    await shelf.claim()
    assert await shelf.looked_at(96, asked=BEFORE, at=NOON) == ()
    assert await shelf.book() == Book(96)


async def test_a_sale_made_during_a_look_is_heard_of_while_nothing_is_said(looked: Shelf) -> None:
    """Goal: an errand that claimed the level and found nothing to tell does not hide that nobody knows."""
    await looked.claim()
    await looked.sold(1, moment=DURING)
    await looked.answered(96)
    assert (await looked.book(), await looked.may_sell()) == (Book(None), 99)


@pytest.mark.parametrize("heard_before", [True, False])
async def test_the_next_statement_settles_what_the_look_left_open(looked: Shelf, heard_before: bool) -> None:
    """Goal: what was sold while it was looked at is in what the channel states after that, whenever it is heard of."""
    await looked.claim()
    if heard_before:
        await looked.sold(1, moment=DURING)
    await looked.answered(50, 50)
    if not heard_before:
        await looked.sold(1, moment=DURING)
    assert await looked.book() == Book(50)


@pytest.mark.parametrize(
    ("pieces", "since", "book", "may_sell"),
    [
        (-4, BEFORE, None, 94),
        (-4, NOON, 94, 94),
        (-4, None, 94, 94),
        (4, BEFORE, None, 90),
        (4, NOON, 86, 86),
    ],
)
async def test_a_change_from_before_or_after_a_set_leaves_the_level_to_be_looked_at(
    shelf: Shelf, pieces: int, since: datetime | None, book: int | None, may_sell: int
) -> None:
    """Goal: an order tells late of an earlier change: whether the set of noon to 90 undid that, nobody knows. Such a
    level is believed by nobody, and may show the more of the two.
    """
    await shelf.claim()
    await shelf.answered(90, 90, None, blind=True, at=NOON)

    await shelf.sold_at((pieces, AFTER), since=since)

    assert (await shelf.book(), await shelf.may_sell()) == (Book(book), may_sell)


async def test_what_was_never_set_since_shows_whatever_its_channel_did(shelf: Shelf) -> None:
    """Goal: no look where no moment matters."""
    await shelf.sold_at((-4, AFTER), since=BEFORE)
    assert (await shelf.book(), await shelf.may_sell()) == (Book(104), 104)
