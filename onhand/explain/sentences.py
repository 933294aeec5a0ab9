"""The answer to "why does it show 7?" in one sentence."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from onhand.domain.allocation import Allocation, Claim, Step
from onhand.domain.kits import Part, limiting
from onhand.domain.listings import ListingState
from onhand.ledger.halts import Halt
from onhand.ledger.holds import HeldRun
from onhand.ledger.preorders import PromiseRow
from onhand.ledger.programmes import KeptOfSku
from onhand.ledger.reconcile import DriftRow
from onhand.ledger.stock import DeadLetter, LevelFacts, Pending
from onhand.ledger.work import Hold
from onhand.ledger.zero_hiding import Hiding
from onhand.wording import ago


def sentence(
    channel: str,
    decided: Allocation,
    known: LevelFacts,
    pending: Pending | None,
    parked: DeadLetter | None,
    now: datetime,
    hold: Hold | None = None,
) -> str:
    """What a channel shows at one place, and why, or why it does not show yet what it should."""
    # A place is told by what of ours it shows; the channel's own name for it is not for people.
    where = f"{channel} ({' + '.join(decided.claim.locations)})" if decided.claim.place else channel
    why = because(decided)
    book, target = known.book, decided.level
    if parked is not None and book != target:
        believed = "an unknown number" if book is None else f"{book:,}"
        said = (
            f"{where} shows {believed} instead of {target:,}, because its update was given up "
            f"{ago(parked.parked_at, now)}: {parked.message.rstrip('.')}"
        )
    elif book is None and in_flight(known, now):
        said = f"{where} is being told in this moment; it should show {target:,} because {why}"
    elif book is None:
        said = f"{where} was never told nor asked; it should show {target:,} because {why}"
    elif book == target:
        said = f"{where} shows {target:,} because {why}"
    elif known.owed and book < target:
        said = (
            f"{where} still shows {book:,}; it is to show {target:,} as soon as other channels have answered that they "
            f"show fewer, because {why}"
        )
    elif pending is not None:
        said = f"{where} still shows {book:,}; it is to show {target:,} (since {ago(pending.since, now)}) because {why}"
    else:
        said = f"{where} shows {book:,}; since the rules or the mapping changed it should show {target:,} because {why}"
    held = "" if hold is None or book == target else held_up(hold, now)
    return f"{said}.{_contradiction(known, now)}{held}"


def kept_sentence(kept: KeptOfSku) -> str:
    """What a wholesale programme keeps of a SKU."""
    reserved = f"{_are(kept.reserved)} reserved" if kept.reserved else "nothing is reserved"
    return (
        f"{kept.programme}: of {kept.units:,} units promised to {kept.partner} at {kept.location}, {reserved} and "
        f"{kept.drawn:,} drawn"
    )


def promise_sentence(promise: PromiseRow) -> str:
    """Who waits for units that have not arrived, and where in the queue."""
    waits = (
        f"{promise.channel} order {promise.order_id} waits for {promise.units:,} that were promised for "
        f"{promise.promised_for} (number {promise.position} in the queue)"
    )
    missing = promise.units - promise.covered
    return f"{waits}; {missing:,} of them are not on their way" if missing else waits


def in_flight(known: LevelFacts, now: datetime) -> bool:
    """Whether somebody is reading or writing the level at its channel."""
    return known.claimed_until is not None and known.claimed_until > now


def held_up(hold: Hold, now: datetime) -> str:
    """What keeps changes from being told to a channel at once, as sentences."""
    said = ""
    if hold.paused_at is not None:
        note = f" ({hold.pause_note})" if hold.pause_note else ""
        said += f" Telling it changes was paused {ago(hold.paused_at, now)}{note}."
    if hold.trouble:
        said += f" Its breaker opened {ago(hold.trouble_since, now)}: {hold.trouble.rstrip('.')}."
    return said


def held_back(held: HeldRun, now: datetime) -> str:
    """That the guard holds a run of the channel, and how it is let go, as a sentence."""
    return (
        f" A run was held {ago(held.held_at, now)} because {held.reason.partition(';')[0]}: what the source said is "
        f"told once it is mended there, or by `onhand runs release --channel {held.channel}`."
    )


def adrift(halt: Halt | None, drift: DriftRow | None, now: datetime) -> str:
    """What is wrong with it by the last read-back, and how a halt is lifted; empty where nothing is."""
    said = ""
    if halt is not None:
        rule = ""
        if halt.clean_reads_needed is not None:
            rule = f"{halt.clean_reads_needed - halt.clean_reads} more clean read-backs lift it, or "
        said += (
            f" It was halted {ago(halt.placed_at, now)} by {halt.placed_by}: {halt.reason.rstrip('.')}; "
            f"{rule}`onhand halts lift {halt.sku} --channel {halt.channel}`."
        )
    if drift is not None:
        shown = "nothing" if drift.shown is None else f"{drift.shown:,}"
        cause, why = drift.cause.replace("_", " "), drift.evidence.rstrip(".")
        said += f" A read-back {ago(drift.seen_at, now)} found it showing {shown} ({cause}): {why}."
    return said


def out_of_sight(hiding: Hiding | None, *, wanted: bool, empty: bool, now: datetime) -> str:
    """Whether shoppers see it: it is hidden for showing nothing, or soon will be; empty where there is nothing to say.

    `wanted`: the channel is to hide what shows nothing. `empty`: it should show nothing anywhere, and is not halted.
    """
    if hiding is not None and hiding.hidden:
        then = "it is shown again once there is some" if wanted and empty else "it is about to be shown again"
        return f" It was taken out of sight {ago(hiding.since, now)}, as it showed nothing; {then}."
    if not wanted or not empty:
        return ""
    if hiding is None:
        return " As it shows nothing, it is about to be taken out of sight."
    return " It shows nothing, and the channel could not take it out of sight by itself."


def kit_sentence(claim: Claim, stock: Mapping[Part, Mapping[str, int]]) -> str:
    """Which components of a kit limit it where a level draws on them; `stock` is of each, by location."""
    said = []
    for location in claim.locations if stock else ():
        scarce = limiting(stock, location)
        held = [
            f"{part.sku} ({stock[part].get(location, 0):,} for {part.quantity:,} each)" for part in scarce
        ]
        said.append(f"{_listed(held)} at {location}")
    return f" It is a kit, limited by {_listed(said)}." if said else ""


def rest_sentence(state: ListingState, place: str) -> str:
    """What levels that are left alone for now, this one or others, have to do with it; empty where there are none."""
    own = [level for level in state.resting if (level.listing_id, level.place) == (state.listing_id, place)]
    if own:
        return (
            " It sells faster than it can be told: it was given its share and is left alone until it calms."
        )
    kept = [f"{max(0, level.pieces) * level.units:,} for {level.channel}" for level in state.resting]
    return f" Not counted are {_listed(kept)}, which sell faster than they can be told." if kept else ""


def _contradiction(known: LevelFacts, now: datetime) -> str:
    """What the channel itself said last, where that is not what we believe."""
    told = ""
    if known.shown is not None and known.shown != known.book and not _outdated(known):
        told = f" The channel itself answered {known.shown:,}, {ago(known.shown_at, now)}."
    return told + (f" {known.problem[:1].upper()}{known.problem[1:].rstrip('.')}." if known.problem else "")


def _outdated(known: LevelFacts) -> bool:
    """What a channel answered before it was told otherwise contradicts nothing."""
    return known.shown_at is not None and known.booked_at is not None and known.shown_at < known.booked_at


def because(decided: Allocation) -> str:
    """The steps that made the level what it is, as one clause; steps that changed nothing are left out."""
    return _listed([_phrase(step, decided) for step in decided.steps if _counts(step, decided)])


def _counts(step: Step, decided: Allocation) -> bool:
    if step.rule == "pool":
        # An oversold pool is better told by how much is missing.
        return step.after >= 0
    return step.before != step.after or step.rule == "units"


def _phrase(step: Step, decided: Allocation) -> str:
    less = step.before - step.after
    match step.rule:
        case "pool":
            return f"{_are(step.after)} available at {' + '.join(decided.claim.locations) or 'no location'}"
        case "oversold":
            return f"{-less:,} more {'was' if less == -1 else 'were'} sold than there {'is' if less == -1 else 'are'}"
        case "buffer":
            return f"{_are(less)} held back for safety"
        case "tolerance":
            return f"a share that is off by no more than a tenth is left at {step.after:,}"
        case "last_units":
            return f"the last {less:,} {'is' if less == 1 else 'are'} for {decided.claim.rule.last_channel} alone"
        case "programme":
            return f"{_are(-less)} reserved for its partner"
        case "preorder":
            return f"{-less:,} may be promised for {decided.claim.promised_for}"
        case "reserve":
            return f"{_are(less)} reserved from this channel"
        case "widened":
            return f"{_are(less)} held back after drift"
        case "velocity":
            return f"{_are(less)} held back for what others sell until a change is shown"
        case "spiking":
            return f"{_are(less)} held back while it sells much faster than usual"
        case "cap":
            return f"no more than {step.after:,} may be shown"
        case "units":
            return f"{decided.claim.units} units make one piece"
        case "minimum_to_show":
            return (
                f"{step.before} is fewer than the {decided.claim.rule.minimum_to_show} that are worth showing"
            )
        case "halt":
            return "it is halted"
        case _:
            return f"of that it has {step.after:,} ({step.reason})"


def _are(units: int) -> str:
    if not units:
        return "nothing is"
    return f"{units:,} {'is' if units == 1 else 'are'}"


def _listed(phrases: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c" """
    *most, last = phrases
    return f"{', '.join(most)} and {last}" if most else last
