"""One batch of a channel's inbox: read, resolve, post, settle; what cannot be posted leaves the batch as poison."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import psycopg

from onhand.channels.base import Channel
from onhand.channels.errors import ChannelError, RowRejected
from onhand.domain.listings import ChannelRules
from onhand.domain.orders import OrderSnapshot, SnapshotRefusedError
from onhand.domain.sales import ChannelOrder, OrderRefusedError, from_json
from onhand.intake.notices import settle_notices
from onhand.intake.resolve import Resolved, Resolver
from onhand.ledger import inbox, levels
from onhand.ledger.database import Pool, one_round_trip
from onhand.ledger.inbox import InboxOutcome, Settled, Waiting
from onhand.ledger.orders import OrderConflictError, PostedSnapshot, post_orders_on

BATCH_MAX = 500
"""Deliveries of one batch, which is one transaction."""


@dataclass(slots=True)
class Taken:
    """What became of one batch. `woken`: channels whose publisher is to be signalled; `poison`: reasons by delivery.

    `trouble`: the channel did not answer when orders had to be fetched; the deliveries that hint at them wait.
    `aside`: levels to be looked at after a sweep, since somebody with authority changed them.
    """

    deliveries: int = 0
    aside: int = 0
    posted: int = 0
    poison: dict[int, str] = field(default_factory=dict)
    woken: set[str] = field(default_factory=set)
    trouble: ChannelError | None = None


Told = Mapping[int, ChannelOrder]
"""Orders by the number of the delivery that told of them."""


async def take(pool: Pool, channel: Channel, rules: ChannelRules, limit: int = BATCH_MAX) -> Taken:
    """Take the oldest waiting deliveries, at most `limit`; none left are none taken."""
    taken = Taken()
    waiting = await inbox.waiting(pool, channel.name, limit)
    taken.deliveries = len(waiting)
    if not waiting:
        return taken
    # What the door could not make sense of came this way so that people are told of it like of all other poison.
    senseless = [_poison(delivery.inbox_id, delivery.reason) for delivery in waiting if delivery.reason]
    waiting = [delivery for delivery in waiting if not delivery.reason]
    told, refused = _told(waiting)
    refused += senseless
    stated = [delivery for delivery in waiting if delivery.kind == "level"]
    noticed, taken.aside = await settle_notices(pool, channel.name, rules, stated)
    refused += noticed
    await _post(pool, channel.name, rules, told, refused, taken)
    hints = [delivery for delivery in waiting if delivery.kind == "order_hint"]
    if hints:
        try:
            fetched, gone = await _fetched(channel, hints)
        except ChannelError as error:
            # Not raised: whatever else was in the batch is posted, and its publishers have to be signalled.
            taken.trouble = error
            taken.deliveries -= len(hints)
            return taken
        await _post(pool, channel.name, rules, fetched, gone, taken)
    return taken


def _told(waiting: Sequence[Waiting]) -> tuple[dict[int, ChannelOrder], list[Settled]]:
    """The orders that came whole, and what could not be read."""
    told: dict[int, ChannelOrder] = {}
    refused = []
    for delivery in waiting:
        if delivery.kind != "order":
            continue
        try:
            told[delivery.inbox_id] = from_json(delivery.body)
        except (OrderRefusedError, LookupError, TypeError, ValueError) as error:
            refused.append(_poison(delivery.inbox_id, f"order {delivery.subject}: {_words(error)}"))
    return told, refused


async def _fetched(
    channel: Channel, hints: Sequence[Waiting]
) -> tuple[dict[int, ChannelOrder], list[Settled]]:
    """The orders that were only hinted at, as they now stand; hints of one order share what is fetched."""
    wanted = list(dict.fromkeys(hint.subject for hint in hints))
    orders, refused = await _read(channel, wanted)
    told = {hint.inbox_id: orders[hint.subject] for hint in hints if hint.subject in orders}
    settled = []
    for hint in hints:
        if hint.subject in refused:
            settled.append(_poison(hint.inbox_id, refused[hint.subject]))
        elif hint.subject not in orders:
            gone = f"{channel.name} has no order {hint.subject} (any more)"
            settled.append(Settled(hint.inbox_id, InboxOutcome.NOTED, gone))
    return told, settled


async def _read(channel: Channel, wanted: Sequence[str]) -> tuple[dict[str, ChannelOrder], dict[str, str]]:
    """Orders by id, and why others make no sense; those are found by reading one by one."""
    try:
        return {order.order_id: order for order in await channel.orders.read(wanted)}, {}
    except RowRejected as error:
        if len(wanted) == 1:
            return {}, {wanted[0]: str(error)}
    orders: dict[str, ChannelOrder] = {}
    refused: dict[str, str] = {}
    for order_id in wanted:
        read, wrong = await _read(channel, [order_id])
        orders |= read
        refused |= wrong
    return orders, refused


async def _post(
    pool: Pool, channel: str, rules: ChannelRules, told: Told, settled: Sequence[Settled], taken: Taken
) -> None:
    """Post a batch of orders; where the batch as a whole is refused, one by one, so that the bad ones stand alone."""
    if not told and not settled:
        return
    resolver = await Resolver.of(pool, channel, rules, list(told.values()))
    ready: dict[int, Resolved] = {}
    bad = list(settled)
    for inbox_id, order in told.items():
        try:
            ready[inbox_id] = resolver.resolve(order)
        except SnapshotRefusedError as error:
            bad.append(_poison(inbox_id, str(error)))
    try:
        await _post_batch(pool, ready, bad, taken)
    except (OrderConflictError, psycopg.DataError, psycopg.IntegrityError):
        await _post_batch(pool, {}, bad, taken)
        for inbox_id, resolved in ready.items():
            try:
                await _post_batch(pool, {inbox_id: resolved}, [], taken)
            except (OrderConflictError, psycopg.DataError, psycopg.IntegrityError) as error:
                refusal = (
                    f"order {resolved.snapshot.order_id} of {channel}: the ledger refuses it: {_words(error)}"
                )
                await _post_batch(pool, {}, [_poison(inbox_id, refusal)], taken)


async def _post_batch(
    pool: Pool, ready: Mapping[int, Resolved], settled: Sequence[Settled], taken: Taken
) -> None:
    """One transaction: what is posted and what is settled are one fact."""
    woken: set[str] = set()
    async with pool.connection() as connection:
        snapshots: list[OrderSnapshot] = [resolved.snapshot for resolved in ready.values()]
        answers = await post_orders_on(connection, snapshots, woken) if snapshots else []
        outcomes = [
            _outcome(inbox_id, resolved, answer)
            for (inbox_id, resolved), answer in zip(ready.items(), answers, strict=True)
        ]
        async with one_round_trip(connection, commits=True):
            await inbox.settle(connection, [*settled, *outcomes])
    untold = {sku for answer in answers for sku in answer.untold}
    if untold:  # a crash before this costs them a wait until the next run, which looks at every level
        woken |= await levels.mark(pool, sorted(untold))
    taken.woken |= woken
    taken.posted += sum(1 for answer in answers if answer.posted and answer.refused is None)
    taken.poison |= {
        each.inbox_id: each.reason for each in (*settled, *outcomes) if each.outcome is InboxOutcome.POISON
    }


def _outcome(inbox_id: int, resolved: Resolved, answer: PostedSnapshot) -> Settled:
    if resolved.problem:
        return _poison(inbox_id, resolved.problem)
    if answer.refused is not None:
        return _poison(inbox_id, answer.refused.message)
    if answer.old:
        return Settled(inbox_id, InboxOutcome.STALE)
    return Settled(inbox_id, InboxOutcome.POSTED if answer.posted else InboxOutcome.UNCHANGED)


def _words(error: Exception) -> str:
    """An error in one line for an operator."""
    if isinstance(error, psycopg.Error):
        return error.diag.message_primary or str(error)
    return f"{error} is missing" if isinstance(error, LookupError) else str(error)


def _poison(inbox_id: int, reason: str) -> Settled:
    return Settled(inbox_id, InboxOutcome.POISON, reason)
