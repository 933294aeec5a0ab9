"""Movements: the facts an operator or a warehouse system states as "so many units went from here to there"."""

from dataclasses import dataclass
from datetime import datetime

from onhand.domain.events import QUANTITY_MAX, Entry, Event, EventKind, fingerprint
from onhand.domain.states import State


class MovementRefusedError(ValueError):
    """A stated movement makes no sense; the message says which part and what is accepted."""


@dataclass(frozen=True, slots=True)
class Movement:
    """`quantity` units of `sku` moved at `location`; what between which states follows from `kind`.

    Accepted kinds: receipt, adjustment (signed), write_off, transfer_out, transfer_in.
    `to_location` names the destination of a transfer and is empty otherwise. `reason` is the
    operator's word, kept with the event, and so is `note`. `state` is where written-off units were.
    """

    source: str
    external_id: str
    kind: EventKind
    sku: str
    location: str
    quantity: int
    occurred_at: datetime
    to_location: str = ""
    reason: str = ""
    state: State = State.AVAILABLE
    note: str = ""


WRITTEN_OFF_FROM = (State.AVAILABLE, State.DAMAGED, State.QUALITY_CONTROL)
"""States whose units can be written off."""


def event_of(movement: Movement) -> Event:
    """The ledger event a movement stands for; raises MovementRefusedError for an impossible one."""
    _require_sensible(movement)
    return Event(
        source=movement.source,
        external_id=movement.external_id,
        kind=movement.kind,
        occurred_at=movement.occurred_at,
        entries=_entries_of(movement),
        fingerprint=fingerprint(
            movement.kind,
            movement.sku,
            movement.location,
            movement.to_location,
            movement.quantity,
            movement.reason,
            # What was stated before there were these has to go on meaning the same.
            *([movement.state] if movement.state is not State.AVAILABLE else []),
            *([movement.note] if movement.note else []),
        ),
        detail={name: said for name, said in (("reason", movement.reason), ("note", movement.note)) if said},
    )


def _require_sensible(movement: Movement) -> None:
    if movement.quantity == 0:
        raise MovementRefusedError("a movement of 0 units moves nothing; give a quantity")
    if movement.quantity < 0 and movement.kind is not EventKind.ADJUSTMENT:
        raise MovementRefusedError(
            f"{movement.kind} takes a positive quantity, {movement.quantity} was given; "
            "use an adjustment for a correction downwards"
        )
    if abs(movement.quantity) > QUANTITY_MAX:
        raise MovementRefusedError(f"{movement.quantity} is beyond the limit of {QUANTITY_MAX} units")
    accepted = WRITTEN_OFF_FROM if movement.kind is EventKind.WRITE_OFF else (State.AVAILABLE,)
    if movement.state not in accepted:
        raise MovementRefusedError(
            f"a {movement.kind} from {movement.state} is none; accepted: {', '.join(accepted)}"
        )
    if movement.kind is EventKind.TRANSFER_OUT and movement.to_location in ("", movement.location):
        raise MovementRefusedError("a transfer needs a destination other than its origin")


def _entries_of(movement: Movement) -> tuple[Entry, ...]:
    here, n = movement.location, movement.quantity
    match movement.kind:
        case EventKind.RECEIPT:
            return _pair(movement.sku, (here, State.SUPPLIER), (here, State.AVAILABLE), n)
        case EventKind.ADJUSTMENT if n > 0:
            return _pair(movement.sku, (here, State.FOUND), (here, State.AVAILABLE), n)
        case EventKind.ADJUSTMENT:
            return _pair(movement.sku, (here, State.AVAILABLE), (here, State.SHRINKAGE), -n)
        case EventKind.WRITE_OFF:
            return _pair(movement.sku, (here, movement.state), (here, State.SHRINKAGE), n)
        case EventKind.TRANSFER_OUT:
            # Units on their way are booked at the destination: that is where they will be sold.
            return _pair(movement.sku, (here, State.AVAILABLE), (movement.to_location, State.IN_TRANSIT), n)
        case EventKind.TRANSFER_IN:
            return _pair(movement.sku, (here, State.IN_TRANSIT), (here, State.AVAILABLE), n)
        case _:
            raise MovementRefusedError(f"{movement.kind} is not stated as a movement")


def _pair(
    sku: str, origin: tuple[str, State], target: tuple[str, State], quantity: int
) -> tuple[Entry, Entry]:
    return (
        Entry(sku, origin[0], origin[1], -quantity),
        Entry(sku, target[0], target[1], quantity),
    )
