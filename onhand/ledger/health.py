"""The ledger's part of how everything is: one row for each channel, the last run, oversells, contradictions."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from onhand.domain.health import (
    AddedUp,
    ChannelFacts,
    Conflicts,
    HeldRun,
    LastLook,
    LedgerFacts,
    LowStockFacts,
    OpenOversell,
    OpenSpikes,
    PromisedAhead,
    RunFacts,
    Waiting,
    WaitingCounts,
)
from onhand.ledger.database import Pool
from onhand.ledger.queries import query

ROWS_MAX = 10_000
"""Open oversells, and the newest contradictions, that are looked at."""


async def look(
    pool: Pool, channels: Sequence[str], listening: Sequence[str]
) -> tuple[tuple[ChannelFacts, ...], LedgerFacts]:
    """How these channels stand, by name, and what else the ledger knows; one the ledger does not know is missing."""
    async with pool.connection() as connection, connection.pipeline():
        found = await connection.execute(query("health_of_channels"), {"channels": list(channels)})
        run = await connection.execute(query("last_whole_run"))
        oversells = await connection.execute(query("open_oversells"), {"limit": ROWS_MAX})
        conflicts = await connection.execute(query("recent_conflicts"), {"limit": ROWS_MAX})
        spikes = await connection.execute(query("open_spikes"))
        counts = await connection.execute(query("counts_that_wait"))
        sums = await connection.execute(query("watched_sums"))
        low = await connection.execute(query("low_stock_tally"))
        promised = await connection.execute(query("promised_ahead"))
        stand = tuple(_channel(row, row[0] in listening) for row in await found.fetchall())
        last, said, spiking = await run.fetchone(), await conflicts.fetchone(), await spikes.fetchone()
        ahead = await promised.fetchone()
        assert said is not None, "an aggregate answers one row"
        assert spiking is not None, "an aggregate answers one row"
        assert ahead is not None, "an aggregate answers one row"
        number, skus, newest_at, newest = said
        waiting, tally = await counts.fetchone(), await low.fetchone()
        assert waiting is not None, "an aggregate answers one row"
        assert tally is not None, "an aggregate answers one row"
        return stand, LedgerFacts(
            run=None if last is None else RunFacts(*last),
            oversells=tuple(
                OpenOversell(sku, int(short), at) for sku, short, at in await oversells.fetchall()
            ),
            conflicts=Conflicts(number, skus, newest or "", newest_at),
            spikes=OpenSpikes(spiking[0], spiking[1] or "", spiking[2]),
            counts=WaitingCounts(*waiting),
            added_up=tuple(
                AddedUp(scope, subject, units, since)
                for scope, subject, units, _, since, _ in await sums.fetchall()
            ),
            low_stock=LowStockFacts(*tally),
            promised=PromisedAhead(ahead[0], ahead[1], ahead[2] or "", ahead[3], ahead[4], ahead[5] or ""),
        )


def _channel(row: tuple[Any, ...], listens: bool) -> ChannelFacts:
    """The columns in the order of the statement."""
    columns = iter(row)

    def next_few(number: int) -> list[Any]:
        return list(islice(columns, number))

    name, trouble, trouble_since, retry_at, paused_at, note, swept_at, hooks, hooks_seen_at = next_few(9)
    held = next_few(3)
    outbox = (Waiting(*next_few(2)), Waiting(*next_few(2)), Waiting(*next_few(2)))
    inbox, poison, drift, halts, given_up = (Waiting(*next_few(2)) for _ in range(5))
    (example,) = next_few(1)
    synced, read_back = next_few(9), next_few(9)
    (at_work_since,) = next_few(1)
    return ChannelFacts(
        name=name,
        listens=listens,
        trouble=trouble,
        trouble_since=trouble_since,
        retry_at=retry_at,
        paused_at=paused_at,
        pause_note=note,
        held=None if held[0] is None else HeldRun(*held),
        outbox=outbox,
        inbox=inbox,
        poison=poison,
        swept_at=swept_at,
        at_work_since=at_work_since,
        hooks_problem=hooks,
        hooks_seen_at=hooks_seen_at,
        synced=None if synced[0] is None else LastLook(*synced),
        read_back=None if read_back[0] is None else LastLook(*read_back),
        drift=drift,
        halts=halts,
        given_up=given_up,
        example=example,
    )
