"""A table or view of another Postgres database as the source of stock, read without losing a row.

Rows become visible when their transaction commits, in another order than their times were taken.
So a round reads everything visible from the last safe bound on, and remembers as the next bound
only what no open transaction can still slip under (docs: sources, "Watermark reading"). Rows above
that bound come again in the next round, with the same statement as before. Each page is a
short read-only transaction of its own; nothing on the source's side waits for us between pages.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import Composed

from onhand.sources import postgres_check
from onhand.sources.base import (
    Finding,
    Page,
    Progress,
    SkuDirectory,
    SourceDown,
    SourceUnfit,
    Watermark,
)
from onhand.sources.codes import clean, fold
from onhand.sources.postgres_queries import PostgresOptions, Queries
from onhand.sources.postgres_round import Round
from onhand.sources.postgres_shape import Twins, repeated_key, twins_of
from onhand.sources.rows import RawRow, RowRules, judge

CONNECT_TIMEOUT_SECONDS = 10
LAG_SECONDS_MAX = 900
"""Age of the oldest open transaction beyond which people are told that it holds reading back."""

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class PostgresTable:
    """The source. Connects for each reading; a DSN that cannot be read raises SourceUnfit at once."""

    def __init__(self, options: PostgresOptions, name: str = "postgres") -> None:
        self.name = name
        self.meaning = options.meaning
        self._options = options
        self._queries = Queries(options)
        self._table = f"{options.relation}/{options.recipe}"
        self._rules = RowRules(options.meaning, zone=ZoneInfo(options.zone), labels=_labels(options))
        _require_dsn(options.dsn)

    async def pages(self, since: Watermark | None, known: SkuDirectory) -> AsyncGenerator[Page, None]:
        """One round, from a watermark or (None) over everything; it goes on in the middle of one.

        Always yields at least one page, whose watermark may be new although nothing changed. Raises
        SourceDown, SourceUnfit.
        """
        async with self._connected() as connection:
            round_, now, findings = await self._begin(connection, since)
            if not round_.changes_only:
                await self._require_key(connection)
            twins = await self._find_twins(connection)
            done, finished = 0, False
            while not finished:
                found = await self._fetch(connection, round_)
                done, finished = done + len(found), len(found) < self._options.page_rows
                round_ = round_.at(self._position(found[-1], round_)) if found else round_
                raws = [self._raw(row, twins, now) for row in found]
                judged = await judge(raws, self._rules, known, now)
                yield Page(
                    judged.rows,
                    judged.bad_rows,
                    round_.watermark(finished),
                    Progress(done, done if finished else None),
                    judged.notices,
                    findings,
                )
                findings = ()

    async def check(self) -> list[Finding]:
        """Whether it can be reached, has the columns, and can be read without losing rows."""
        try:
            async with self._connected() as connection, _translated(self._options.relation):
                return await postgres_check.findings(connection, self._queries)
        except (SourceDown, SourceUnfit) as error:
            return [Finding(self._options.relation, False, error.said, error.advice)]

    async def aclose(self) -> None:
        """Nothing is kept open between two readings."""

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        async with _translated(self._options.relation):
            connection = await psycopg.AsyncConnection.connect(
                self._options.dsn,
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                application_name="onhand source",
                # A pooler in front may give each transaction another connection.
                prepare_threshold=None,
            )
            await connection.set_read_only(True)
        try:
            yield connection
        finally:
            await connection.close()

    async def _rows(
        self,
        connection: Connection,
        statement: Composed,
        given: Sequence[str] | Mapping[str, str | None] = (),
    ) -> list[tuple[Any, ...]]:
        """All rows of one statement, in a read-only transaction of its own."""
        async with _translated(self._options.relation), connection.transaction():
            await connection.execute(self._queries.session())
            cursor = await connection.execute(statement, given)
            return await cursor.fetchall()

    async def _begin(
        self, connection: Connection, since: Watermark | None
    ) -> tuple[Round, datetime, tuple[Finding, ...]]:
        fits = since is not None and since.get("table") == self._table
        before = since["upper"] if since is not None and fits else None
        bounds = (await self._rows(connection, self._queries.bounds(), {"before": before}))[0]
        now = datetime.fromisoformat(bounds[0]).astimezone(UTC)
        findings = _lag(self._options.relation, bounds[4], now)
        if since is not None and (resumed := Round.resumed(since, self._table)) and not bounds[5]:
            return resumed, now, findings
        if since is not None and (not fits or bounds[5]):
            findings = (*findings, _read_in_full(self._options.relation, fits))
            upper = (await self._rows(connection, self._queries.bounds(), {"before": None}))[0][3]
            return Round(self._table, "", bounds[2], upper), now, findings
        return Round(self._table, bounds[1] or "", bounds[2], bounds[3]), now, findings

    async def _find_twins(self, connection: Connection) -> Twins:
        found = await self._rows(connection, self._queries.twins())
        return twins_of(found, self._options.relation)

    async def _require_key(self, connection: Connection) -> None:
        for repeated in await self._rows(connection, self._queries.repeated_key()):
            raise repeated_key(self._options.relation, self._options.key_columns, repeated)

    async def _fetch(self, connection: Connection, round_: Round) -> list[tuple[Any, ...]]:
        statement = self._queries.page(changes_only=round_.changes_only, resumed=bool(round_.position))
        return await self._rows(connection, statement, round_.parameters())

    def _position(self, row: tuple[Any, ...], round_: Round) -> tuple[str, ...]:
        return row[-len(self._queries.position(round_.changes_only)) :]

    def _raw(self, row: tuple[Any, ...], twins: Twins, now: datetime) -> RawRow:
        options = self._options
        width = len(options.key_columns)
        sku, location, quantity, updated_at = row[width : width + 4]
        origin = f"{options.relation} key ({', '.join(str(key) for key in row[:width])})"
        cells = {"sku": sku, "location": location, "quantity": quantity, "updated_at": updated_at}
        raw = ", ".join(f"{name}={value}" for name, value in cells.items() if value is not None)
        place = options.location if options.location_column is None else location or ""
        twin = twins.get((fold(sku or ""), clean(location or "")))
        if twin is not None:
            return RawRow(origin, raw, refusal=twin)
        as_of = now if options.updated_at_column is None else updated_at or ""
        return RawRow(origin, raw, sku or "", place, quantity, as_of)


@asynccontextmanager
async def _translated(relation: str) -> AsyncIterator[None]:
    """Raise psycopg's errors as ours: what waiting may mend, and what only a person can."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise SourceDown(f"{relation} cannot be read now: {_said(error)}.") from error
    except psycopg.Error as error:
        advice = "Compare the configured names with the database, and the rights of the user it is read as."
        raise SourceUnfit(f"{relation} cannot be read as configured: {_said(error)}.", advice) from error


def _said(error: psycopg.Error) -> str:
    # Without the server's own words (no connection) the text of the exception says why.
    return " ".join((error.diag.message_primary or str(error)).split())[:500].rstrip(".")


def _require_dsn(dsn: str) -> None:
    try:
        conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        # The original error repeats parts of the DSN, and so perhaps of its password.
        raise SourceUnfit(
            "the source's DSN is not a connection string.", "Write it as postgresql://user@host:5432/name."
        ) from None


def _labels(options: PostgresOptions) -> dict[str, str]:
    names = {
        "sku": options.sku_column,
        "location": options.location_column or "",
        "quantity": options.quantity_column,
        "as_of": options.updated_at_column or "",
    }
    return {field: f'column "{name}"' for field, name in names.items() if name}


def _lag(relation: str, oldest: str | None, now: datetime) -> tuple[Finding, ...]:
    if oldest is None:
        return ()
    age = (now - datetime.fromisoformat(oldest)).total_seconds()
    if age <= LAG_SECONDS_MAX:
        return ()
    said = f"a transaction open since {oldest} ({age / 60:,.0f} minutes) holds the reading back"
    return (Finding(relation, True, f"{said}; rows changed since then are read again in each round"),)


def _read_in_full(relation: str, fits: bool) -> Finding:
    why = "the source is behind the last reading (restored, or its clock was set back)"
    return Finding(
        relation, True, f"read in full: {why if fits else 'the configuration of the source changed'}"
    )
