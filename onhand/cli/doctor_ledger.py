"""The doctor on the ledger: reachable, migrated, mapped, and nothing given up."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import psycopg_pool

from onhand.cli import doctor_live
from onhand.cli.errors import describe
from onhand.cli.examined import Examined, broken, fine, gap
from onhand.connect import NotRunningError, database_is_configured, database_url, open_ledger
from onhand.embedded.errors import EmbeddedError
from onhand.ledger import catalogue, mapping, migrations, runs, stock
from onhand.ledger.database import Pool
from onhand.ledger.migrations import MigrationError
from onhand.settings import Settings
from onhand.wording import ago, count

REACH_SECONDS = 10.0


async def examine(settings: Settings) -> AsyncIterator[Examined]:
    """The database first; what is in it only where it can be read."""
    where = "DATABASE_URL" if database_is_configured() else "embedded"
    try:
        url = database_url(settings)
        async with asyncio.timeout(REACH_SECONDS):
            missing = await migrations.pending(url)
    except (NotRunningError, EmbeddedError) as error:
        yield broken("database", str(error), "onhand up")
        return
    except MigrationError as error:
        yield broken(
            "migrations", str(error), "Use the version of onhand that made this database, or a newer one."
        )
        return
    except (psycopg.Error, OSError, TimeoutError) as error:
        said = describe(error) if isinstance(error, psycopg.Error) else None
        yield broken(
            "database",
            f"{where}: {said.message if said else 'no answer in time'}",
            "Check that it runs and that its address is right; onhand up starts the embedded one.",
        )
        return
    yield fine("database", f"{where}: reachable")
    if missing:
        names = ", ".join(f"{migration.number:04d}_{migration.name}" for migration in missing)
        yield broken("migrations", f"not applied: {names}", "onhand up applies them.")
        return
    yield fine("migrations", "all applied")
    try:
        async with open_ledger(settings) as pool:
            async for finding in _contents(pool, settings):
                yield finding
    except (psycopg.Error, psycopg_pool.PoolTimeout) as error:
        yield broken("ledger", describe(error).message, "Look at the database's own log.")


async def _contents(pool: Pool, settings: Settings) -> AsyncIterator[Examined]:
    states = {s.channel: s for s in await catalogue.mapping_state(pool, settings.enabled_channels())}
    for name in settings.enabled_channels():
        if name not in states or states[name].mapped_at is None:
            yield gap(f"mapping {name}", "never discovered", f"onhand mapping discover --channel {name}")
            continue
        yield await _mapping(pool, name, states[name].listings, states[name].unmapped)
    for row in await stock.channel_overview(pool, settings.enabled_channels()):
        if row.parked:
            yield gap(
                f"given up {row.channel}",
                f"{count(row.parked, 'listing')} whose own update gave up",
                "onhand explain SKU tells why; the SKUs are in onhand runs show.",
            )
    async for finding in doctor_live.examine(pool, settings):
        yield finding
    yield await _last_run(pool)


async def _mapping(pool: Pool, channel: str, listings: int, unmapped: int) -> Examined:
    contested = await mapping.count_contested(pool, channel)
    parts = [count(listings, "listing")]
    parts += [f"{count(unmapped, 'active SKU')} not listed"] if unmapped else []
    parts += [f"{count(contested, 'SKU')} claimed by several items"] if contested else []
    subject, said = f"mapping {channel}", ", ".join(parts)
    if unmapped or contested:
        return gap(subject, said, f"onhand mapping check --channel {channel} lists them.")
    return fine(subject, said)


async def _last_run(pool: Pool) -> Examined:
    recent = await runs.list_runs(pool, 1)
    if not recent:
        return gap("last run", "there has been none", "onhand sync, or onhand schedule apply")
    (run,) = recent
    said = f"{run.status} {ago(run.finished_at or run.started_at)}: {run.summary or run.id}"
    if run.status in ("success", "running"):
        return fine("last run", said)
    return gap("last run", said, f"onhand runs show {run.id} lists what failed, and what to do.")
