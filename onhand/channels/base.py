"""The promise every sales channel keeps, and the records that cross it.

A new channel is one module here, one in the sandbox, and a line of configuration. If it needs
more, this protocol is wrong.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from onhand.channels.errors import ChannelError
from onhand.domain.sales import ChannelOrder

NO_PLACE = ""
"""The place of a level on a channel that keeps one number per listing and knows no locations."""


class WriteKind(StrEnum):
    """How a level can be written, best first (design: "What decides oversell")."""

    RELATIVE = "relative, exactly once"
    COMPARE_AND_SET = "compare-and-set"
    ABSOLUTE = "absolute"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can do, declared by its adapter; nothing else in Onhand asks which platform it is.

    `bulk_size`: most levels one call of `set_levels` takes. `concurrency`: calls of `set_levels` that
    are useful at once; the adapter itself paces beyond that. `calls_a_step`: calls that one step of a
    workflow makes, each decided and recorded by itself: few enough for a step of under five seconds within
    the platform's limits, so that letting go of a worker loses little. `write_kind`: how `set_levels` writes.
    `changes`: whether `change_levels` is there (relative, exactly once), the best kind for live changes.
    `places`: whether levels are kept per location of the channel. `echoes`: whether an answer to a write
    proves the level; where it does not, written levels are read back, first after `visible_after_seconds`,
    given up (as lost) after `visible_within_seconds`. `walk_size`: levels that one page of `walk_levels` holds,
    about; what a walk costs at least is summed from it. `hides`: whether `set_hidden` can do anything here;
    `hides_products`: it hides and shows whole products, of which all items have to be among those it is given.
    """

    bulk_size: int
    concurrency: int
    write_kind: WriteKind
    places: bool
    echoes: bool
    visible_after_seconds: float = 0.0
    visible_within_seconds: float = 0.0
    changes: bool = False
    calls_a_step: int = 1
    walk_size: int = 100
    hides: bool = False
    hides_products: bool = False


@dataclass(frozen=True, slots=True)
class ItemRef:
    """One listing as the channel knows it.

    `item_id` identifies the thing whose stock is written (Shopify: inventory item GID; WooCommerce:
    product or variation id; BigCommerce: variant or product id). `parent_id` is the product a
    variation belongs to, empty where none. `tracking` is the adapter's own word for how the platform
    tracks it (BigCommerce: "variant" or "product"), empty where it does not matter.
    """

    listing_id: int
    sku: str
    item_id: str
    parent_id: str = ""
    tracking: str = ""


@dataclass(frozen=True, slots=True)
class LevelKey:
    """Where a level lives: a listing, at a place of the channel (NO_PLACE where it has none)."""

    item: ItemRef
    place: str


@dataclass(frozen=True, slots=True)
class LevelWrite:
    """Set the level at `key` to `quantity` units (never negative).

    `shown` is the level we believe the channel shows now. A compare-and-set channel requires it, unless what it shows
    cannot be known and is `ShownLevel.mendable`; an absolute channel ignores it.
    """

    key: LevelKey
    quantity: int
    shown: int | None


@dataclass(frozen=True, slots=True)
class ShownLevel:
    """What the channel answered when asked. `quantity` is None where the item is unknown there or not
    tracked; `problem` then says why in words for an operator. It may be negative: real demand. `mendable`: a write
    without knowing what is `shown` brings the item into order."""

    key: LevelKey
    quantity: int | None
    problem: str = ""
    mendable: bool = False


class Condition(StrEnum):
    """What an item's level means to its shoppers. Where several hold, the first in the order of hidden, untracked,
    overselling is told."""

    SELLING = "selling"
    """The level decides: at zero nothing can be bought."""
    UNTRACKED = "untracked"
    """The platform does not track it: it sells without limit, whatever number it shows."""
    OVERSELLING = "overselling"
    """It is tracked and sells beyond zero: backorders, or a policy to go on selling."""
    HIDDEN = "hidden"
    """Shoppers do not see it or cannot buy it: a draft, unpublished, not visible, purchasing disabled."""


@dataclass(frozen=True, slots=True)
class FoundLevel:
    """What a walk over the whole account states of one item at one place.

    `quantity` is None where the platform states none; `problem` then says why, where that is no condition.
    `changed_at` is the platform's own moment of the last change of this level, where it tells one. `tracking` is that
    of `ItemRef`: an item is named by both (BigCommerce's products and variants share numbers), so both are compared.
    """

    item_id: str
    place: str
    quantity: int | None
    condition: Condition = Condition.SELLING
    changed_at: datetime | None = None
    problem: str = ""
    tracking: str = ""


class Outcome(StrEnum):
    """What became of one written level."""

    ACCEPTED = "accepted"
    """Applied; where the channel echoes, the echo was equal to what was sent."""
    STALE = "stale"
    """Not applied, and nobody's fault: the channel showed another number than we believed, or a neighbour's
    refusal took the call down. Read again where that is needed, decide again, send again."""
    REJECTED = "rejected"
    """Not applied, and sending the same again will not help. `error` says why."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The outcome of one LevelWrite. `echo` is the level the answer stated, None where it stated none."""

    write: LevelWrite
    outcome: Outcome
    echo: int | None = None
    error: ChannelError | None = None


@dataclass(frozen=True, slots=True)
class RemoteItem:
    """One sellable thing found on the channel during discovery, before it is mapped to a SKU.

    `sort_key` orders listings so that neighbours share bulk calls (by parent, by id); it sorts as
    bytes. `writable` is False for what can never be pushed (bundle parents, external products), and
    `problem` says why. `barcode` is empty where the channel has none. `order_ref` is how an order's line
    names the item where that is not by `item_id` (Shopify: the variant's number; BigCommerce: "v" or "p" and
    the number, as variants and products share numbers); the adapter's orders give the same in `SoldLine.refs`.
    """

    item_id: str
    sku: str
    barcode: str
    title: str
    sort_key: str
    parent_id: str = ""
    tracking: str = ""
    writable: bool = True
    problem: str = ""
    order_ref: str = ""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One webhook subscription as the channel lists it.

    `topic` is the platform's word, `url` where it delivers to. `active` is False where the platform has switched it
    off; `problem` then says why, as far as it tells.
    """

    subscription_id: str
    topic: str
    url: str
    active: bool = True
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `onhand channels check` and `doctor`: what was looked at, whether it is well, what to do."""

    subject: str
    ok: bool
    message: str
    advice: str = ""


@dataclass(slots=True)
class Meter:
    """What a channel cost since the last `take`: calls by kind, and seconds spent waiting on its limits."""

    reads: int = 0
    writes: int = 0
    throttled: int = 0
    waited_seconds: float = 0.0
    remaining: dict[str, float] = field(default_factory=dict)
    """The channel's own account of its budget in its latest answer, for people: {"points": 1988.0}."""
    call_seconds: float = 0.0
    """What a call that writes takes, waiting for the budget included: a decaying average; never taken away."""

    def timed(self, seconds: float) -> None:
        """A call that wrote took so long."""
        self.call_seconds += (seconds - self.call_seconds) * (0.3 if self.call_seconds else 1.0)

    def take(self) -> "Meter":
        """What was spent since the last take; calls that overlap are thus counted once, whoever records them."""
        spent = Meter(self.reads, self.writes, self.throttled, self.waited_seconds, dict(self.remaining))
        self.reads = self.writes = self.throttled = 0
        self.waited_seconds = 0.0
        return spent


class Orders(Protocol):
    """A channel's orders, as far as they move stock. Raises ChannelError as `Channel` does."""

    async def read(self, order_ids: Sequence[str]) -> list[ChannelOrder]:
        """These orders as they now stand, in as few calls as the platform allows; one that is gone is left out."""
        ...

    def changed(self, since: datetime) -> AsyncIterator[list[ChannelOrder]]:
        """Every order changed at or after `since` (the channel's clock), page by page, oldest change first."""
        ...


class Hooks(Protocol):
    """A channel's webhook subscriptions: those of ours. Raises ChannelError as `Channel` does."""

    topics: tuple[str, ...]
    """What has to be subscribed to, in the platform's words."""

    async def found(self) -> list[Subscription]:
        """Every subscription that delivers to us or once did, also those the platform has switched off."""
        ...

    async def ensure(self, url: str) -> list[Subscription]:
        """Make every topic deliver to `url`, signed: what is missing is made, what is switched off is switched on.

        Safe to repeat; answers what is there afterwards.
        """
        ...

    async def remove(self, url: str) -> int:
        """Take away every subscription that delivers to `url`; answers how many there were."""
        ...


class Channel(Protocol):
    """A sales channel. One instance per account and process; safe for concurrent use in one event loop."""

    name: str
    capabilities: Capabilities
    meter: Meter
    orders: Orders
    hooks: Hooks

    async def set_levels(
        self, writes: Sequence[LevelWrite], key: str, *, urgent: bool = False
    ) -> list[WriteResult]:
        """Write up to `capabilities.bulk_size` levels; one result for each, in the order given.

        `key` names this attempt's content: the caller sends again what is in doubt under its first key,
        and anything else under another, and a channel with idempotency keys derives its own from it.
        Waits for the channel's budget as long as needed. Brings a listing into a writable condition
        where the platform wants that first (tracking, activation at a location). Raises a
        ChannelError other than RowRejected when the call as a whole failed; sends nothing for an
        empty sequence. `urgent` calls (sales) take the channel's budget before calls that are not.
        """
        ...

    async def change_levels(
        self, writes: Sequence[LevelWrite], key: str, *, urgent: bool = True
    ) -> list[WriteResult]:
        """Change up to `capabilities.bulk_size` levels by `quantity - shown` units each, exactly once per key.

        What was sold there unheard is thereby not given back. A result is ACCEPTED with the level after the change
        as `echo`, whatever it is: one below `quantity` tells of a sale nobody told us of. Only where
        `capabilities.changes`; every write states what is `shown`. Otherwise as `set_levels`.
        """
        ...

    async def read_levels(self, keys: Sequence[LevelKey]) -> list[ShownLevel]:
        """What the channel shows now, one for each key, in the order given, by its cheapest bulk reads."""
        ...

    def walk_levels(self, places: Sequence[str]) -> AsyncIterator[list[FoundLevel]]:
        """Every level of the account at these places, page by page, by the platform's cheapest bulk way.

        Memory does not grow with the account. Items that are no listings of ours are among them, in an order that is
        the platform's own: the caller knows which are listings. A channel without places is walked as at NO_PLACE,
        whatever is asked for. What is added, sold or changed meanwhile shifts nothing: each item that is there from
        beginning to end comes exactly once for each place, and with 0 where the place has never stocked it. Where
        something was deleted meanwhile a neighbour may be missing, so what a walk lacks is to be read by
        `read_levels` before it is called gone. Urgent calls go before those of a walk.
        """
        ...

    async def set_hidden(self, items: Sequence[ItemRef], hidden: bool) -> list[ItemRef]:
        """Take these out of shoppers' sight, or back; answers those for which it is done now, in the order given.

        One that cannot be hidden alone (a variation whose siblings sell on the same page) is left out, and so is
        one that is gone. What the merchant has hidden stays his, as far as the platform lets us tell: left out when it
        is to be hidden, and done, unchanged, when it is to be shown. Safe to repeat. Nothing happens, and nothing is
        answered, where `capabilities.hides` is False.
        """
        ...

    def discover(self) -> AsyncIterator[list[RemoteItem]]:
        """Every sellable thing of the account, page by page."""
        ...

    async def check(self) -> list[Finding]:
        """Reachability, credentials, scopes and settings that would make a level meaningless."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...
