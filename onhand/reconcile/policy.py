"""What the steps of a read-back share: whose it is, and how drift is answered."""

from dataclasses import dataclass, field

from onhand.background import Wake
from onhand.channels.base import Channel
from onhand.domain.drift import Response
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.ledger.database import Pool


@dataclass(frozen=True, slots=True)
class Policy:
    """How read-backs judge, as configured.

    `accept_overselling`: listings that go on selling at zero do so on purpose. `public_url`: where webhooks are
    expected, empty where orders are only swept. `intake_seconds`: how long orders that a sweep found may take to be
    posted; `repair_seconds`: how long what is told again may take to show.
    """

    response: Response = field(default_factory=Response)
    accept_overselling: bool = False
    public_url: str = ""
    intake_seconds: float = 30.0
    repair_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class ReadBack:
    """One channel's part of a read-back. `wake_intakes` and `wake_publishers` signal whoever got something to do."""

    id: str
    pool: Pool
    channel: Channel
    rules: RuleBook
    policy: Policy
    wake_intakes: Wake
    wake_publishers: Wake

    @property
    def name(self) -> str:
        """The channel's."""
        return self.channel.name

    @property
    def channel_rules(self) -> ChannelRules:
        """How the channel takes part."""
        return self.rules.channels[self.channel.name]
