"""The order sweep of one channel, and what only a sweep can know: what was missed, and what was no sale at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.client import Client

from activities.beating import heartbeats
from activities.errors import sorted_errors
from activities.live import start_updates
from onhand import authority, overselling, planning, promising, stock_watch, sweeping, tiers
from onhand.alerts.slack import Slack
from onhand.authority import Authority
from onhand.channels.base import Channel
from onhand.domain.listings import RuleBook
from onhand.domain.velocity import TierRules
from onhand.hiding_at_zero import hide_and_show
from onhand.ledger import levels
from onhand.ledger.database import Pool
from onhand.messages import SweepRequest, SweepResult
from onhand.settings import Settings
from onhand.spiking import look_for_spikes
from onhand.waking import wake_intakes, wake_publishers

UPDATES_MAX = 500
"""Updates of single SKUs that one sweep makes sure of; the next one sees to the others."""


@dataclass(frozen=True)
class SweepSteps:
    """What needs the ledger, the channels, Temporal and people. `public_url` empty: no webhooks are expected.

    `attempts`: of one SKU's own update.
    """

    pool: Pool
    client: Client
    channels: Mapping[str, Channel]
    public_url: str
    tiers: TierRules
    rules: RuleBook
    authority: Authority
    attempts: int
    settings: Settings
    slack: Slack

    @activity.defn
    async def sweep_orders(self, request: SweepRequest) -> SweepResult:
        """Put the orders that no webhook told of into the inbox; wake whoever has work and sleeps."""
        channel = self.channels[request.channel]
        async with heartbeats(), sorted_errors():
            await self._wake(request.channel)
            read = await authority.read_noted(self.pool, channel, datetime.now(UTC), self.authority)
            patience = timedelta(seconds=self.settings.schedule.disprove_after_seconds)
            swept = await sweeping.sweep(self.pool, channel, datetime.now(UTC), patience)
            await wake_intakes(self.client, sorted(swept.woken))
            rules = self.rules.channels[request.channel]
            told = await authority.count_noted(self.pool, request.channel, rules, read, self.authority)
            hooks = ""
            if request.look_at_hooks and self.public_url:
                hooks = await sweeping.mend_hooks(self.pool, channel, self.public_url)
            paced = set[str]()
            refreshed = await tiers.refresh_if_due(self.pool, self.tiers, datetime.now(UTC))
            if refreshed is not None:
                paced = await tiers.refresh_buffers(self.pool, self.rules)
            await planning.refresh_if_due(self.pool, self.settings.planning.policy(), datetime.now(UTC))
            await stock_watch.watch(self.pool, self.settings, self.slack, whole=refreshed is not None)
            await hide_and_show(
                self.pool, channel, enabled=self.rules.channels[request.channel].hides_at_zero
            )
            kept = await promising.keep(self.pool, self.settings, self.slack, datetime.now(UTC))
            oversold = await overselling.look_for_oversells(self.pool, self.settings, self.slack)
            spiking = await look_for_spikes(self.pool, self.settings, self.slack, datetime.now(UTC))
        woken = swept.disproved_woken | told | paced | kept.woken | oversold.woken | spiking.woken
        await wake_publishers(self.client, sorted(woken & self.channels.keys()))
        return SweepResult(
            channel=request.channel,
            orders=swept.orders,
            missed=swept.missed,
            dropped=swept.dropped,
            hooks=hooks,
        )

    async def _wake(self, channel: str) -> None:
        """A signal can be lost in a crash, between the commit and Temporal; what waits is seen here."""
        pending = await sweeping.pending(self.pool, channel)
        if pending.inbox:
            await wake_intakes(self.client, [channel])
        if pending.outbox:
            await wake_publishers(self.client, [channel])
        # What failed alone has an update of its own. Should one have ended while the publisher left a SKU to it, or
        # should the worker have died before it was started, nobody else would tell that SKU's listings.
        if skus := await levels.isolated_skus(self.pool, channel, UPDATES_MAX):
            await start_updates(self.client, channel, skus, self.attempts)
