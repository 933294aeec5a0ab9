"""What the API answers: one model for each thing, made from the ledger's records."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from onhand.domain.states import State
from onhand.explain.explanation import Explanation
from onhand.explain.sentences import held_up, kept_sentence, promise_sentence
from onhand.ledger.runs import RunChannelRow, RunFailureRow, RunRow
from onhand.ledger.stock import BalanceRow, ChannelRow, EventRow, ListingFacts, SkuCard
from onhand.ledger.work import ChannelWork


class Answer(BaseModel):
    """What all of them share."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    @classmethod
    def of(cls, record: object) -> Self:
        """The answer made of a record with fields of the same names."""
        return cls.model_validate(record)


class Health(Answer):
    """The process is up."""

    status: str = Field(examples=["ok"])
    wakeups_lost: int = Field(
        description="Signals to intake and publishers that Temporal did not take since this process started; the order "
        "sweep made up for them, late.",
        examples=[0],
    )


class Readiness(Answer):
    """Whether requests can be answered. `problems` names what is missing, with the reason."""

    ready: bool
    problems: dict[str, str] = Field(examples=[{"temporal": "no answer within 3 s"}])


class Run(Answer):
    """One sync run, from reading the source to the last channel."""

    id: str = Field(description="Also the id of its workflow.", examples=["sync-run-2026-11-21T07:00:00Z"])
    status: str = Field(description='"running", "success", "partial" or "failed".', examples=["success"])
    started_at: datetime
    finished_at: datetime | None = Field(description="null while it is running.")
    summary: str = Field(examples=["312 changed, 0 failed of 600 levels"])
    request: dict[str, Any] = Field(description="What was asked for.", examples=[{"trigger": "schedule"}])
    rows_read: int = Field(description="Rows of the source that were read.", examples=[300])
    rows_posted: int = Field(description="Rows that changed the ledger.", examples=[156])
    rows_unchanged: int = Field(description="Rows that stated what the ledger had.", examples=[144])
    rows_refused: int = Field(description="Rows that could not be taken.", examples=[0])


class Runs(Answer):
    """Recent runs, newest first."""

    runs: list[Run]


class RunChannel(Answer):
    """What a run did on one channel, in levels; a level is a listing at a place of the channel."""

    channel: str = Field(examples=["shopify"])
    platform: str = Field(examples=["shopify"])
    status: str = Field(
        description='"running", "success", "partial", "failed", "held", or "skipped": an operator has paused it.',
        examples=["success"],
    )
    started_at: datetime
    finished_at: datetime | None
    levels: int = Field(description="Levels looked at.", examples=[600])
    planned: int = Field(description="Levels that had to be told or proven.", examples=[312])
    changed: int = Field(examples=[312])
    unchanged: int = Field(examples=[288])
    skipped: int = Field(description="Active SKUs that the channel has no listing for.", examples=[2])
    failed: int = Field(examples=[0])
    reads: int = Field(description="Calls that read.", examples=[1])
    writes: int = Field(description="Calls that wrote.", examples=[3])
    throttled: int = Field(description="Calls that the channel asked to repeat later.", examples=[0])
    waited_seconds: float = Field(description="Time spent waiting on the channel's limits.", examples=[0.4])
    message: str


class RunFailure(Answer):
    """A level that a run could not set."""

    channel: str = Field(examples=["woocommerce"])
    sku: str = Field(examples=["23321"])
    item_id: str = Field(description="The listing as the channel knows it.", examples=["17"])
    place: str = Field(description="Empty where the channel keeps one number.", examples=[""])
    failed_at: datetime
    category: str
    message: str = Field(examples=["the product was deleted"])
    advice: str = Field(examples=["run onhand mapping discover --channel woocommerce"])


class RunDetail(Run):
    """A run with its channels and its first failures."""

    channels: list[RunChannel]
    failures: list[RunFailure]

    @classmethod
    def build(cls, run: RunRow, channels: list[RunChannelRow], failures: list[RunFailureRow]) -> Self:
        """Put together from the three records."""
        return cls(
            **dict(Run.of(run)),
            channels=[RunChannel.of(row) for row in channels],
            failures=[RunFailure.of(row) for row in failures],
        )


class Channel(Answer):
    """How a channel stands."""

    channel: str = Field(examples=["shopify"])
    platform: str = Field(examples=["shopify"])
    enabled: bool = Field(description="Whether the configuration has it switched on.")
    mapped_at: datetime | None = Field(description="When its listings were last looked up.")
    listings: int = Field(description="Active listings.", examples=[300])
    pending: int = Field(description="Listings that still have to be told something.", examples=[0])
    pending_since: datetime | None = Field(description="Since when the oldest of them waits.")
    parked: int = Field(
        description="Listings whose own update gave up; they wait for a person.", examples=[0]
    )
    pushed_at: datetime | None = Field(description="When a level was last sent.")
    push_outcome: str | None = Field(description="What became of it.", examples=["accepted"])
    run_id: str | None = Field(description="The last run that took it in.")
    run_status: str | None = Field(description="What that run came to on this channel.", examples=["success"])
    inbox: int = Field(description="Deliveries of it that wait to be taken.", examples=[0])
    held_up: str = Field(
        description="What keeps changes from being told to it at once; empty where nothing does.",
        examples=["Telling it changes was paused 3 min ago (stocktaking)."],
    )

    @classmethod
    def build(cls, row: ChannelRow, enabled: bool, work: ChannelWork | None, now: datetime) -> Self:
        """From the ledger's records and the configuration."""
        names = cls.model_fields.keys() - {"enabled", "inbox", "held_up"}
        return cls(
            enabled=enabled,
            inbox=0 if work is None else work.inbox,
            held_up="" if work is None else held_up(work.hold, now).strip(),
            **{name: getattr(row, name) for name in names},
        )


class Channels(Answer):
    """Every channel of the configuration that the ledger knows."""

    channels: list[Channel]


class Sku(Answer):
    """A SKU by its names."""

    code: str = Field(examples=["23321"])
    name: str = Field(examples=["WHITE HANGING HEART T-LIGHT HOLDER"])
    barcode: str
    status: str = Field(description='"active" or "discontinued".', examples=["active"])


class Balance(Answer):
    """Units of a SKU at one location."""

    location: str = Field(examples=["leeds"])
    on_hand: int = Field(description="What one would count on the shelf.", examples=[12])
    states: dict[State, int] = Field(
        description="Units by state. `supplier`, `customer`, `shrinkage` and `found` are outside the business.",
        examples=[{"available": 10, "committed": 2}],
    )
    version: int = Field(description="Ledger lines that made it.", examples=[3])
    moved_at: datetime

    @classmethod
    def build(cls, row: BalanceRow) -> Self:
        """From the ledger's record."""
        return cls(
            location=row.location,
            on_hand=row.on_hand,
            states=dict(row.units),
            version=row.version,
            moved_at=row.moved_at,
        )


class Level(Answer):
    """What is known of a listing at one place of its channel."""

    place: str = Field(description="Empty where the channel keeps one number.")
    book: int | None = Field(
        description="What we believe it shows; null: never read or written.", examples=[7]
    )
    booked_at: datetime | None
    shown: int | None = Field(description="What the channel itself answered last.", examples=[7])
    shown_at: datetime | None
    problem: str
    given_back: int = Field(
        default=0,
        description="Pieces sold there that a write which cannot compare had put on show again, since it is known.",
        examples=[0],
    )


class Listing(Answer):
    """A SKU as one channel knows it."""

    channel: str
    platform: str
    item_id: str
    units: int = Field(description="Units of the SKU that one sold piece takes.")
    pending: bool = Field(description="Whether the channel still has to be told something.")
    parked: bool = Field(description="Whether its own update gave up.")
    levels: list[Level]

    @classmethod
    def build(cls, row: ListingFacts) -> Self:
        """From the ledger's record."""
        return cls(
            channel=row.channel,
            platform=row.platform,
            item_id=row.item_id,
            units=row.units,
            pending=row.pending is not None,
            parked=row.parked is not None,
            levels=[Level.of(level) for level in row.levels],
        )


class Stock(Answer):
    """What there is of a SKU, where, in which state, and what its listings show."""

    sku: Sku
    balances: list[Balance]
    listings: list[Listing]

    @classmethod
    def build(cls, sku: SkuCard, balances: list[BalanceRow], listings: list[ListingFacts]) -> Self:
        """Put together from the three records."""
        return cls(
            sku=Sku.of(sku),
            balances=[Balance.build(row) for row in balances],
            listings=[Listing.build(row) for row in listings],
        )


class Step(Answer):
    """One rule applied: the number before and after it, and why."""

    rule: str = Field(examples=["buffer"])
    before: int = Field(examples=[80])
    after: int = Field(examples=[72])
    reason: str = Field(examples=["buffer of lesser of 10 % and 10 units holds back 8"])


class Push(Answer):
    """A level that was sent, and what came back."""

    place: str
    run_id: str | None
    before: int | None
    quantity: int
    outcome: str = Field(examples=["accepted"])
    echo: int | None = Field(description="The level that the channel's answer stated.")
    message: str | None
    attempt: int
    sent_at: datetime
    answered_at: datetime


class ExplainedLevel(Answer):
    """One level: what it should be, by which steps, and what we know of it."""

    sentence: str = Field(
        examples=["shopify shows 72 because 80 are available at leeds and 8 are held back."]
    )
    channel: str
    item_id: str
    place: str
    rule: str = Field(
        description="The key of the configuration that decided.", examples=["channels.shopify.rule"]
    )
    rule_reason: str = Field(
        description="Why that rule decides, where several could; empty where none else does.",
        examples=["is for tag clearance on shopify and goes before channels.shopify.rule"],
    )
    target: int = Field(description="What it should show now.")
    steps: list[Step]
    known: Level
    pending_since: datetime | None = Field(description="Since when the channel has to be told.")
    given_up: str | None = Field(description="Why its own update gave up.")
    in_flight: bool = Field(description="Whether it is being read or written at the channel now.")
    held_up: str = Field(
        description="What keeps changes from being told to the channel at once; empty where nothing does.",
        examples=["Telling it changes was paused 3 min ago (stocktaking)."],
    )
    pushes: list[Push]


class Provisional(Answer):
    """Sales that a channel's answer told of and no order yet; they are off the pool."""

    channel: str
    item_id: str
    place: str
    location: str = Field(description="Where they are taken off.")
    pieces: int = Field(description="Pieces of the listing.", examples=[1])
    units: int = Field(description="Units of the SKU that one piece takes.", examples=[1])
    since: datetime


class Line(Answer):
    """One ledger line: units that entered or left a state, and what was there after."""

    location: str
    state: State
    quantity: int
    balance_after: int


class Event(Answer):
    """One fact that moved stock."""

    kind: str = Field(examples=["receipt"])
    source: str
    external_id: str
    occurred_at: datetime
    recorded_at: datetime
    detail: dict[str, str]
    lines: list[Line]

    @classmethod
    def build(cls, row: EventRow) -> Self:
        """From the ledger's record."""
        return cls.model_validate(row)


class Explained(Answer):
    """Why the channels show what they show of a SKU."""

    sku: Sku
    levels: list[ExplainedLevel]
    unlisted: list[str] = Field(description="Channels without a listing of the SKU.")
    off: list[str] = Field(description="Channels that have one and are switched off.")
    balances: list[Balance]
    provisional: list[Provisional]
    kept: list[str] = Field(description="What wholesale programmes keep of it, in words.")
    promises: list[str] = Field(
        description="Orders that wait for units which have not arrived, in words; those that are served first in front."
    )
    events: list[Event] = Field(description="The newest first.")

    @classmethod
    def build(cls, found: Explanation) -> Self:
        """From the explanation that the command line prints, too."""
        return cls(
            sku=Sku.of(found.sku),
            levels=[
                ExplainedLevel(
                    sentence=level.sentence,
                    channel=level.channel,
                    item_id=level.item_id,
                    place=level.place,
                    rule=level.rule,
                    rule_reason=level.rule_reason,
                    target=level.target,
                    steps=[Step.of(step) for step in level.steps],
                    known=Level.of(level.known),
                    pending_since=level.pending.since if level.pending else None,
                    given_up=level.parked.message if level.parked else None,
                    in_flight=level.in_flight,
                    held_up=held_up(level.hold, found.asked_at).strip() if level.hold else "",
                    pushes=[Push.of(push) for push in level.pushes],
                )
                for level in found.levels
            ],
            unlisted=list(found.unlisted),
            off=list(found.off),
            balances=[Balance.build(row) for row in found.balances],
            provisional=[Provisional.of(sale) for sale in found.provisional],
            kept=[kept_sentence(each) for each in found.kept],
            promises=[promise_sentence(each) for each in found.promises],
            events=[Event.build(row) for row in found.events],
        )
