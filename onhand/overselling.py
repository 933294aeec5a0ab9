"""Oversells: looked for every minute, halted until they are over, and told to people once, and once whenever they grow.

Each step goes by what the ledger says, so a look that was cut short is made good by the next one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from onhand.alerts import oversell_report
from onhand.alerts.slack import NOT_CONFIGURED, Slack
from onhand.domain.oversell import oversell_of
from onhand.ledger import halts, oversells
from onhand.ledger.database import Pool
from onhand.settings import Settings

BY = "oversell"
"""Who places and lifts its halts."""
SKUS_AT_ONCE = 500

logger = structlog.get_logger()


@dataclass(slots=True)
class Looked:
    """What one look found: SKUs that are short, oversells that are over, and whose publishers are to be signalled."""

    short: int = 0
    resolved: int = 0
    halted: int = 0
    lifted: int = 0
    told: int = 0
    woken: set[str] = field(default_factory=set)


async def look_for_oversells(pool: Pool, settings: Settings, slack: Slack) -> Looked:
    """Find SKUs of which more is promised than there is, see to their listings, and tell people what is new.

    The caller signals the publishers of `woken`.
    """
    looked = Looked()
    short = await oversells.short_skus(pool)
    looked.short = len(short)
    await _keep(pool, short)
    looked.resolved = await oversells.resolve(pool)
    if settings.oversell.halt:
        looked.halted = await _halt(pool, settings, looked.woken)
    over = await oversells.to_lift(pool)
    if over:
        looked.lifted = len(await halts.lift(pool, over, by=BY, woken=looked.woken))
    looked.told = await _tell(pool, settings, slack)
    if looked.told or looked.resolved or looked.halted or looked.lifted:
        logger.info(
            "oversells", short=looked.short, told=looked.told, resolved=looked.resolved, halted=looked.halted
        )
    return looked


async def _keep(pool: Pool, short: Mapping[int, int]) -> None:
    skus = list(short)
    for first in range(0, len(skus), SKUS_AT_ONCE):
        some = skus[first : first + SKUS_AT_ONCE]
        promised = await oversells.promises(pool, some)
        await oversells.keep(pool, {sku: oversell_of(short[sku], promised.get(sku, ())) for sku in some})


async def _halt(pool: Pool, settings: Settings, woken: set[str]) -> int:
    """Each SKU's listings with its own reason."""
    by_reason: dict[str, list[int]] = {}
    channels, guarded = settings.enabled_channels(), settings.guard.enabled
    for each in await oversells.to_halt(pool, channels, guarded=guarded):
        reason = f"{each.sku} is oversold by {each.units_short:,}; lifted when nothing is short any more"
        by_reason.setdefault(reason, []).append(each.listing_id)
    placed = 0
    for reason, listings in by_reason.items():
        placed += len(await halts.place(pool, listings, by=BY, cause="oversell", reason=reason, woken=woken))
    return placed


async def _tell(pool: Pool, settings: Settings, slack: Slack) -> int:
    """Alert people of what they do not know; where they cannot be reached, the next look tries again."""
    claimed = await oversells.claim_untold(pool)
    if not claimed:
        return 0
    rows = await oversells.listed(pool, ids=list(claimed), limit=len(claimed))
    where = settings.slack.alert_channel or settings.slack.channel
    grown = {number for number, told in claimed.items() if told}
    delivered = await oversell_report.tell(slack, where, rows, grown, settings.oversell.playbook)
    if not delivered.ok and delivered is not NOT_CONFIGURED:
        await oversells.untell(pool, claimed)
        return 0
    return len(rows)
