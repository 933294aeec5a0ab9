"""A desk at which one channel is read back step by step, as its workflow does, with everything else standing still."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from onhand import reconcile
from onhand.domain.listings import RuleBook
from onhand.domain.sales import ChannelOrder, SoldLine, version_of
from onhand.intake import take
from onhand.ledger import levels
from onhand.ledger import reconcile as records
from onhand.ledger.database import Pool
from onhand.ledger.reconcile import DriftRow
from onhand.publish import Errand, bring_to_targets
from onhand.reconcile import Judged, Policy, ReadBack, Walked
from tests.fix_selling import Selling
from tests.memory_channel import MemoryChannel
from tests.publish.shelves import LIVE

QUICK = Policy(intake_seconds=1.0, repair_seconds=0.5)


@dataclass
class Desk:
    """`reads` counts the read-backs; `woken` are the channels whose publishers were to be signalled."""

    pool: Pool
    channel: MemoryChannel
    others: Sequence[MemoryChannel]
    policy: Policy = QUICK
    rules: RuleBook = LIVE
    reads: int = 0
    woken: set[str] = field(default_factory=set)

    @property
    def back(self) -> ReadBack:
        """The read-back that is under way."""
        return ReadBack(
            f"r{self.reads}",
            self.pool,
            self.channel,
            self.rules,
            self.policy,
            self._take_inbox,
            self._note_woken,
        )

    async def _take_inbox(self, channels: set[str]) -> None:
        await take(self.pool, self.channel, self.rules.channels[self.channel.name])

    async def _note_woken(self, channels: set[str]) -> None:
        self.woken |= channels

    async def walk(self, skus: Sequence[str] | None = None) -> Walked:
        """Begin a read-back."""
        self.reads += 1
        await records.begin(self.pool, self.back.id, None, {})
        return await reconcile.walk(self.back, skus)

    async def judge(self, walked: Walked, *, heard: bool = True) -> Judged:
        """Everything after the walk but the proof, as the workflow does it."""
        await reconcile.hear(self.back)
        if await reconcile.look_again(self.back):
            await reconcile.hear(self.back)
        return await reconcile.judge(self.back, walked.began, heard)

    async def read_back(self, skus: Sequence[str] | None = None) -> Judged:
        """A whole one."""
        return await self.judge(await self.walk(skus))

    async def publish(self) -> None:
        """Every publisher does what it has to do."""
        for channel in (self.channel, *self.others):
            listings = await levels.pending_live(self.pool, channel.name, 100)
            await bring_to_targets(
                self.pool,
                channel,
                self.rules,
                listings,
                Errand(live=True),
                set(),
            )

    async def drifts(self, *, open_only: bool = False) -> list[DriftRow]:
        """What is recorded, the oldest first."""
        return list(reversed(await records.drifts(self.pool, open_only=open_only)))

    async def causes(self) -> list[tuple[str, str, int | None, int | None, str]]:
        """SKU, cause, expected, shown and action of each recorded drift."""
        return [(d.sku, d.cause, d.expected, d.shown, d.action) for d in await self.drifts()]

    async def an_hour_passes(self) -> None:
        """Since everything was told."""
        async with self.pool.connection() as connection:
            await connection.execute(
                "UPDATE level SET blind_at = blind_at - interval '1 hour', fixed_at = fixed_at - interval '1 hour', "
                "booked_at = booked_at - interval '1 hour', shown_at = shown_at - interval '1 hour'"
            )
            await connection.execute("UPDATE push SET answered_at = answered_at - interval '1 hour'")

    def sells(self, number: str, sku: str, pieces: int, ago: timedelta = timedelta()) -> ChannelOrder:
        """A buyer orders and nobody is told; the level falls on the channel."""
        self.channel.sold(f"{self.channel.name}-{sku}", pieces)
        at = datetime.now(UTC) - ago
        line = SoldLine("1", (f"{self.channel.name}-{sku}",), sku, pieces, 0)
        order = ChannelOrder(number, version_of(at), at, at, (line,))
        self.channel.orders.by_id[number] = order
        return order


@pytest.fixture
def web(selling: Selling) -> Desk:
    """The channel that is set blindly; it shows at once what it was told."""
    desk = Desk(selling.pool, selling.web, [selling.store])
    patient(desk, 0.0)
    return desk


@pytest.fixture
def store(selling: Selling) -> Desk:
    """The channel that compares, and whose levels are changed exactly once; it shows at once what it was told."""
    desk = Desk(selling.pool, selling.store, [selling.web])
    patient(desk, 0.0)
    return desk


def patient(desk: Desk, seconds: float) -> None:
    """Its channel may take so long to show what it was told."""
    desk.channel.capabilities = replace(desk.channel.capabilities, visible_within_seconds=seconds)
