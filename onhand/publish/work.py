"""What is known so far of the levels of one errand: targets, beliefs, outcomes."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from onhand.channels.base import Channel, ItemRef, LevelKey, ShownLevel
from onhand.channels.errors import ChannelError, RowRejected
from onhand.domain.beliefs import Belief
from onhand.domain.demand import CUT_OFF_SECONDS
from onhand.domain.targets import Target
from onhand.ledger.levels import NO_CLAIM, Failure, Left, LevelLearnt, Push, Spot

MOMENTS_CUT_OFF = timedelta(seconds=CUT_OFF_SECONDS)


@dataclass(frozen=True, slots=True)
class Errand:
    """Why levels are being pushed: the run (empty: none), the positions of its plan, and the attempt.

    `distrust`: read every level back before deciding, whatever we believe. `live`: somebody may buy in this moment:
    the best kind of write the channel has is used, and its budget is taken before that of runs. `let_through`: it may
    tell what the source said, as a run that the guard has let through or a person who named the SKU may.
    """

    run_id: str = ""
    positions: dict[Spot, int] = field(default_factory=dict)
    attempt: int = 1
    distrust: bool = False
    live: bool = False
    let_through: bool = False


@dataclass(slots=True)
class Work:
    """What is known so far of the levels of one errand; everything that is sent or read back goes through one.

    `beliefs` are of the levels that were claimed, and of no others. `books` is what a decision compares with: None
    where the level has to be read or cannot be known.
    """

    targets: dict[Spot, Target]
    beliefs: dict[Spot, Belief[datetime]]
    books: dict[Spot, int | None]
    pending_elsewhere: set[int]
    """Listings that somebody else is telling something, or still has to."""
    claim: int = NO_CLAIM
    """The number the levels of `beliefs` were claimed by."""
    seen: dict[Spot, int | None] = field(default_factory=dict)
    """Levels of these listings that were looked at and not claimed, with what was believed of them."""
    in_flight: set[Spot] = field(default_factory=set)
    """Levels that a write went out for and that nobody knows the fate of."""
    pushes: list[Push] = field(default_factory=list)
    outcomes: dict[Spot, str] = field(default_factory=dict)
    failures: dict[Spot, Failure] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)
    """SKUs to be looked at again once this is recorded."""

    def open_spots(self) -> list[Spot]:
        """Levels whose fate is not decided, in their bulk order."""
        return [spot for spot in self.targets if spot not in self.outcomes]

    def fail(self, spot: Spot, error: ChannelError) -> None:
        """A level could not be set: its fate is decided, with the reason."""
        self.outcomes[spot] = "failed"
        self.failures[spot] = Failure(*spot, type(error).__name__, error.sentence, error.advice)

    def left(self) -> dict[Spot, Left]:
        """How the levels of these listings stand as long as nobody else had them since."""
        looked_at = {spot: (NO_CLAIM, book) for spot, book in self.seen.items()}
        return looked_at | dict.fromkeys(self.beliefs, (self.claim, None))

    def learnt(self, location_of: dict[str, str]) -> list[LevelLearnt]:
        """What is to be booked of each claimed level; `location_of`: where unheard sales of a place are taken off."""
        return [
            LevelLearnt(
                *spot,
                expected=None if spot in self.in_flight else belief.expected,
                seen=None if spot in self.in_flight else belief.seen,
                shortfall=belief.shortfall,
                surplus=belief.surplus,
                blind=belief.blind,
                problem=belief.problem,
                location=location_of.get(spot[1], ""),
                looked=belief.found,
                asked=None if belief.asked is None else belief.asked - MOMENTS_CUT_OFF,
            )
            for spot, belief in self.beliefs.items()
        ]


def key_of(target: Target) -> LevelKey:
    """How the channel is asked about this level."""
    state = target.state
    item = ItemRef(state.listing_id, state.sku, state.item_id, state.parent_id, state.tracking)
    return LevelKey(item, target.place)


def lost_write(channel: Channel, target: Target, level: ShownLevel) -> RowRejected:
    """What is told of a write that was answered with success and does not show."""
    return RowRejected(
        channel.name,
        f"setting SKU {target.state.sku} to {target.quantity}",
        f"the write was answered with success, but the channel shows {level.quantity} {level.problem}".strip(),
        advice="A lost write or another program's; it is written again.",
    )
