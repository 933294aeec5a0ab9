"""Transfers in the ledger: each step is an event, and how a transfer stands is read from its events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from onhand.domain import transfers
from onhand.domain.events import Event
from onhand.domain.transfers import Step, Transfer, TransferLine, TransferRefusedError, TransferStatement
from onhand.ledger.database import Connection, Pool, one_statement
from onhand.ledger.posting import Posted, Verdict, kits_among, of_kit, post_events_on
from onhand.ledger.queries import query
from onhand.ledger.said import Said, not_known, unknown_names


@dataclass(frozen=True, slots=True)
class TransferRow:
    """A transfer with when it began and when something last became of it."""

    transfer: Transfer
    began_at: datetime
    changed_at: datetime


async def listed(pool: Pool, *, all_: bool = False, limit: int = 200) -> list[TransferRow]:
    """Transfers with something on its way, or all of them, the newest first, at most `limit`."""
    async with one_statement(pool) as connection:
        cursor = await connection.execute(query("transfers"), {"ids": None, "all": all_, "limit": limit})
        return _folded(await cursor.fetchall())


async def known(pool: Pool, transfer_id: str) -> TransferRow | None:
    """The transfer of that id, None where there is none."""
    async with one_statement(pool) as connection:
        found = await _read(connection, [transfer_id])
        return found[0] if found else None


async def post_transfers(
    pool: Pool, stated: Sequence[TransferStatement], woken: set[str] | None = None
) -> list[Posted]:
    """Post steps of transfers that one source states, in one transaction; one verdict for each, in order.

    `woken` as in `posting.post_events`. A transfer that is not known is UNKNOWN, what contradicts it a CONFLICT.
    """
    if not stated:
        return []
    async with pool.connection() as connection:
        await begin_transfers_on(connection, stated)
        return await post_transfers_on(connection, stated, woken)


async def begin_transfers_on(connection: Connection, stated: Sequence[TransferStatement]) -> None:
    """Have other statements of this source, and of these transfers, wait; before anything else is locked."""
    await connection.execute(query("serialise_source"), {"source": stated[0].source})
    for transfer_id in sorted({each.transfer_id for each in stated}):
        await connection.execute(query("serialise_transfer"), {"transfer": transfer_id})


async def post_transfers_on(
    connection: Connection, stated: Sequence[TransferStatement], woken: set[str] | None = None
) -> list[Posted]:
    """The same inside the caller's transaction, which began with `begin_transfers_on`."""
    standing = {row.transfer.transfer_id: row.transfer for row in await _read(connection, _ids(stated))}
    unknown = await unknown_names(
        connection,
        (sku for each in stated for sku in each.units),
        (place for each in stated for place in (each.origin, each.destination) if place),
    )
    kits = await kits_among(connection, {sku for each in stated for sku in each.units})
    said = await Said.of(connection, stated)
    answers: dict[int, Posted] = {}
    events: list[tuple[int, Event]] = []
    steps: dict[int, dict[str, TransferLine]] = {}
    for n, each in enumerate(stated):
        if again := said.again(each):
            answers[n] = again
            continue
        before = standing.get(each.transfer_id)
        taken = of_kit(*sorted(sent)) if (sent := kits & each.units.keys()) else _taken(each, before, unknown)
        if isinstance(taken, Posted):
            answers[n] = taken
            continue
        event, after = taken
        events.append((n, event))
        steps[n] = transfers.difference(before, after)
        standing[each.transfer_id] = after
        said.note(each)
    posted = await post_events_on(connection, [event for _, event in events], woken) if events else []
    for (n, event), answer in zip(events, posted, strict=True):
        assert answer.verdict is Verdict.POSTED, f"{event.external_id}: {answer}"
        answers[n] = answer
    await _remember(connection, stated, answers, steps)
    return [answers[n] for n in range(len(stated))]


def _taken(
    stated: TransferStatement, transfer: Transfer | None, unknown: set[str]
) -> tuple[Event, Transfer] | Posted:
    """The event of a step and the transfer after it, or why it cannot be."""
    named = {f"sku {sku}" for sku in stated.units} | {
        f"location {stated.origin}",
        f"location {stated.destination}",
    }
    if named & unknown:
        return not_known(named & unknown)
    if transfer is None:
        if stated.step is not Step.SEND:
            return Posted(
                Verdict.UNKNOWN,
                None,
                f"there is no transfer {stated.transfer_id}; it begins when goods are sent by it",
            )
        transfer = transfers.begun_by(stated)
    try:
        return transfers.event_of(stated, transfer), transfers.after(stated, transfer)
    except TransferRefusedError as error:
        return Posted(Verdict.CONFLICT, None, str(error))


async def _remember(
    connection: Connection,
    stated: Sequence[TransferStatement],
    answers: Mapping[int, Posted],
    steps: Mapping[int, Mapping[str, TransferLine]],
) -> None:
    """Which transfers began, and what each event did to their lines."""
    if not steps:
        return
    sent = [stated[n] for n in steps if stated[n].step is Step.SEND]
    rows = [(n, sku, line) for n, lines in steps.items() for sku, line in lines.items()]
    async with connection.pipeline():
        await connection.execute(
            query("begin_transfers"),
            {
                "ids": [each.transfer_id for each in sent],
                "origins": [each.origin for each in sent],
                "destinations": [each.destination for each in sent],
                "moments": [each.occurred_at for each in sent],
            },
        )
        await connection.execute(
            query("remember_transfer_steps"),
            {
                "ids": [stated[n].transfer_id for n, _, _ in rows],
                "events": [answers[n].event_id for n, _, _ in rows],
                "skus": [sku for _, sku, _ in rows],
                "sent": [line.sent for _, _, line in rows],
                "arrived": [line.arrived for _, _, line in rows],
                "short": [line.short for _, _, line in rows],
                "over": [line.over for _, _, line in rows],
            },
        )


def _ids(stated: Sequence[TransferStatement]) -> list[str]:
    return sorted({each.transfer_id for each in stated})


async def _read(connection: Connection, transfer_ids: Sequence[str]) -> list[TransferRow]:
    wanted = {"ids": list(transfer_ids), "all": True, "limit": len(transfer_ids)}
    cursor = await connection.execute(query("transfers"), wanted)
    return _folded(await cursor.fetchall())


def _folded(rows: Sequence[tuple[Any, ...]]) -> list[TransferRow]:
    """Transfers of rows that hold one line each and stand together."""
    found = []
    for _, group in groupby(rows, key=itemgetter(0)):
        lines = list(group)
        transfer_id, origin, destination, began_at, changed_at = lines[0][:5]
        transfer = Transfer(
            transfer_id, origin, destination, {line[5]: TransferLine(*line[6:]) for line in lines}
        )
        found.append(TransferRow(transfer, began_at, changed_at))
    return found
