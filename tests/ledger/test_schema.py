"""The schema: built in two ways it is the same, and history cannot be rewritten through the program's role."""

import psycopg
import pytest

from onhand.ledger import migrations
from onhand.ledger.database import Pool

SHAPE = """
SELECT 'column', table_name, column_name, data_type, is_nullable, coalesce(column_default, '')
  FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'migration'
UNION ALL
SELECT 'index', tablename, indexname, indexdef, '', '' FROM pg_indexes
 WHERE schemaname = 'public' AND tablename <> 'migration'
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '' FROM pg_constraint
 WHERE connamespace = 'public'::regnamespace AND conrelid <> coalesce(to_regclass('migration'), 0)
UNION ALL
SELECT 'function', proname, pg_get_functiondef(oid), '', '', '' FROM pg_proc
 WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'grant', table_name, privilege_type, grantee, '', '' FROM information_schema.role_table_grants
 WHERE table_schema = 'public' AND grantee = 'onhand_app' AND table_name <> 'migration'
UNION ALL
SELECT 'comment', objoid::regclass::text, objsubid::text, description, '', '' FROM pg_description
 WHERE classoid = 'pg_class'::regclass AND objoid::regclass::text NOT LIKE 'pg_%' AND objoid > 16383
UNION ALL
SELECT 'storage', relname, array_to_string(reloptions, ','), '', '', '' FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL
 ORDER BY 1, 2, 3, 4
"""


async def _shape(dsn: str) -> list[tuple[str, ...]]:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        return await (await connection.execute(SHAPE)).fetchall()


async def test_a_new_installation_and_a_migrated_one_are_the_same(
    migrated_template: str, database: str, empty_database: str
) -> None:
    async with await psycopg.AsyncConnection.connect(empty_database, autocommit=True) as connection:
        await connection.execute(migrations.schema_text())

    migrated, new = await _shape(database), await _shape(empty_database)

    assert len(migrated) > 100, "the comparison sees the schema"
    assert migrated == new


async def test_migrating_twice_applies_nothing(migrated_template: str, database: str) -> None:
    assert await migrations.migrate(database) == []
    assert await migrations.pending(database) == []


async def test_a_database_of_a_newer_version_is_refused(migrated_template: str, database: str) -> None:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute("INSERT INTO migration VALUES (9999, 'future', 'x')")

    with pytest.raises(migrations.MigrationError, match=r"made by a newer version: upgrade the program"):
        await migrations.pending(database)


async def test_a_migration_edited_after_the_fact_is_refused(migrated_template: str, database: str) -> None:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute("UPDATE migration SET digest = 'other' WHERE number = 1")

    with pytest.raises(migrations.MigrationError, match=r"migration 0001 in the database differs"):
        await migrations.migrate(database)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET kind = 'count'",
        "DELETE FROM event",
        "TRUNCATE event",
        "UPDATE entry SET quantity = 1",
        "DELETE FROM entry",
        "TRUNCATE entry",
        "ALTER TABLE entry ADD COLUMN x int",
        "DROP TABLE entry",
    ],
)
async def test_the_program_cannot_rewrite_history(ledger: Pool, statement: str) -> None:
    async with ledger.connection() as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(statement)
        await connection.rollback()
