"""Look ahead: every level a sync would change, found without writing anything anywhere.

The source is read and its rows become corrections that are held beside the ledger instead of being
posted to it. Then every listing's targets are worked out as a run would, and what we do not know of the
channel is read from it (reading is not writing).
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from onhand.channels.base import Channel, LevelKey, ShownLevel
from onhand.channels.errors import ChannelError
from onhand.domain import counts
from onhand.domain.counts import Count, CountConflictError, Shelf, StaleCountError
from onhand.domain.listings import RuleBook
from onhand.domain.targets import Target, all_targets, with_changes
from onhand.ledger import counters, kits, levels, stock, zero_hiding
from onhand.ledger.counters import Counter
from onhand.ledger.database import Pool
from onhand.ledger.levels import ListingCursor
from onhand.ledger.posting import count_of_kit
from onhand.publish.work import key_of
from onhand.sources.base import Page, SkuDirectory, Source

PAGE_LISTINGS = 1_000
SAMPLES_MAX = 20


@dataclass(frozen=True, slots=True)
class LevelChange:
    """A level that a sync would set. `before` None: the channel states none, and `problem` says why.

    `sight`: "hidden" or "shown" where its listing then shows nothing, or something again, and goes out of or into sight
    (`hide_at_zero`).
    """

    channel: str
    sku: str
    item_id: str
    place: str
    before: int | None
    after: int
    problem: str = ""
    sight: str = ""


@dataclass(slots=True)
class ChannelForecast:
    """What a sync would do on one channel, in numbers. `error`: it could not be looked at to the end."""

    channel: str
    levels: int = 0
    changes: int = 0
    reads: int = 0
    error: str = ""


@dataclass(slots=True)
class Forecast:
    """What a sync would do, filled in while `preview` runs. Rows are the source's."""

    rows: int = 0
    corrections: int = 0
    refused: int = 0
    refusals: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    channels: dict[str, ChannelForecast] = field(default_factory=dict)

    @property
    def changes(self) -> int:
        """Levels that would change, on all channels."""
        return sum(channel.changes for channel in self.channels.values())

    @property
    def failed(self) -> list[ChannelForecast]:
        """Channels that could not be looked at to the end."""
        return [channel for channel in self.channels.values() if channel.error]


@dataclass(frozen=True, slots=True)
class Look:
    """What to look at: every level read back (`full`) or only those we do not know; all SKUs or some."""

    full: bool = False
    skus: Sequence[str] | None = None


class Overlay:
    """Corrections that would be posted, beside the ledger. Only what differs is kept."""

    def __init__(self) -> None:
        self._changes: dict[str, dict[str, list[tuple[datetime, int]]]] = {}

    def weigh(self, count: Count, shelf: Shelf) -> int:
        """What posting the count would change, knowing the counts weighed before it; it is kept."""
        before = self._changes.get(count.sku, {}).get(count.location, ())
        held = sum(change for _, change in before)
        later = sum(change for moment, change in before if moment > count.as_of)
        seen = replace(shelf, current=shelf.current + held, moved_since=shelf.moved_since + later)
        change = counts.correction(count, seen)
        if change:
            self._changes.setdefault(count.sku, {}).setdefault(count.location, []).append(
                (count.as_of, change)
            )
        return change

    def of(self, sku: str) -> dict[str, int]:
        """Units by location that the SKU would move by."""
        changes = self._changes.get(sku, {})
        return {location: sum(change for _, change in made) for location, made in changes.items()}


async def preview(
    pool: Pool,
    rules: RuleBook,
    channels: Mapping[str, Channel],
    overlay: Overlay,
    look: Look,
    forecast: Forecast,
) -> AsyncGenerator[LevelChange, None]:
    """Every level a sync would change, channel by channel, in the channel's order.

    A channel that cannot be read is noted in the forecast, and the next one is looked at.
    """
    for name, channel in channels.items():
        tally = forecast.channels[name] = ChannelForecast(name)
        try:
            async for change in _on_channel(pool, rules, channel, overlay, look, tally):
                tally.changes += 1
                yield change
        except ChannelError as error:
            tally.error = str(error)


async def read_source(
    pool: Pool,
    source: Source,
    known: SkuDirectory,
    since: Mapping[str, str] | None,
    forecast: Forecast,
    lag: timedelta = timedelta(0),
    kept: Mapping[str, Counter] = MappingProxyType({}),
) -> Overlay:
    """What the source's rows would correct, as a sync would post them. `lag` as in `Count`; `kept` are the locations
    that another party counts. Raises SourceError."""
    overlay = Overlay()
    async for page in source.pages(since, known):
        stated = [row.as_count(f"source/{source.name}", row.origin, lag) for row in page.rows]
        _note_page(page, forecast)
        await _weigh(pool, stated, kept, overlay, forecast)
    return overlay


def _note_page(page: Page, forecast: Forecast) -> None:
    forecast.rows += len(page.rows) + len(page.bad_rows)
    _refuse(forecast, [bad.message for bad in page.bad_rows])
    forecast.incomplete += [f"{f.subject}: {f.message}" for f in page.findings if not f.ok]


async def _weigh(
    pool: Pool, stated: Sequence[Count], kept: Mapping[str, Counter], overlay: Overlay, forecast: Forecast
) -> None:
    refusals = [counters.refusal(count, kept) for count in stated]
    _refuse(forecast, [refusal for refusal in refusals if refusal])
    stated = [
        counters.lagging(count, kept) for count, refusal in zip(stated, refusals, strict=True) if not refusal
    ]
    shelves = await stock.shelves_now(pool, stated)
    missing = [count.sku for count, shelf in zip(stated, shelves, strict=True) if shelf is None]
    of_kits = await kits.kits_among(pool, missing)
    for count, shelf in zip(stated, shelves, strict=True):
        if count.sku in of_kits:
            judged = count_of_kit(count)
            _refuse(forecast, [judged.message] if judged.verdict.refused else [])
            continue
        if shelf is None:
            _refuse(forecast, [f"the ledger does not know {count.sku} at {count.location}"])
            continue
        try:
            forecast.corrections += bool(overlay.weigh(count, shelf))
        except StaleCountError:
            continue  # a sync leaves it, too
        except CountConflictError as error:
            _refuse(forecast, [str(error)])


def _refuse(forecast: Forecast, messages: Sequence[str]) -> None:
    forecast.refused += len(messages)
    forecast.refusals += messages[: max(0, SAMPLES_MAX - len(forecast.refusals))]


async def _on_channel(
    pool: Pool, rules: RuleBook, channel: Channel, overlay: Overlay, look: Look, tally: ChannelForecast
) -> AsyncIterator[LevelChange]:
    cursor: ListingCursor | None = ListingCursor()
    while cursor is not None:
        listings, cursor = await levels.listing_page(pool, channel.name, cursor, PAGE_LISTINGS, look.skus)
        states = await levels.listing_states(pool, channel.name, listings, siblings=rules.needs_siblings)
        moved = [with_changes(state, overlay.of) for state in states]
        targets = all_targets(moved, rules)
        tally.levels += len(targets)
        shown = await _read(channel, [t for t in targets if look.full or t.book is None], tally)
        sights = await _sights(pool, rules, channel, targets)
        for target in targets:
            change = _change(channel.name, target, shown.get(key_of(target)))
            if change is not None:
                yield replace(change, sight=sights.get(target.state.listing_id, ""))


async def _sights(pool: Pool, rules: RuleBook, channel: Channel, targets: Sequence[Target]) -> dict[int, str]:
    """Listings that go out of sight, or come back, once they show these levels. What is halted is left to its halt."""
    if not channel.capabilities.hides:
        return {}
    units: dict[int, int] = {}
    for target in targets:
        if not target.state.halted:
            units[target.state.listing_id] = units.get(target.state.listing_id, 0) + target.quantity
    hidden = await zero_hiding.hidden(pool, list(units))
    wanted = rules.channels[channel.name].hides_at_zero
    sights = {}
    for listing, left in units.items():
        hide = wanted and not left
        if hide is not (listing in hidden):
            sights[listing] = "hidden" if hide else "shown"
    return sights


async def _read(
    channel: Channel, targets: Sequence[Target], tally: ChannelForecast
) -> dict[LevelKey, ShownLevel]:
    answers: dict[LevelKey, ShownLevel] = {}
    size = channel.capabilities.bulk_size
    for start in range(0, len(targets), size):
        keys = [key_of(target) for target in targets[start : start + size]]
        answers.update(zip(keys, await channel.read_levels(keys), strict=True))
        tally.reads += len(keys)
    return answers


def _change(channel: str, target: Target, shown: ShownLevel | None) -> LevelChange | None:
    before = target.book if shown is None else shown.quantity
    problem = "" if shown is None else shown.problem
    if before == target.quantity and not problem:
        return None
    state = target.state
    return LevelChange(channel, state.sku, state.item_id, target.place, before, target.quantity, problem)
