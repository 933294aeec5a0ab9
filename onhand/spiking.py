"""Spikes: looked for every minute beside the order sweeps; what spikes is told first, and more of it is held back.

Each look goes by what the ledger says, so one that was cut short is made good by the next.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from onhand.alerts import spike_report
from onhand.alerts.slack import NOT_CONFIGURED, Slack
from onhand.domain.spikes import SoldHour, SpikeRules
from onhand.ledger import spikes
from onhand.ledger.database import Connection, Pool
from onhand.ledger.spikes import Spiking
from onhand.settings import Settings

EVERY = timedelta(seconds=55)
"""Less than a minute, so that of the sweeps, which begin every minute, one always finds it due."""
SECONDS_UNMEASURED = 1.0
"""Until a change is shown, where none was measured yet."""
TOLD_MAX = 1_000

logger = structlog.get_logger()


@dataclass(slots=True)
class Spikes:
    """What one look found, SKU by SKU, and whose publishers are to be signalled."""

    begun: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    woken: set[str] = field(default_factory=set)


async def look_for_spikes(pool: Pool, settings: Settings, slack: Slack, now: datetime) -> Spikes:
    """Begin and end spikes where nobody has looked lately, and tell people what is new; the caller signals `woken`."""
    found = Spikes()
    async with pool.connection() as connection:
        if not await spikes.lock_when_due(connection, now - EVERY):
            return found
        await _look(connection, settings.spikes.rules(), now, found)
        await spikes.note_look(connection, now)
    if found.begun or found.ended:
        logger.info("spikes", begun=found.begun[:20], ended=found.ended[:20])
    await _tell(pool, settings, slack)
    return found


async def _look(connection: Connection, rules: SpikeRules, now: datetime, found: Spikes) -> None:
    measured = await spikes.slowest_propagation(connection)
    seconds = SECONDS_UNMEASURED if measured is None else measured
    begun: dict[int, Spiking] = {}
    going: dict[int, Spiking] = {}
    over: list[int] = []
    for hour in await spikes.sold_hours(connection, now, rules.units_min):
        if hour.spiking and rules.is_over(hour.ordinary, hour.usual):
            over.append(hour.sku_id)
        elif hour.spiking:
            going[hour.sku_id] = _spiking(hour, rules, seconds)
        elif rules.begins(hour.ordinary, hour.usual):
            begun[hour.sku_id] = _spiking(hour, rules, seconds)
    if not (begun or going or over):
        return
    found.begun = await spikes.begin(connection, begun)
    more = await spikes.go_on(connection, going)
    found.ended = await spikes.end(connection, over, now)
    found.woken = await spikes.mark(connection, [*found.begun, *more, *found.ended])


def _spiking(hour: SoldHour, rules: SpikeRules, seconds: float) -> Spiking:
    return Spiking(hour.ordinary, hour.usual, rules.held_back(hour.ordinary, seconds))


async def _tell(pool: Pool, settings: Settings, slack: Slack) -> None:
    """Tell people once of each; where they cannot be reached, the next look tries again."""
    claimed = await spikes.claim_untold(pool)
    if not claimed:
        return
    rows = await spikes.listed(pool, ids=claimed, limit=TOLD_MAX)
    delivered = await spike_report.tell(slack, settings.slack.alert_channel or settings.slack.channel, rows)
    if not delivered.ok and delivered is not NOT_CONFIGURED:
        await spikes.untell(pool, claimed)
