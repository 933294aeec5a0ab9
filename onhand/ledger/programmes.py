"""Wholesale programmes in the ledger: made, begun, kept stocked, released, and looked at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from onhand.domain import programmes
from onhand.domain.programmes import Line, ProgrammeRefusedError, Shelf, Terms
from onhand.ledger.database import Connection, Pool, fetched, one_statement
from onhand.ledger.drawing import keep_lines, lines_of, note_drawing
from onhand.ledger.posting import Verdict, kits_among, post_events_on
from onhand.ledger.queries import query

BY_ITSELF = "its end"
"""Who ended a programme whose time was over."""


@dataclass(frozen=True, slots=True)
class Programme:
    """One programme. `began_at` None: it has not begun; `ended_at` None: it is not over."""

    number: int
    terms: Terms
    created_by: str
    began_at: datetime | None
    ended_at: datetime | None
    ended_by: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """What was done about one programme: units that were reserved and given back, and whether it began or ended."""

    name: str
    reserved: int = 0
    released: int = 0
    began: bool = False
    ended: bool = False


@dataclass(frozen=True, slots=True)
class KeptOfSku:
    """What one programme that is not over keeps of a SKU at a location, in units."""

    programme: str
    partner: str
    starts_at: datetime
    ends_at: datetime
    location: str
    units: int
    drawn: int
    reserved: int


@dataclass(frozen=True, slots=True)
class Prospect:
    """A line of a programme that is not over: what is available of it, and what comes in before its end, in units."""

    number: int
    terms: Terms
    line: Line
    available: int
    incoming: int


@dataclass(frozen=True, slots=True)
class Warned:
    """What people are to be told of a line, and what they know of it already: units short, and units beyond it."""

    programme: str
    shelf: Shelf
    known_short: int
    known_beyond: int


async def create(pool: Pool, terms: Terms, lines: Sequence[Line], by: str) -> None:
    """Write a programme down.

    Raises ProgrammeRefusedError where its name is taken, a shelf is unknown, or kept for the partner already.
    """
    named = {
        "skus": [line.sku for line in lines],
        "locations": [line.location for line in lines],
        "units": [line.units for line in lines],
    }
    period = {"partner": terms.partner, "starts": terms.starts_at, "ends": terms.ends_at}
    async with pool.connection() as connection:
        await connection.execute(query("serialise_partner"), period)
        rival = await (await connection.execute(query("programme_rivals"), named | period)).fetchone()
        if rival is not None:
            raise ProgrammeRefusedError(
                f"{rival[0]} at {rival[1]} is kept for {terms.partner} by {rival[2]} in that time already, and an "
                f"order could not tell on which it draws; choose another period, or close {rival[2]}"
            )
        made = await connection.execute(
            query("make_programme"), period | {"name": terms.name, "beyond": terms.beyond.value, "by": by}
        )
        row = await made.fetchone()
        if row is None:
            raise ProgrammeRefusedError(f"there is a programme {terms.name} already; choose another name")
        saved = await connection.execute(query("make_programme_lines"), named | {"programme": row[0]})
        if held := await kits_among(connection, {line.sku for line in lines}):
            raise ProgrammeRefusedError(
                f"{', '.join(sorted(held))}: a kit has no stock to keep; name its components (onhand kits show)"
            )
        if saved.rowcount != len(lines):
            unknown = await connection.execute(query("unknown_names"), named)
            said = ", ".join(sorted(name for (name,) in await unknown.fetchall()))
            raise ProgrammeRefusedError(f"the ledger does not know {said}; import the catalogue first")


async def listed(pool: Pool, *, name: str | None = None, ended: bool = False) -> list[Programme]:
    """Programmes, the open ones first: all, or the one of that name; those that are over only where asked for."""
    async with pool.connection() as connection:
        cursor = await connection.execute(query("programmes"), {"name": name, "all": ended})
        rows = await cursor.fetchall()
        lines = await lines_of(connection, [row[0] for row in rows])
    return [
        Programme(number, _terms(*terms), by, began_at, ended_at, ended_by, tuple(lines.get(number, ())))
        for number, *terms, by, began_at, ended_at, ended_by in rows
    ]


async def of_sku(pool: Pool, sku: str) -> list[KeptOfSku]:
    """What is kept of a SKU, and for whom, the earliest first."""
    found = []
    for name, partner, starts_at, ends_at, location, *numbers in await fetched(
        pool, "programmes_of_sku", sku=sku
    ):
        line = Line(sku, location, *numbers)
        found.append(
            KeptOfSku(name, partner, starts_at, ends_at, location, line.units, line.drawn, line.held)
        )
    return found


async def orders_of(pool: Pool, programme: int) -> list[tuple[str, str]]:
    """(channel, order) of each order that was placed while a programme ran."""
    return [
        (channel, order) for channel, order in await fetched(pool, "programme_orders", programme=programme)
    ]


async def to_keep(pool: Pool, now: datetime) -> list[tuple[int, str]]:
    """(number, partner) of the programmes that are to begin, run, or are to end."""
    return [(number, partner) for number, partner in await fetched(pool, "programmes_to_keep", now=now)]


async def keep(
    pool: Pool, number: int, now: datetime, channels: Sequence[str], woken: set[str]
) -> Kept | None:
    """Begin a programme, reserve what has come in, or end it: whatever is due. None where it is over, or nothing was.

    `channels` are its partner's: what was sold there since it was to begin is drawn from it. The caller signals the
    publishers of `woken`.
    """
    async with pool.connection() as connection:
        for channel in sorted(channels):
            # Or an order that is being posted now would be neither here nor there.
            await connection.execute(query("serialise_orders"), {"channel": channel})
        change = await _Change.of(connection, number)
        if change is None:
            return None
        if change.terms.ends_at <= now:
            return await change.end(now, BY_ITSELF, woken)
        if not change.began:
            await change.adopt(channels)
        await change.secure()
        return await change.write(now, woken, "units for it")


async def release(
    pool: Pool, name: str, sku: str | None, units: int | None, now: datetime, woken: set[str]
) -> Kept:
    """Promise fewer units of it: of one SKU or of each, so many or all that were not taken.

    Raises ProgrammeRefusedError.
    """
    async with pool.connection() as connection:
        change = await _open(connection, name)
        if sku is not None and all(line.sku != sku for line in change.lines):
            raise ProgrammeRefusedError(f"{name} keeps no {sku}; onhand programmes show {name}")
        change.apply(
            lambda line: (
                programmes.released(line, line.units if units is None else units)
                if sku in (None, line.sku)
                else line
            )
        )
        return await change.write(now, woken, "given up for the partner") or Kept(name)


async def close(pool: Pool, name: str, by: str, now: datetime, woken: set[str]) -> Kept:
    """End it now, and release what is left. Raises ProgrammeRefusedError."""
    async with pool.connection() as connection:
        return await (await _open(connection, name)).end(now, by, woken)


async def prospects(pool: Pool, zone: str) -> list[Prospect]:
    """Every line of programmes that are not over; days are those of `zone`."""
    return [
        Prospect(
            row[0],
            _terms(row[1], row[2], row[3], row[3], row[4]),
            Line(*row[5:10]),
            int(row[10]),
            int(row[11]),
        )
        for row in await fetched(pool, "programme_prospects", zone=zone)
    ]


async def claim_warnings(pool: Pool, found: Mapping[tuple[str, Shelf], tuple[int, int]]) -> list[Warned]:
    """Of what was found of lines (units short, units beyond), what people do not know; nobody else is given it."""
    rows = await fetched(pool, "claim_programme_warnings", **_columns(found))
    return [Warned(name, (sku, location), short, beyond) for name, sku, location, short, beyond in rows]


async def unclaim_warnings(pool: Pool, warned: Sequence[Warned]) -> None:
    """Give back what `claim_warnings` gave: nobody could be told."""
    known = {(each.programme, each.shelf): (each.known_short, each.known_beyond) for each in warned}
    async with one_statement(pool) as connection:
        await connection.execute(query("unclaim_programme_warnings"), _columns(known))


def _columns(found: Mapping[tuple[str, Shelf], tuple[int, int]]) -> dict[str, list[str] | list[int]]:
    return {
        "programmes": [programme for programme, _ in found],
        "skus": [sku for _, (sku, _) in found],
        "locations": [location for _, (_, location) in found],
        "shorts": [short for short, _ in found.values()],
        "beyonds": [beyond for _, beyond in found.values()],
    }


def _terms(name: str, partner: str, starts_at: datetime, ends_at: datetime, beyond: str) -> Terms:
    return Terms(name, partner, starts_at, ends_at, programmes.Beyond(beyond))


async def _open(connection: Connection, name: str) -> "_Change":
    cursor = await connection.execute(query("programmes"), {"name": name, "all": True})
    row = await cursor.fetchone()
    if row is None:
        raise ProgrammeRefusedError(f"there is no programme {name}; onhand programmes list")
    change = await _Change.of(connection, row[0])
    if change is None:
        raise ProgrammeRefusedError(f"{name} is over; nothing is reserved for it any more")
    return change


@dataclass(slots=True)
class _Change:
    """A programme that is being changed, its row locked until the commit."""

    connection: Connection
    number: int
    terms: Terms
    began: bool
    step: int
    before: list[Line]
    lines: list[Line] = field(default_factory=list)

    @classmethod
    async def of(cls, connection: Connection, number: int) -> "_Change | None":
        """Lock one; None where it is over."""
        cursor = await connection.execute(query("lock_programme"), {"programme": number})
        row = await cursor.fetchone()
        if row is None:
            return None
        lines = (await lines_of(connection, [number])).get(number, [])
        return cls(connection, number, _terms(*row[1:6]), row[6], row[7], lines, list(lines))

    def apply(self, change: Callable[[Line], Line]) -> None:
        """Change every line of it."""
        self.lines = [change(line) for line in self.lines]

    async def adopt(self, channels: Sequence[str]) -> None:
        """Have orders that came between its beginning and now draw on it, as if it had begun in time."""
        cursor = await self.connection.execute(
            query("earlier_orders"),
            {
                "programme": self.number,
                "starts": self.terms.starts_at,
                "ends": self.terms.ends_at,
                "channels": list(channels),
            },
        )
        taken: dict[Shelf, int] = {}
        drawing: dict[str, list[tuple[str, int]]] = {}
        for channel, order, sku, location, units in await cursor.fetchall():
            taken[sku, location] = taken.get((sku, location), 0) + int(units)
            drawing.setdefault(channel, []).append((order, self.number))
        for channel, orders in drawing.items():
            await note_drawing(self.connection, channel, orders)
        self.apply(lambda line: programmes.ordered(line, taken.get(line.shelf, 0)))

    async def secure(self) -> None:
        """Reserve what is due, as far as it is there."""
        if not any(line.due for line in self.lines):
            return
        cursor = await self.connection.execute(query("lock_programme_shelves"), {"programme": self.number})
        available = {(sku, location): int(units) for sku, location, units in await cursor.fetchall()}
        self.apply(lambda line: programmes.secured(line, available.get(line.shelf, 0)))

    async def end(self, now: datetime, by: str, woken: set[str]) -> Kept:
        """Release what is left of it, for good."""
        self.apply(programmes.ended)
        kept = await self.write(now, woken, "it is over", ended_by=by)
        assert kept is not None, "an end is something that happened"
        return kept

    async def write(
        self, now: datetime, woken: set[str], reason: str, ended_by: str | None = None
    ) -> Kept | None:
        """Post what was reserved or released, and keep how it stands; None where nothing changed."""
        changes = [(a, b) for a, b in zip(self.before, self.lines, strict=True) if a != b]
        begins = not self.began and self.terms.starts_at <= now and ended_by is None
        if not changes and not begins and ended_by is None:
            return None
        event = programmes.reservation(self.terms.name, self.step + 1, changes, now, reason)
        if event is not None:
            (posted,) = await post_events_on(self.connection, [event], woken)
            assert posted.verdict is Verdict.POSTED, f"{event.source} {event.external_id}: {posted.verdict}"
            self.step += 1
        await keep_lines(self.connection, self.number, [after for _, after in changes])
        ended = ended_by is not None
        named = {
            "programme": self.number,
            "step": self.step,
            "now": now,
            "ended": ended,
            "by": ended_by or "",
        }
        if begins or ended or event is not None:
            await self.connection.execute(query("keep_programme"), named | {"begins": begins})
        more = [after.held - before.held for before, after in changes]
        return Kept(
            self.terms.name,
            sum(units for units in more if units > 0),
            -sum(units for units in more if units < 0),
            begins,
            ended,
        )
