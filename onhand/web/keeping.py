"""From a delivery to a row of the inbox, durable together with whatever else arrives meanwhile."""

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import psycopg

from onhand.channels.inbound import Delivery, DeliveryKind, LevelNotice
from onhand.domain import sales
from onhand.ledger import inbox, work
from onhand.ledger.database import Pool
from onhand.ledger.inbox import Accepted, Received
from onhand.web.backends import NotReadyError
from onhand.web.batching import COMMIT_SECONDS_MAX, GroupCommit

TEXT_CHARS_MAX = 200
DIGEST_BYTES = 16
REASON_CHARS_MAX = 1_000


class Keeper:
    """Writes deliveries down, in groups, and tells whose intake was found asleep once they are durable."""

    def __init__(self, pool: Callable[[], Pool], wake: Callable[[Iterable[str]], None]) -> None:
        self._pool = pool
        self._wake = wake
        self._known: set[str] = set()
        self._group: GroupCommit[Received, Accepted] = GroupCommit(
            self._commit, isolated=(psycopg.DataError, psycopg.IntegrityError)
        )

    async def keep(self, channel: str, delivery: Delivery, problem: str, body: bytes) -> bool:
        """Make a delivery durable; True where it is new. `problem`: it is poison, and why.

        Raises NotReadyError, TooBusyError, TimeoutError and psycopg's errors; then nobody may be told that it is kept.
        """
        if channel not in self._known:
            await self._make_sure_of(channel)
        row = row_of(channel, delivery, problem, body)
        try:
            accepted = await self._group.submit(row)
        except (psycopg.DataError, psycopg.IntegrityError):
            # It holds what no text in a database can, so it is kept without its words.
            accepted = await self._group.submit(_wordless(row))
        return accepted.inbox_id is not None

    async def drained(self) -> None:
        """Return when nothing waits to be written down."""
        await self._group.drained()

    async def _make_sure_of(self, channel: str) -> None:
        """Before the worker has told the ledger of a new channel, there is no place for what it says."""
        async with asyncio.timeout(COMMIT_SECONDS_MAX):
            known = await work.pending(self._pool(), [channel])
        if channel not in known:
            raise NotReadyError(
                f"the ledger does not know the channel {channel!r} yet; is the worker running?"
            )
        self._known.add(channel)

    async def _commit(self, rows: Sequence[Received]) -> Sequence[Accepted]:
        accepted = await inbox.accept(self._pool(), rows)
        asleep = {row.channel for row, answer in zip(rows, accepted, strict=True) if answer.woken}
        if asleep:
            self._wake(sorted(asleep))
        return accepted


def row_of(channel: str, delivery: Delivery, problem: str, body: bytes) -> Received:
    """The row of a delivery."""
    kind = _kind(delivery)
    return Received(
        channel=channel,
        delivery_id=delivery.delivery_id[:TEXT_CHARS_MAX],
        digest=_digest(kind, delivery.delivery_id, body),
        kind=kind.value,
        topic=delivery.topic[:TEXT_CHARS_MAX],
        subject=delivery.subject[:TEXT_CHARS_MAX],
        body=_content(delivery),
        reason=problem[:REASON_CHARS_MAX],
    )


def _digest(kind: DeliveryKind, delivery_id: str, body: bytes) -> bytes:
    """Of the raw body: what a platform sends again is the same to the byte.

    A hint without an id of its delivery is the same for every change of its order within a second, so it never is a
    duplicate: to fetch an order once more is cheaper than to miss its last change.
    """
    if kind is DeliveryKind.ORDER_HINT and not delivery_id:
        return os.urandom(DIGEST_BYTES)
    return hashlib.blake2b(body, digest_size=DIGEST_BYTES).digest()


def _kind(delivery: Delivery) -> DeliveryKind:
    """What can be done with it: an order of which only the id could be read can be fetched when it is replayed."""
    if delivery.kind is DeliveryKind.ORDER and delivery.order is None:
        return DeliveryKind.ORDER_HINT if delivery.subject else DeliveryKind.OTHER
    if delivery.kind is DeliveryKind.LEVEL and delivery.level is None:
        return DeliveryKind.OTHER
    return DeliveryKind.OTHER if delivery.kind is DeliveryKind.PING else delivery.kind


def _content(delivery: Delivery) -> Mapping[str, Any]:
    if delivery.order is not None:
        return sales.as_json(delivery.order)
    return {} if delivery.level is None else level_as_json(delivery.level)


def level_as_json(level: LevelNotice) -> dict[str, Any]:
    """The form in which a level waits in the inbox."""
    changed = None if level.changed_at is None else level.changed_at.isoformat()
    return {**asdict(level), "changed_at": changed}


def _wordless(row: Received) -> Received:
    return replace(
        row,
        delivery_id=row.digest.hex(),
        kind=DeliveryKind.OTHER.value,
        topic=_plain(row.topic),
        subject=_plain(row.subject),
        body={},
        reason="it holds a character that no text in the database can hold; look at it on the channel",
    )


def _plain(text: str) -> str:
    return "".join(character for character in text if character.isprintable() and character.isascii())
