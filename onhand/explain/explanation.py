"""Why a channel shows what it shows: everything that bears on it, put together from bounded reads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from onhand.domain import allocation
from onhand.domain.allocation import Allocation, Step
from onhand.domain.claims import claims_of
from onhand.domain.listings import Component, ListingState, RuleBook
from onhand.domain.precedence import ruling
from onhand.domain.sharing_bound import Standing, standing_of
from onhand.domain.targets import Target, free_for, free_parts, targets_of
from onhand.explain.sentences import (
    adrift,
    held_back,
    in_flight,
    kit_sentence,
    out_of_sight,
    rest_sentence,
    sentence,
)
from onhand.explain.skus import known_sku
from onhand.ledger import (
    authority,
    halts,
    holds,
    kits,
    levels,
    preorders,
    programmes,
    reconcile,
    stock,
    work,
    zero_hiding,
)
from onhand.ledger.authority import Conflict
from onhand.ledger.database import Pool
from onhand.ledger.halts import Halt
from onhand.ledger.holds import HeldRun
from onhand.ledger.kits import Kit
from onhand.ledger.preorders import PromiseRow
from onhand.ledger.programmes import KeptOfSku
from onhand.ledger.reconcile import DriftRow
from onhand.ledger.stock import (
    BalanceRow,
    DeadLetter,
    EventRow,
    LevelFacts,
    ListingFacts,
    Pending,
    Provisional,
    PushRow,
    SkuCard,
)
from onhand.ledger.work import Hold
from onhand.ledger.zero_hiding import Hiding

KITS_MAX = 20
"""Most kits that are told of a component."""
NOTHING_KNOWN = LevelFacts("", None, None, None, None, "")


@dataclass(frozen=True, slots=True)
class LevelExplained:
    """One level: what it should be and by which steps, what we believe and were told, what is on its way.

    `rule` is the key of the rule that decides, `rule_reason` why it does where several could, as a clause that goes on
    from it. `in_flight`: somebody is reading or writing it at the channel in this moment. `hold`: what keeps changes
    from being told to the channel at once; None where nothing does. `held_run`: the run by which it would be told is
    held by the guard. `halt`: it is held at zero; `drift`: a read-back found it otherwise than it should be, and that
    is not over. `hiding`: it showed nothing, and is out of sight for it.
    """

    sentence: str
    channel: str
    item_id: str
    place: str
    rule: str
    steps: tuple[Step, ...]
    target: int
    known: LevelFacts
    pending: Pending | None
    parked: DeadLetter | None
    pinned: bool
    in_flight: bool
    hold: Hold | None
    pushes: tuple[PushRow, ...]
    halt: Halt | None = None
    drift: DriftRow | None = None
    rule_reason: str = ""
    hiding: Hiding | None = None
    held_run: HeldRun | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """All of it. `ledger_lines` is how many lines the ledger has of the SKU; `events` are the newest.

    `unlisted` are the channels that have no listing of the SKU, `off` those that have one but are not
    switched on. `provisional` are sales that channels' answers told of and no order yet. `kept`: for wholesale
    partners; `promises`: order lines that wait for units which have not arrived, those that are served first in front.
    `components`: what the SKU is packed from, where it is a kit; `kits`: the first kits that hold it. `standing`:
    whether it is in shares, and how much of it can still be oversold; None where it is on no channel, or is a kit.
    """

    asked_at: datetime
    sku: SkuCard
    levels: tuple[LevelExplained, ...]
    unlisted: tuple[str, ...]
    off: tuple[str, ...]
    balances: tuple[BalanceRow, ...]
    provisional: tuple[Provisional, ...]
    events: tuple[EventRow, ...]
    ledger_lines: int
    conflicts: tuple[Conflict, ...] = ()
    kept: tuple[KeptOfSku, ...] = ()
    promises: tuple[PromiseRow, ...] = ()
    components: tuple[Component, ...] = ()
    kits: tuple[Kit, ...] = ()
    standing: Standing | None = None


async def explain_sku(
    pool: Pool, rules: RuleBook, channels: Sequence[str], sku: str, *, events: int, pushes: int
) -> Explanation:
    """What decides the levels of a SKU on these channels. Raises UnknownSkuError."""
    card = await known_sku(pool, sku)
    now = datetime.now(UTC)
    balances = await stock.sku_balances(pool, sku)
    listings = [entry for entry in await stock.sku_listings(pool, sku) if entry.channel in channels]
    sent = await stock.last_pushes(pool, [entry.listing_id for entry in listings], pushes)
    stopped = await work.holds(pool, channels)
    wrong = await _wrong(pool, sku, channels)
    explained: list[LevelExplained] = []
    standing: Standing | None = None
    blind = {(entry.listing_id, known.place) for entry in listings for known in entry.levels if known.blind}
    for channel in (name for name in channels if name in rules.channels):
        facts = {entry.listing_id: entry for entry in listings if entry.channel == channel}
        for state in await levels.listing_states(pool, channel, list(facts), siblings=True, deciding=True):
            if not state.components:
                standing = standing or standing_of(state, rules, blind)
            hold = stopped.get(channel)
            held = hold if hold is not None and hold.holds else None
            explained += _explained(state, rules, facts[state.listing_id], sent, held, wrong, now)
    listed = {entry.channel for entry in listings}
    return Explanation(
        asked_at=now,
        sku=card,
        levels=tuple(explained),
        unlisted=tuple(name for name in channels if name not in listed),
        off=tuple(sorted(listed - rules.channels.keys())),
        balances=tuple(balances),
        provisional=tuple(await stock.provisional(pool, sku)),
        events=tuple(await stock.sku_events(pool, sku, events)),
        ledger_lines=sum(row.version for row in balances),
        conflicts=tuple(await authority.conflicts(pool, sku)),
        kept=tuple(await programmes.of_sku(pool, sku)),
        promises=tuple(await preorders.promises(pool, sku)),
        components=await kits.components(pool, sku),
        kits=tuple(await kits.listed(pool, component=sku, limit=KITS_MAX)),
        standing=standing,
    )


@dataclass(frozen=True, slots=True)
class _Wrong:
    """What is halted or out of sight of a SKU, by listing, and what is adrift, by listing and place; held runs by
    channel."""

    halts: dict[int, Halt]
    drifts: dict[tuple[int, str], DriftRow]
    hidings: dict[int, Hiding]
    held_runs: dict[str, HeldRun]


async def _wrong(pool: Pool, sku: str, channels: Sequence[str]) -> _Wrong:
    drifts = await reconcile.drifts(pool, sku=sku, open_only=True)
    return _Wrong(
        {halt.listing_id: halt for halt in await halts.standing(pool, sku=sku)},
        {(drift.listing_id, drift.place): drift for drift in drifts},
        await zero_hiding.of_sku(pool, sku),
        {
            held.channel: held
            for held in await holds.of_channels(pool, channels)
            if held.kind == "sync" and held.stands
        },
    )


def _explained(
    state: ListingState,
    rules: RuleBook,
    facts: ListingFacts,
    sent: Sequence[PushRow],
    hold: Hold | None,
    wrong: _Wrong,
    now: datetime,
) -> list[LevelExplained]:
    known = {level.place: level for level in facts.levels}
    decides = ruling(rules, state.channel, state.sku, state.tags)
    levels_decided = _decided(state, rules)
    hiding, wanted = wrong.hidings.get(state.listing_id), rules.channels[state.channel].hides_at_zero
    empty = not state.halted and not any(decided.level for decided in levels_decided)
    held_run = wrong.held_runs.get(state.channel)
    waits = {
        decided.claim.place
        for decided in levels_decided
        if held_run is not None and known.get(decided.claim.place, NOTHING_KNOWN).book != decided.level
    }
    return [
        LevelExplained(
            sentence=sentence(
                state.channel,
                decided,
                known.get(decided.claim.place, NOTHING_KNOWN),
                facts.pending,
                facts.parked,
                now,
                hold,
            )
            + (held_back(held_run, now) if held_run is not None and decided.claim.place in waits else "")
            + kit_sentence(decided.claim, free_parts(state, rules, decided.claim.place))
            + rest_sentence(state, decided.claim.place)
            + adrift(
                wrong.halts.get(state.listing_id),
                wrong.drifts.get((state.listing_id, decided.claim.place)),
                now,
            )
            + out_of_sight(hiding, wanted=wanted, empty=empty, now=now),
            channel=state.channel,
            item_id=state.item_id,
            place=decided.claim.place,
            rule=decided.claim.rule.name,
            steps=decided.steps,
            target=decided.level,
            known=known.get(decided.claim.place, NOTHING_KNOWN),
            pending=facts.pending,
            parked=facts.parked,
            pinned=facts.pinned,
            in_flight=in_flight(known.get(decided.claim.place, NOTHING_KNOWN), now),
            hold=hold,
            pushes=tuple(
                push
                for push in sent
                if (push.listing_id, push.place) == (state.listing_id, decided.claim.place)
            ),
            halt=wrong.halts.get(state.listing_id),
            drift=wrong.drifts.get((state.listing_id, decided.claim.place)),
            rule_reason=decides.reason,
            hiding=hiding,
            held_run=held_run if decided.claim.place in waits else None,
        )
        for decided in levels_decided
    ]


def _decided(state: ListingState, rules: RuleBook) -> list[Allocation]:
    """How each level of the listing comes about, from what resting levels do not sell by themselves."""
    claims = claims_of(state, rules)
    targets = {target.place: target for target in targets_of(state, rules)}
    blind = rules.channels[state.channel].blind
    return [
        _left_alone(
            allocation.explain(free_for(state, rules, claim.place), claims)[n], targets[claim.place], blind
        )
        for n, claim in enumerate(claims)
        if claim.listing_id == state.listing_id
    ]


def _left_alone(decided: Allocation, target: Target, blind: bool) -> Allocation:
    """With the step from a share to what the level is told, or left at."""
    level = target.quantity
    if level == decided.level:
        return decided
    rule, reason = "tolerance", f"off by no more than a tenth: left at {level}"
    if target.undoes:
        rule = "undone"
        reason = f"only set while it sells: room for {target.undoes}, which that may put on show again"
    elif target.again and blind:
        rule = "undone"
        reason = f"left at {level} for now: it sells while it is set, which puts on show again what was sold"
    elif target.again:
        rule, reason = "undone", "makes up for levels that are left alone while they sell"
    return replace(decided, level=level, steps=(*decided.steps, Step(rule, decided.level, level, reason)))
