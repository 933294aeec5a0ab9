"""Posting what an operator states, and what it led to: before, after, and who has to be told."""

import getpass
from dataclasses import dataclass

from onhand.cli.enough import require_enough, taken_by
from onhand.cli.errors import OperatorError
from onhand.cli.ledger import make_places_known, targets_of_sku
from onhand.connect import NotRunningError, connect_temporal
from onhand.domain import movements
from onhand.domain.counts import Count
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement
from onhand.domain.returns import ReturnStatement
from onhand.explain.skus import known_sku
from onhand.ledger import posting, stock
from onhand.ledger.cycle_counts import post_beside
from onhand.ledger.database import Pool
from onhand.ledger.posting import Posted, Verdict
from onhand.ledger.returns import post_returns
from onhand.settings import Settings


@dataclass(frozen=True, slots=True)
class StateChange:
    """Units of one state at one location, before and after."""

    location: str
    state: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class ToTell:
    """A level that no longer is what it should be. `before` None: it was never told or read."""

    channel: str
    item_id: str
    place: str
    before: int | None
    after: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What became of something an operator stated. `id` names it for ever."""

    sku: str
    location: str
    kind: EventKind
    quantity: int
    id: str
    verdict: Verdict
    event_id: int | None
    changes: tuple[StateChange, ...]
    to_tell: tuple[ToTell, ...]
    at_once: bool
    """Whether the publishers are at it; without Temporal the levels wait for the next sweep or sync."""
    message: str = ""
    """Why it changed nothing, where that needs words."""


async def state_movement(
    pool: Pool, settings: Settings, movement: Movement, *, beyond: bool = False
) -> Statement:
    """Post a movement. Raises MovementRefusedError or OperatorError where it cannot be, or, unless `beyond`, where it
    takes more than there is."""
    event = movements.event_of(movement)
    await make_places_known(pool, settings)
    await known_sku(pool, movement.sku)
    state, units = taken_by(movement)
    if units and not beyond:
        taken = {movement.sku: units}
        await require_enough(pool, event.source, event.external_id, movement.location, state, taken)
    woken: set[str] = set()
    (posted,) = await posting.post_events(pool, [event], woken)
    at_once = await wake(settings, woken)
    return await _led_to(
        pool,
        settings,
        posted,
        at_once,
        movement.kind,
        movement.sku,
        movement.location,
        movement.quantity,
        event.external_id,
    )


async def state_return(pool: Pool, settings: Settings, stated: ReturnStatement) -> Statement:
    """Post a return or an inspection. Raises OperatorError where it cannot be."""
    await make_places_known(pool, settings)
    await known_sku(pool, stated.sku)
    woken: set[str] = set()
    (posted,) = await post_returns(pool, [stated], woken)
    at_once = await wake(settings, woken)
    return await _led_to(
        pool,
        settings,
        posted,
        at_once,
        stated.kind,
        stated.sku,
        stated.location,
        stated.quantity,
        stated.external_id,
    )


async def state_count(pool: Pool, settings: Settings, count: Count) -> Statement:
    """Post a count; one that agrees is recorded, too. Raises OperatorError where it cannot be."""
    await make_places_known(pool, settings)
    await known_sku(pool, count.sku)
    woken: set[str] = set()
    posted = await post_beside(pool, count, settings.counts.rules(), by=getpass.getuser(), woken=woken)
    at_once = await wake(settings, woken)
    return await _led_to(
        pool,
        settings,
        posted,
        at_once,
        EventKind.COUNT,
        count.sku,
        count.location,
        count.quantity,
        count.external_id,
    )


async def wake(settings: Settings, channels: set[str]) -> bool:
    """Signal the publishers of these channels; False where Temporal does not take it."""
    if not channels:
        return True
    from onhand.waking import (
        wake_publishers,  # loads Temporal's SDK, which a look at the ledger need not wait for
    )

    try:
        client = await connect_temporal(settings)
    except (NotRunningError, RuntimeError):
        return False
    return await wake_publishers(client, sorted(channels))


async def _led_to(
    pool: Pool,
    settings: Settings,
    posted: Posted,
    at_once: bool,
    kind: EventKind,
    sku: str,
    location: str,
    quantity: int,
    external_id: str,
) -> Statement:
    if posted.verdict.refused:
        raise OperatorError(posted.message)
    lines = []
    if posted.verdict is Verdict.POSTED and posted.event_id is not None:
        lines = await stock.event_lines(pool, posted.event_id, sku)
    targets = await targets_of_sku(pool, settings.rule_book(), sku)
    return Statement(
        sku,
        location,
        kind,
        quantity,
        external_id,
        posted.verdict,
        posted.event_id,
        tuple(StateChange(x.location, x.state, x.balance_after - x.quantity, x.balance_after) for x in lines),
        tuple(
            ToTell(t.state.channel, t.state.item_id, t.place, t.book, t.quantity)
            for t in targets
            if t.differs
        ),
        at_once,
        posted.message,
    )
