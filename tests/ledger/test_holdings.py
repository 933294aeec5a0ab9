"""The ledger's bookkeeping of one level against the plain telling of it (`onhand.domain.holdings`): the same, whatever
happens, field by field.

Method: histories by chance of sales that are heard of in any order, claims, answers of every kind, lost calls and
sweeps, done to a level of a real ledger and to a record. Cancellations are the ledger's alone and left out.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import floor

import pytest

from onhand.domain import holdings
from onhand.domain.beliefs import Belief
from onhand.domain.holdings import Holding
from onhand.ledger import catalogue, levels, sharing
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.levels import LevelLearnt, Spot, Wish
from onhand.ledger.queries import query

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG_AFTER = 10.0**9
"""What a set may have undone counts no more: its two seconds are by the clock, and are tried elsewhere."""
HISTORIES, STEPS = 24, 30
CUT_OFF = 1.0

ROW = """
SELECT v.book, v.bound, v.tells, v.tells_blindly, v.undoes, v.heard, v.undone, v.unheard, v.doubtful,
       v.claimed_until IS NOT NULL, v.owed, coalesce(d.pieces, 0), coalesce(d.earlier, 0), may_show(v), may_sell(v)
  FROM level v LEFT JOIN provisional_demand d USING (listing_id, place)
"""
SALE = """
SELECT take_sales_v2(ARRAY[%s]::int[], ARRAY[%s]::text[], ARRAY[%s]::int[], ARRAY[%s]::timestamptz[])
"""


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def told(holding: Holding) -> tuple[object, ...]:
    """The record as the row tells it."""
    h = holding
    return (
        h.book, h.bound, h.tells, h.tells_blindly, h.undoes, h.heard, h.undone, h.unheard, h.doubtful,
        h.claimed, h.owed, h.provisional, h.earlier, holdings.may_show(h), holdings.may_sell(h, LONG_AFTER),
    )  # fmt: skip


@dataclass
class Twins:
    """A level of a real ledger, and a record of it; both are told the same."""

    pool: Pool
    spot: Spot
    chance: random.Random
    holding: Holding = field(default_factory=lambda: Holding(None))
    belief: Belief[float] = field(default_factory=lambda: Belief(None))
    now: float = 0.0
    steps: list[str] = field(default_factory=list)

    async def run(self, steps: int) -> None:
        """A history: after every step both say the same."""
        for _ in range(steps):
            self.now += self.chance.choice([0.25, 0.5, 1.0, 3.0])
            names = ["sale", "sale", "sale", "sweep"] + ["answer" if self.holding.claimed else "claim"] * 4
            step = self.chance.choice(names)
            await {"sale": self.sale, "sweep": self.sweep, "answer": self.answer, "claim": self.claim}[step]()
            assert await self.row() == told(self.holding), "\n".join(self.steps)

    async def row(self) -> tuple[object, ...]:
        async with self.pool.connection() as connection:
            row = await (await connection.execute(ROW)).fetchone()
        assert row is not None
        return row

    async def sale(self) -> None:
        """Heard of within three seconds, and of no moment but a whole second."""
        pieces, moment = self.chance.randint(1, 2), floor(self.now - self.chance.uniform(0, 3))
        self.steps.append(f"{self.now}: {pieces} sold at {moment}")
        async with self.pool.connection() as connection:
            await connection.execute(SALE, (*self.spot, pieces, at(moment)))
            await connection.execute("UPDATE level SET paced_at = %s", (at(self.now),))
        self.holding = holdings.with_sale(self.holding, pieces, moment, self.now)

    async def claim(self) -> None:
        tells = self.chance.choice([None, self.chance.randint(0, 20)])
        blind, owed = (
            tells is not None and self.chance.random() < 0.6,
            tells is not None and self.chance.random() < 0.3,
        )
        undoes = self.chance.randint(0, 5) if blind else 0
        self.steps.append(f"{self.now}: claimed for {tells}, blind {blind}, undoes {undoes}, owed {owed}")
        self.belief = Belief(self.holding.book)
        await levels.claim(
            self.pool, "web", [self.spot], [self.spot[0]], siblings=False, claim=1, seconds=600,
            wishes={self.spot: Wish(tells, blind=blind, unshared=False)},
        )  # fmt: skip
        if tells is not None:
            await self._announce(tells, blind=blind, undoes=undoes, owed=owed)
        self.holding = holdings.claimed(self.holding, tells, blind=blind, undoes=undoes, owed=owed)

    async def _announce(self, tells: int, *, blind: bool, undoes: int, owed: bool) -> None:
        named = {
            "listings": [self.spot[0]], "places": [self.spot[1]], "most": [tells], "blind": [blind],
            "undoes": [undoes], "owed": [owed], "claim": 1,
        }  # fmt: skip
        async with self.pool.connection() as connection:
            await connection.execute(query("announce_levels"), named)

    async def answer(self) -> None:
        """A look or not, then a call that was answered or not; or nothing at all."""
        belief, tells, asked = self.belief, self.holding.tells, self.now - 0.25 - CUT_OFF
        in_flight = self.chance.random() < 0.2
        if tells is None or self.chance.random() < 0.3:
            most = self.chance.randint(0, 20) if belief.expected is None else belief.expected
            belief.read(most - self.chance.randint(0, 4), asked)  # never more: that would be put back
        if tells is not None and self.holding.tells_blindly:
            belief.written(tells, self.chance.choice([None, tells]), asked, blind=True)
        elif tells is not None and belief.expected is not None:
            belief.written(tells, tells - self.chance.randint(0, 3), asked, blind=False)
        self.steps.append(f"{self.now}: {belief}, in flight {in_flight}")
        learnt = LevelLearnt(
            *self.spot,
            expected=None if in_flight else belief.expected,
            seen=None if in_flight else belief.seen,
            shortfall=belief.shortfall,
            surplus=belief.surplus,
            blind=belief.blind,
            location="leeds",
            looked=belief.found,
            asked=None if belief.asked is None else at(belief.asked),
        )
        async with self.pool.connection() as connection:
            booking = await levels.book(connection, [learnt], at(self.now), 1)
        booked = holdings.booked(self.holding, belief, self.now, in_flight=in_flight)
        assert (booking.learnt > 0, booking.overtaken != ()) == (booked.taught, booked.in_doubt), self.steps
        assert (booking.owed != ()) == (booked.freed and booked.holding.owed), self.steps
        self.holding = booked.holding

    async def sweep(self) -> None:
        began_at, disproved = self.now - self.chance.choice([0.0, 2.0]), self.chance.random() < 0.5
        self.steps.append(f"{self.now}: swept from {began_at}, disproved {disproved}")
        await sharing.forget_unheard(self.pool, "web", at(began_at))
        if disproved:
            async with self.pool.connection() as connection:
                named = {"channel": "web", "before": datetime.now(UTC)}
                await connection.execute(query("drop_disproved"), named)
        self.holding = holdings.swept(self.holding, began_at, disproved=disproved)


@pytest.fixture
async def twins(shop: Pool) -> Twins:
    """A level of which nobody knows anything yet."""
    await catalogue.save_listings(shop, "web", [NewListing("A", "web-A", "A")], [""])
    ((listing, _),) = await levels.listings_of_sku(shop, "A", "web")
    return Twins(shop, (listing, ""), random.Random(0))


async def histories(twins: Twins) -> None:
    """Each goes on from where the one before has led; the seed of each is its number."""
    for seed in range(HISTORIES):
        twins.chance, twins.steps = random.Random(seed), []
        await twins.run(STEPS)


async def test_the_ledger_and_the_record_say_the_same(twins: Twins) -> None:
    """Goal: after each of 720 steps, every field, and what is told of each answer."""
    await histories(twins)


@pytest.mark.parametrize(
    "wrong",
    [
        {"claimed": lambda h, tells, **more: replace(CLAIMED(h, tells, **more), bound=h.book)},
        {"_explained": lambda h, b, seen, short: 0},
        {"_unheard": lambda h, found: h.unheard},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
async def test_a_record_that_tells_it_wrong_is_found_out(
    twins: Twins, wrong: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: the negative control; each of these is wrong in a case that comes once in a hundred steps."""
    for name, function in wrong.items():
        monkeypatch.setattr(holdings, name, function)

    with pytest.raises(AssertionError, match=r"sold at|claimed for"):
        await histories(twins)


CLAIMED = holdings.claimed
