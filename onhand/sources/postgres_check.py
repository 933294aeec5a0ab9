"""Whether a table can be read as configured without losing rows: what `check` says to an operator."""

from typing import Any

import psycopg

from onhand.sources.base import Finding
from onhand.sources.postgres_queries import Queries

_TIME_TYPES = {"timestamptz", "timestamp"}


async def findings(connection: psycopg.AsyncConnection[Any], queries: Queries) -> list[Finding]:
    """All findings; the later ones only where the columns are there. Raises psycopg's errors."""
    relation = queries.options.relation
    await connection.execute(queries.session())
    try:
        cursor = await connection.execute(queries.columns())
    except psycopg.Error as error:
        await connection.rollback()
        said = error.diag.message_primary or str(error)
        return [Finding(relation, False, said, "Correct the configured names, or grant SELECT on it.")]
    found = [_changes_column(cursor, queries)]
    found.append(await _nulls(connection, queries))
    found.append(await _keys(connection, queries))
    found.append(await _index(connection, queries))
    if queries.options.recipe == "time":
        found.append(await _sight(connection, relation))
    return found


def _changes_column(cursor: psycopg.AsyncCursor[Any], queries: Queries) -> Finding:
    """The column by which changes are found comes right after keys, SKU, location, quantity and time."""
    description = cursor.description or []
    column = description[len(queries.options.key_columns) + 4]
    found = column.type_display
    if queries.options.recipe == "xid":
        ok = found == "xid8"
        advice = "" if ok else "Declare it as xid8 DEFAULT pg_current_xact_id(), kept by a trigger."
        return Finding(f"column {column.name}", ok, f"is of type {found}", advice)
    advice = (
        ""
        if found == "timestamptz"
        else "Better timestamptz; a time without zone repeats an hour each autumn."
    )
    return Finding(f"column {column.name}", found in _TIME_TYPES, f"is of type {found}", advice)


async def _nulls(connection: psycopg.AsyncConnection[Any], queries: Queries) -> Finding:
    subject = f"columns {', '.join(queries.options.key_columns)} and the time or xid of change"
    if await _one(connection, queries.nulls()):
        advice = "Fill them and declare them NOT NULL; such rows are seen in full readings only, or never."
        return Finding(subject, False, "hold NULL in some rows", advice)
    return Finding(subject, True, "hold no NULL")


async def _keys(connection: psycopg.AsyncConnection[Any], queries: Queries) -> Finding:
    subject = f"key ({', '.join(queries.options.key_columns)})"
    row = await (await connection.execute(queries.repeated_key())).fetchone()
    if row is not None:
        shown = ", ".join(str(part) for part in row)
        advice = (
            "Name columns in key_columns that together identify a row; rows may be lost between two pages."
        )
        return Finding(subject, False, f"({shown}) stands in several rows", advice)
    return Finding(subject, True, "identifies each row")


async def _index(connection: psycopg.AsyncConnection[Any], queries: Queries) -> Finding:
    """Without an index each page sorts the whole table: 500,000 rows took 19 s, in key order 5 s."""
    options = queries.options
    changed = options.xid_column or options.updated_at_column
    subject = f"index on {changed}"
    if await _one(connection, queries.lacks_index()):
        wanted = f"CREATE INDEX ON {options.relation} ({', '.join([str(changed), *options.key_columns])})"
        return Finding(
            subject, True, "is not there; reading works, but sorts the table for each page", wanted
        )
    return Finding(subject, True, "is there, or its use is up to a view")


async def _sight(connection: psycopg.AsyncConnection[Any], relation: str) -> Finding:
    subject = f"open transactions beside {relation}"
    if await _one(connection, "SELECT pg_is_in_recovery()"):
        advice = "Read from the primary, or set overlap_seconds beyond the longest writing transaction."
        return Finding(subject, False, "cannot be seen from a replica", advice)
    if not await _one(connection, "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')"):
        advice = "GRANT pg_read_all_stats, or set overlap_seconds beyond the longest writing transaction."
        return Finding(subject, False, "those of other users cannot be seen", advice)
    return Finding(subject, True, "are seen")


async def _one(connection: psycopg.AsyncConnection[Any], statement: Any) -> bool:
    row = await (await connection.execute(statement)).fetchone()
    return bool(row and row[0])
