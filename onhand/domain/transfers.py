"""Transfers: goods on their way from one location to another, and what became of each unit that was sent.

A transfer's state is derived from its events and kept nowhere. Units on their way are booked at the destination, in
`in_transit`, where nobody can sell them. What arrives beyond what is on its way was found; what never comes is closed
as shrinkage.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from onhand.domain.events import QUANTITY_MAX, Entry, Event, EventKind, fingerprint
from onhand.domain.states import State

LINES_MAX = 1_000
"""Most SKUs of one statement about a transfer."""


class TransferRefusedError(ValueError):
    """A statement about a transfer makes no sense; the message says why and what is accepted."""


class Step(StrEnum):
    """What is stated of a transfer."""

    SEND = "send"
    RECEIVE = "receive"
    CLOSE = "close"


KINDS: Mapping[Step, EventKind] = {
    Step.SEND: EventKind.TRANSFER_OUT,
    Step.RECEIVE: EventKind.TRANSFER_IN,
    Step.CLOSE: EventKind.WRITE_OFF,
}
"""What the ledger calls each."""


class Progress(StrEnum):
    """How a transfer stands."""

    ON_ITS_WAY = "on its way"
    PARTLY_RECEIVED = "partly received"
    RECEIVED = "received"
    CLOSED_SHORT = "closed short"


@dataclass(frozen=True, slots=True)
class TransferLine:
    """Units of one SKU of a transfer: sent, arrived of these, written off as never arrived, arrived beyond them."""

    sent: int = 0
    arrived: int = 0
    short: int = 0
    over: int = 0

    @property
    def outstanding(self) -> int:
        """Units still on their way."""
        return self.sent - self.arrived - self.short


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer as its events say it stands, with its lines by SKU."""

    transfer_id: str
    origin: str
    destination: str
    lines: Mapping[str, TransferLine] = field(default_factory=dict)

    @property
    def progress(self) -> Progress:
        """How it stands as a whole."""
        if any(line.outstanding > 0 for line in self.lines.values()):
            some = any(line.arrived or line.short or line.over for line in self.lines.values())
            return Progress.PARTLY_RECEIVED if some else Progress.ON_ITS_WAY
        return Progress.CLOSED_SHORT if any(line.short for line in self.lines.values()) else Progress.RECEIVED


@dataclass(frozen=True, slots=True)
class TransferStatement:
    """`source` states a step of a transfer: `units` by SKU left for it, arrived by it, or (CLOSE) will never arrive.

    `origin` and `destination` are needed to SEND; elsewhere, where given, they have to be those of the transfer.
    Without units all that is on its way arrives, or is closed.
    """

    source: str
    external_id: str
    transfer_id: str
    step: Step
    units: Mapping[str, int]
    occurred_at: datetime
    origin: str = ""
    destination: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if not 1 <= len(self.transfer_id) <= 200:
            raise TransferRefusedError("a transfer has an id of 1 to 200 characters")
        if len(self.units) > LINES_MAX:
            raise TransferRefusedError(f"{len(self.units)} SKUs are given; accepted: at most {LINES_MAX}")
        for sku, units in self.units.items():
            if not 0 < units <= QUANTITY_MAX:
                raise TransferRefusedError(f"{sku}: {units} units; accepted: 1 to {QUANTITY_MAX}")
        if self.step is Step.SEND:
            if not self.units:
                raise TransferRefusedError("nothing is sent: give SKUs with their units")
            if not self.origin or not self.destination or self.origin == self.destination:
                raise TransferRefusedError("a transfer needs an origin, and a destination other than that")

    @property
    def fingerprint(self) -> bytes:
        """Of what was stated, independent of what the ledger held at the time."""
        places = (self.origin, self.destination)
        return fingerprint(self.step, self.transfer_id, *places, sorted(self.units.items()), self.reason)


def begun_by(stated: TransferStatement) -> Transfer:
    """The transfer that a first SEND makes, before its units are in it."""
    return Transfer(stated.transfer_id, stated.origin, stated.destination)


def event_of(stated: TransferStatement, transfer: Transfer) -> Event:
    """The ledger event of a step, by what the transfer has on its way. Raises TransferRefusedError."""
    _require_places(stated, transfer)
    units = _units(stated, transfer)
    over = _over(stated, transfer, units)
    detail = {"transfer": stated.transfer_id}
    detail |= {"reason": stated.reason} if stated.reason else {}
    detail |= {"over": ", ".join(f"{n} of {sku}" for sku, n in over.items())} if over else {}
    entries = [
        entry
        for sku, quantity in units.items()
        for entry in _entries(stated.step, transfer, sku, quantity, over.get(sku, 0))
    ]
    return Event(
        source=stated.source,
        external_id=stated.external_id,
        kind=KINDS[stated.step],
        occurred_at=stated.occurred_at,
        entries=tuple(entries),
        fingerprint=stated.fingerprint,
        detail=detail,
    )


def after(stated: TransferStatement, transfer: Transfer) -> Transfer:
    """The transfer once that was posted."""
    units = _units(stated, transfer)
    over = _over(stated, transfer, units)
    lines = dict(transfer.lines)
    for sku, quantity in units.items():
        line = lines.get(sku, TransferLine())
        beyond = over.get(sku, 0)
        lines[sku] = TransferLine(
            line.sent + (quantity if stated.step is Step.SEND else 0),
            line.arrived + (quantity - beyond if stated.step is Step.RECEIVE else 0),
            line.short + (quantity if stated.step is Step.CLOSE else 0),
            line.over + beyond,
        )
    return Transfer(transfer.transfer_id, transfer.origin, transfer.destination, lines)


def difference(before: Transfer | None, now: Transfer) -> dict[str, TransferLine]:
    """What one step did to each line."""
    known = {} if before is None else before.lines
    steps = {}
    for sku, line in now.lines.items():
        old = known.get(sku, TransferLine())
        step = TransferLine(
            line.sent - old.sent, line.arrived - old.arrived, line.short - old.short, line.over - old.over
        )
        if step != TransferLine():
            steps[sku] = step
    return steps


def _require_places(stated: TransferStatement, transfer: Transfer) -> None:
    for word, given, known in (
        ("from", stated.origin, transfer.origin),
        ("to", stated.destination, transfer.destination),
    ):
        if given and given != known:
            raise TransferRefusedError(
                f"transfer {transfer.transfer_id} goes {word} {known}, not {given}. Goods that went "
                "elsewhere are received where they should have gone, and sent on from there."
            )


def _units(stated: TransferStatement, transfer: Transfer) -> dict[str, int]:
    """Units by SKU that the statement is about."""
    waiting = {sku: line.outstanding for sku, line in sorted(transfer.lines.items()) if line.outstanding > 0}
    if stated.step is Step.SEND:
        return dict(sorted(stated.units.items()))
    if not stated.units and not waiting:
        raise TransferRefusedError(f"nothing is on its way any more by transfer {transfer.transfer_id}")
    units = dict(sorted(stated.units.items())) or waiting
    if stated.step is Step.CLOSE:
        for sku, quantity in units.items():
            if quantity > waiting.get(sku, 0):
                raise TransferRefusedError(
                    f"transfer {transfer.transfer_id}: {waiting.get(sku, 0)} of {sku} are on their way, {quantity} "
                    "cannot be written off"
                )
    return units


def _over(stated: TransferStatement, transfer: Transfer, units: Mapping[str, int]) -> dict[str, int]:
    """Units by SKU that arrive beyond what is on its way."""
    if stated.step is not Step.RECEIVE:
        return {}
    known = {sku: transfer.lines.get(sku, TransferLine()).outstanding for sku in units}
    return {sku: n - known[sku] for sku, n in units.items() if n > known[sku]}


def _entries(step: Step, transfer: Transfer, sku: str, quantity: int, over: int) -> list[Entry]:
    here, there = transfer.origin, transfer.destination
    match step:
        case Step.SEND:
            moved = [(here, State.AVAILABLE, there, State.IN_TRANSIT, quantity)]
        case Step.RECEIVE:
            moved = [
                (there, State.IN_TRANSIT, there, State.AVAILABLE, quantity - over),
                (there, State.FOUND, there, State.AVAILABLE, over),
            ]
        case Step.CLOSE:
            moved = [(there, State.IN_TRANSIT, there, State.SHRINKAGE, quantity)]
    return [
        entry
        for origin, before, target, later, n in moved
        if n
        for entry in (Entry(sku, origin, before, -n), Entry(sku, target, later, n))
    ]
