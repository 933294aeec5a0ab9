"""Brings a database to the schema this program needs, one numbered file at a time.

Files are `migrations/NNNN_name.sql`, applied in order, each in its own transaction, under an
advisory lock so that two starters do not race. What was applied is kept in table `migration` with a
digest, so that a file edited after the fact is noticed.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources

import psycopg

from onhand.ledger.database import APP_ROLE, Connection

LOCK_KEY = 0x0A4A4D  # any constant; it names "migrating this database"
LOCK_TIMEOUT = "4s"


class MigrationError(Exception):
    """The database cannot be brought to this program's schema; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, name and text."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        """What the text is recognised by."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def all_migrations() -> list[Migration]:
    """The migrations this program ships, in order."""
    folder = resources.files("onhand.ledger").joinpath("migrations")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [Migration(int(f.name[:4]), f.name[5:-4], f.read_text()) for f in files]


def schema_text() -> str:
    """What a new installation would get at once; a test proves it equal to the migrations."""
    return resources.files("onhand.ledger").joinpath("schema.sql").read_text()


async def migrate(dsn: str) -> list[Migration]:
    """Apply what is missing, as the owner of the database; answers what was applied."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("SELECT pg_advisory_lock(%s)", (LOCK_KEY,))
        await _ensure_role(connection)
        await connection.execute(_BOOKKEEPING)
        applied = await _applied(connection)
        missing = _missing(applied)
        for migration in missing:
            await _apply(connection, migration)
        return missing


async def pending(dsn: str) -> list[Migration]:
    """What `migrate` would apply; raises MigrationError where the database is ahead or was tampered with."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        row = await (await connection.execute("SELECT to_regclass('migration')")).fetchone()
        assert row is not None
        return _missing(await _applied(connection) if row[0] is not None else {})


_BOOKKEEPING = """
CREATE TABLE IF NOT EXISTS migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    digest text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)"""


async def _ensure_role(connection: Connection) -> None:
    """Create the program's role and let the owner take it; roles belong to the whole server, so both may exist."""
    try:
        await connection.execute(
            f"DO $$ BEGIN CREATE ROLE {APP_ROLE} NOLOGIN; "
            "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
        await connection.execute(f"GRANT {APP_ROLE} TO CURRENT_USER")
    except psycopg.errors.InsufficientPrivilege as error:
        raise MigrationError(
            f"this database user may not create or take the role {APP_ROLE}: {error}. Let an administrator run "
            f"'CREATE ROLE {APP_ROLE} NOLOGIN; GRANT {APP_ROLE} TO <this user>' once, then try again."
        ) from error


async def _applied(connection: Connection) -> dict[int, str]:
    cursor = await connection.execute("SELECT number, digest FROM migration")
    return {number: digest async for number, digest in cursor}


def _missing(applied: dict[int, str]) -> list[Migration]:
    known = {migration.number: migration for migration in all_migrations()}
    for number, digest in sorted(applied.items()):
        if number not in known:
            raise MigrationError(
                f"the database has migration {number:04d}, which this program does not know; "
                "it was made by a newer version: upgrade the program instead"
            )
        if known[number].digest != digest:
            raise MigrationError(
                f"migration {number:04d} in the database differs from the one shipped; "
                "restore the released file, never edit one that was applied"
            )
    return [migration for number, migration in sorted(known.items()) if number not in applied]


async def _apply(connection: Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        await connection.execute(migration.text)
        await connection.execute(
            "INSERT INTO migration (number, name, digest) VALUES (%s, %s, %s)",
            (migration.number, migration.name, migration.digest),
        )
