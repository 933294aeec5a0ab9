"""The intake's turns: whatever waits in a channel's inbox is in the ledger at once."""

import math
from dataclasses import dataclass, field

from onhand.background import Background, Wake
from onhand.channels.base import Channel
from onhand.domain.listings import ChannelRules
from onhand.draining import Bell, Took, drain
from onhand.intake.take import BATCH_MAX, take
from onhand.ledger import inbox
from onhand.ledger.database import Pool

POISON_MAX = 500
"""Of one turn; a turn ends when so many could not be taken, so that its result stays small."""
FETCH_WAIT_SECONDS = 2.0
"""Before a channel that did not answer is asked for its orders again, unless it says how long to stay away."""


@dataclass(slots=True)
class TurnTaken:
    """What one turn did; `worked_at` is for the next one."""

    asleep: bool = False
    worked_at: float = -math.inf
    deliveries: int = 0
    aside: int = 0
    posted: int = 0
    poison: dict[int, str] = field(default_factory=dict)
    wait_seconds: float = 0.0
    trouble: str = ""


async def take_turn(
    pool: Pool,
    channel: Channel,
    rules: ChannelRules,
    wake: Wake,
    bell: Bell,
    *,
    worked_at: float,
    linger_seconds: float,
) -> TurnTaken:
    """Take what waits, for a little while; nothing left: go to sleep. Publishers are woken batch by batch."""
    turn = TurnTaken()
    async with Background() as background:

        async def step() -> Took:
            taken = await take(pool, channel, rules)
            if taken.woken:
                background.start(wake(taken.woken))
            turn.deliveries += taken.deliveries
            turn.aside += taken.aside
            turn.posted += taken.posted
            turn.poison |= taken.poison
            if taken.trouble is not None:
                turn.trouble = str(taken.trouble)
                turn.wait_seconds = taken.trouble.retry_after_seconds or FETCH_WAIT_SECONDS
            if taken.deliveries == BATCH_MAX:
                return Took.PART
            return Took.ALL if taken.deliveries else Took.NOTHING

        drained = await drain(
            step,
            lambda: inbox.sleep_intake(pool, channel.name),
            bell,
            worked_at=worked_at,
            linger_seconds=linger_seconds,
            stop=lambda: bool(turn.wait_seconds) or len(turn.poison) >= POISON_MAX,
        )
    turn.asleep, turn.worked_at = drained.asleep, drained.worked_at
    return turn
