"""Judging rows: each becomes a good row, or a bad one with its reason; the same rules for every source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from onhand.domain.counts import CountMeaning
from onhand.sources.base import BadRow, Notice, SkuDirectory, SkuFacts, StockRow
from onhand.sources.codes import clean, refuse_sku
from onhand.sources.moments import read_moment
from onhand.sources.numbers import PLAIN_MARKS, Marks, read_number, whole_units
from onhand.sources.problems import RAW_LENGTH_MAX, Problem, Refusal, message, shown

NOT_POSTED = "The row was kept in the list of refused rows and not posted."
LOCATIONS_SHOWN_MAX = 10


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as it came: `origin` for people, `raw` as text, cells not yet looked at.

    `as_of` is text to be read, or a moment that is already known. `refusal` is set where the row
    was found wanting on the way in (its shape, its twins); `superseded` where another row counts
    in its place and this one is only mentioned.
    """

    origin: str
    raw: str
    sku: str = ""
    location: str = ""
    quantity: object = None
    as_of: str | datetime = ""
    refusal: Refusal | None = None
    superseded: str = ""


@dataclass(frozen=True, slots=True)
class RowRules:
    """How a source's rows are read. `labels`: what a field is called there ({"quantity": 'column "Qty"'})."""

    meaning: CountMeaning
    marks: Marks = PLAIN_MARKS
    zone: tzinfo = UTC
    layout: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdicts on a sequence of rows, each kind in the order the rows came."""

    rows: tuple[StockRow, ...]
    bad_rows: tuple[BadRow, ...]
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class _Statement:
    """A row whose cells could be read; what remains is what the ledger knows of its SKU."""

    raw: RawRow
    sku: str
    location: str
    number: Decimal
    as_of: datetime


async def judge(raws: Sequence[RawRow], rules: RowRules, known: SkuDirectory, now: datetime) -> Judged:
    """A verdict for each row, with one look into the directory for all of them. `now`: the source's time."""
    verdicts: list[StockRow | BadRow | Notice] = []
    read = [_read(raw, rules, known.locations, now) for raw in raws]
    codes = sorted({item.sku for item in read if isinstance(item, _Statement)})
    facts = await known.look_up(codes) if codes else {}
    for raw, item in zip(raws, read, strict=True):
        if isinstance(item, _Statement):
            verdicts.extend(_verdict(item, facts.get(item.sku), rules))
        else:
            verdicts.append(_mention(raw) if raw.superseded else bad_row(raw, item, rules.labels))
    return Judged(
        rows=tuple(verdict for verdict in verdicts if isinstance(verdict, StockRow)),
        bad_rows=tuple(verdict for verdict in verdicts if isinstance(verdict, BadRow)),
        notices=tuple(verdict for verdict in verdicts if isinstance(verdict, Notice)),
    )


def bad_row(raw: RawRow, refusal: Refusal, labels: Mapping[str, str]) -> BadRow:
    """The refused row with its whole message."""
    outcome = NOT_POSTED if refusal.problem is Problem.UNKNOWN_SKU else "The row was not taken."
    text = message(raw.origin, labels.get(refusal.field, refusal.field), refusal, outcome)
    return BadRow(raw.origin, raw.raw[:RAW_LENGTH_MAX], refusal.problem, text)


def _mention(raw: RawRow) -> Notice:
    return Notice(raw.origin, Problem.SUPERSEDED, f"{raw.origin}: {raw.superseded}")


def _read(raw: RawRow, rules: RowRules, locations: frozenset[str], now: datetime) -> _Statement | Refusal:
    """The row's cells, or the first thing wrong with them, from left to right as people look for it."""
    if raw.superseded:
        return Refusal(Problem.SUPERSEDED, raw.superseded)
    if raw.refusal is not None:
        return raw.refusal
    sku, location = clean(raw.sku), clean(raw.location)
    refusal = refuse_sku(sku) or _refuse_location(location, locations)
    if refusal is not None:
        return refusal
    number = read_number(raw.quantity, rules.marks)
    if isinstance(number, Refusal):
        return number
    as_of = raw.as_of
    moment = as_of if isinstance(as_of, datetime) else read_moment(as_of, rules.zone, rules.layout, now)
    if isinstance(moment, Refusal):
        return moment
    return _Statement(raw, sku, location, number, moment)


def _refuse_location(location: str, locations: frozenset[str]) -> Refusal | None:
    if location in locations:
        return None
    names = sorted(locations)
    more = ", ..." if len(names) > LOCATIONS_SHOWN_MAX else ""
    accepted = ", ".join(names[:LOCATIONS_SHOWN_MAX]) + more
    given = f"{shown(location)} is not a known location" if location else "the location is blank"
    return Refusal(Problem.UNKNOWN_LOCATION, f"{given}; known are {accepted}.", "location")


def _verdict(
    statement: _Statement, facts: SkuFacts | None, rules: RowRules
) -> list[StockRow | BadRow | Notice]:
    units = _units(statement, facts)
    if isinstance(units, Refusal):
        return [bad_row(statement.raw, units, rules.labels)]
    row = StockRow(
        statement.sku, statement.location, units, rules.meaning, statement.as_of, statement.raw.origin
    )
    return [row, _negative(row, rules.labels)] if units < 0 else [row]


def _units(statement: _Statement, facts: SkuFacts | None) -> int | Refusal:
    if facts is None:
        return Refusal(
            Problem.UNKNOWN_SKU,
            f"SKU {shown(statement.sku)} is not in the catalogue; import it, and the next run posts it.",
            "sku",
        )
    units = whole_units(statement.number, facts.fraction)
    # Zero is what a discontinued SKU should come to; any other number would offer it for sale again.
    if isinstance(units, int) and units != 0 and facts.status == "discontinued":
        return Refusal(
            Problem.DISCONTINUED_SKU,
            f"SKU {shown(statement.sku)} is discontinued, and {units:,} is not 0, "
            "the only number it may have; set its catalogue row to active to sell it again.",
            "sku",
        )
    return units


def _negative(row: StockRow, labels: Mapping[str, str]) -> Notice:
    why = Refusal(Problem.NEGATIVE, f"{row.quantity:,} is negative.")
    outcome = "The row was taken: the ledger keeps it as the truth, and channels show 0 until stock is back."
    text = message(row.origin, labels.get("quantity", "quantity"), why, outcome)
    return Notice(row.origin, Problem.NEGATIVE, text)
