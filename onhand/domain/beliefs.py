"""What is learnt of one level while it is claimed, and what a look at it changes of what it is told. Pure."""

from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from onhand.domain.targets import Target

Moment = TypeVar("Moment")


@dataclass(slots=True)
class Belief(Generic[Moment]):
    """What is learnt of one level while it is claimed.

    `expected` is what it shows if nobody sold there unheard, `seen` what the channel stated last. `shortfall` counts
    the pieces by which its statements fell short of what was expected: sales nobody told us of, unless they are heard
    of in the meantime; None where a statement above what was expected leaves that open. `surplus` counts the pieces
    above: put back by a cancellation or a person that nobody told us of.
    """

    expected: int | None
    seen: int | None = None
    shortfall: int | None = 0
    surplus: int = 0
    blind: bool = False
    problem: str = ""
    mendable: bool = False
    looked: bool = field(default=False, compare=False)
    """Whether the channel was asked within this errand."""
    lost: bool = field(init=False, compare=False)
    """Whether nothing was believed of it when it was claimed."""
    found: int | None = field(default=None, compare=False)
    """What it showed at the first look after that, less pieces by which later statements fell short."""
    asked: Moment | None = field(default=None, compare=False)
    """When the channel was asked for its last statement, or told blindly: what was sold before is in it, or undone."""

    def __post_init__(self) -> None:
        self.lost = self.expected is None

    def read(self, quantity: int | None, asked: Moment, *, problem: str = "", mendable: bool = False) -> None:
        """The channel was asked, at that moment, and stated so much (None: no level, for a problem that a write may
        mend or not).
        """
        self.asked = asked
        self.mendable, self.looked = mendable, True
        self._seen(quantity)
        if self.lost and self.found is None and quantity is not None:
            self.found = max(0, quantity)
        self.expected = quantity
        self.problem = problem

    def written(self, quantity: int, echo: int | None, asked: Moment, *, blind: bool) -> None:
        """A write sent at that moment was accepted. `blind`: it undid whatever was sold before it took effect."""
        if echo is not None or blind:
            self.asked = asked
        self.blind = blind
        self.expected = quantity
        self.problem = ""
        if blind or echo is None:
            self.seen = echo
        else:
            self._seen(echo)

    @property
    def told_of_others(self) -> bool:
        """Whether the channel stated something that nobody had told us of: its SKU's other listings show too much, or
        too little."""
        return bool(self.shortfall or self.surplus)

    def _seen(self, quantity: int | None) -> None:
        if quantity is not None and self.expected is not None and self.found is not None:
            self.found -= max(0, self.expected - quantity)
        if quantity is None or self.expected is None:
            self.shortfall = None
        elif quantity > self.expected:
            self.shortfall = None
            self.surplus += quantity - self.expected
        elif self.shortfall is not None:
            self.shortfall += self.expected - quantity
        self.seen = quantity


def corrected(
    target: Target, belief: Belief[Moment], shortfall: int | None, *, listens: bool
) -> tuple[Target, bool]:
    """What the level is told now that it was looked at, and whether its SKU is to be decided anew after that.

    `shortfall` is that of the belief before the look; `listens`: what it fell short by are sales.
    """
    later = _raised_later(target, belief)
    told = _less_unheard(later, belief, shortfall) if listens else later
    if target.look:
        return _raised_by_nobody(told, belief), True
    return told, later is not target


def _raised_later(target: Target, belief: Belief[Moment]) -> Target:
    """A level in shares that was lost sight of is not raised at once: what it showed more may be sold, and unheard."""
    seen = belief.seen
    own = (target.state.listing_id, target.place)
    was_known = any(
        holder.units > 0 for holder in target.state.holders if (holder.listing_id, holder.place) == own
    )
    if not (target.divides and was_known and belief.lost) or seen is None or target.quantity <= seen:
        return target
    return replace(target, quantity=max(0, seen))


def _less_unheard(target: Target, belief: Belief[Moment], shortfall: int | None) -> Target:
    """Sales that a look told of are off the pool at once: writing the old target would give them back."""
    missing = (belief.shortfall or 0) - (shortfall or 0)
    return replace(target, quantity=max(0, target.quantity - missing)) if missing > 0 else target


def _raised_by_nobody(target: Target, belief: Belief[Moment]) -> Target:
    """One that fell silent is not raised by whoever believed that it showed more."""
    if belief.seen is None:
        return target
    return replace(target, quantity=min(target.quantity, max(0, belief.seen)))
