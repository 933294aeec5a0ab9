"""Keeping the listings of a channel fresh."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio import activity

from activities.beating import heartbeats
from activities.errors import sorted_errors
from onhand.channels.base import Channel
from onhand.domain.listings import RuleBook
from onhand.ledger import catalogue
from onhand.ledger.catalogue import MappingState
from onhand.ledger.database import Pool
from onhand.mapping import discover_channel
from onhand.messages import LoadMapping, MappingResult


@dataclass(frozen=True)
class MappingSteps:
    """What needs the ledger and the channels."""

    pool: Pool
    channels: Mapping[str, Channel]
    rules: RuleBook
    fresh: timedelta

    @activity.defn
    async def load_mapping(self, load: LoadMapping) -> MappingResult:
        """Discover the channel's listings when they are older than allowed; otherwise only say how they stand."""
        (state,) = await catalogue.mapping_state(self.pool, [load.channel])
        warning = ""
        discovered = not self._is_fresh(state)
        if discovered:
            places = list(self.rules.channels[load.channel].places)
            async with heartbeats(), sorted_errors():
                report = await discover_channel(self.pool, self.channels[load.channel], places)
            warning = report.warning
            (state,) = await catalogue.mapping_state(self.pool, [load.channel])
        return MappingResult(
            channel=load.channel,
            listings=state.listings,
            unmapped=state.unmapped,
            discovered=discovered,
            warning=warning,
        )

    def _is_fresh(self, state: MappingState) -> bool:
        return state.mapped_at is not None and datetime.now(UTC) - state.mapped_at < self.fresh
