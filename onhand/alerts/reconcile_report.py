"""What people are told after a read-back: drifts above the tolerance and halts, in one message, each of them once.

The message is a pure function of the ledger's records; only `tell` reads and sends.
"""

from collections import Counter
from collections.abc import Sequence

from onhand.alerts.blocks import Block, clip, code, context, header, listed, section
from onhand.alerts.slack import Delivery, Message, Slack
from onhand.ledger import reconcile
from onhand.ledger.database import Pool
from onhand.ledger.reconcile import DriftRow, ReconciliationRow
from onhand.settings import Settings

SHOWN_MAX = 10
TOLD = ("widen", "halt", "report")
"""What is done about a drift that people hear of; one that is only told again is within the tolerance."""


async def tell(slack: Slack, pool: Pool, settings: Settings, reconciliation: str) -> Delivery | None:
    """Alert people to what this read-back was the first to see; None where there is nothing to say."""
    found = await reconcile.get(pool, reconciliation)
    if found is None:
        return None
    rows = await reconcile.drifts(pool, since=found.started_at)
    message = drift_message(
        found,
        [row for row in rows if row.reconciliation_id == reconciliation],
        settings.slack.alert_channel or settings.slack.channel,
    )
    return None if message is None else await slack.post(message)


def drift_message(found: ReconciliationRow, rows: Sequence[DriftRow], where: str) -> Message | None:
    """What drifted by more than is tolerated, why, what was done, and how a halt is lifted."""
    told = [row for row in rows if row.action in TOLD]
    if not told:
        return None
    halted = [row for row in told if row.action == "halt"]
    levels = "1 level" if len(told) == 1 else f"{len(told):,} levels"
    headline = f"{levels} drifted" + (f", {len(halted):,} halted" if halted else "")
    blocks = [
        header(f":warning: {headline}"),
        listed("*Causes*", _causes(told), 0),
        listed("*Levels*", [_line(row) for row in told[:SHOWN_MAX]], len(told) - len(told[:SHOWN_MAX])),
        *_halts(halted),
        context(
            f"Read back at {found.started_at:%Y-%m-%d %H:%M} UTC. All of them: {code('onhand drift list')}"
        ),
    ]
    return Message(where, headline, blocks)


def _causes(rows: Sequence[DriftRow]) -> list[str]:
    counted = Counter((row.channel, row.cause) for row in rows)
    return [
        f"• {clip(channel, 100)}: {cause.replace('_', ' ')}, {number:,}"
        for (channel, cause), number in counted.most_common(SHOWN_MAX)
    ]


def _line(row: DriftRow) -> str:
    shown = "nothing" if row.shown is None else f"{row.shown:,}"
    expected = "?" if row.expected is None else f"{row.expected:,}"
    place = f" at {code(row.place)}" if row.place else ""
    done = {"widen": "told again, with a wider buffer", "halt": "halted", "report": "not repaired"}[
        row.action
    ]
    return (
        f"• {code(row.sku)} on {clip(row.channel, 100)}{place} showed {shown} instead of {expected}: {done}. "
        f"_{clip(row.evidence, 200)}_"
    )


def _halts(rows: Sequence[DriftRow]) -> list[Block]:
    if not rows:
        return []
    names = [f"onhand halts lift {row.sku} --channel {row.channel}" for row in rows]
    commands = list(dict.fromkeys(names))
    return [
        section("*Halted* listings show 0 until they are lifted by clean read-backs, or by hand:"),
        listed("", [code(command) for command in commands[:SHOWN_MAX]], max(0, len(commands) - SHOWN_MAX)),
    ]
