"""Reversals: taking back what was posted by mistake, as another event. Nothing that was posted is ever deleted. Pure.

A reversal says that a fact never was: it has the kind of what it takes back, the same lines with the opposite sign, and
the moment at which that was said to have happened. So both are on the same side of every count, and of every window
that somebody adds up: together they are nothing, wherever one looks from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from onhand.domain.events import Entry, Event, EventKind, fingerprint
from onhand.domain.states import State

REVERSAL_SOURCE = "reversal"
"""Whose word reversals are; the number of the event that each takes back is its id, so that it is taken back once."""

_OF_ORDERS = frozenset({EventKind.ORDER, EventKind.CANCELLATION, EventKind.FULFILMENT})
_KEPT_ELSEWHERE = {
    State.COMMITTED: ("orders", "Change or cancel the order; what differs is posted then."),
    State.RESERVED: (
        "programmes",
        "Give the units up: onhand programmes release, or onhand programmes close.",
    ),
    State.INCOMING: (
        "purchase orders",
        "Expect no more of it: onhand purchase-orders close. What came is taken back by onhand purchase-orders receive "
        "with units below 0.",
    ),
}
"""States of which another record says whose the units are, and would not follow; and what is to be done instead."""
_CORRECT = "Correct the stock: onhand stock adjust, or onhand stock write-off."
_KEPT_BY_NAME = {
    "order": ("what came back of its order", _CORRECT),
    "transfer": ("what is on its way by its transfer", _CORRECT),
    "purchase_order": (
        "what came on it, and when the rest is due,",
        "State it as it is: onhand purchase-orders receive with units below 0, or onhand purchase-orders due.",
    ),
}
"""Events that name one of these are of a record besides, which would not follow either."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as the ledger has it."""

    event_id: int
    source: str
    external_id: str
    kind: EventKind
    occurred_at: datetime
    detail: Mapping[str, str]
    entries: tuple[Entry, ...]


class ReversalRefusedError(ValueError):
    """An event is not taken back by the opposite event. `advice` says what to do instead."""

    def __init__(self, message: str, advice: str) -> None:
        self.message = message
        self.advice = advice
        super().__init__(f"{message} {advice}".strip())


def reversal_of(recorded: Recorded, reason: str = "") -> Event:
    """The event that takes this one back; it may itself be a reversal. Raises ReversalRefusedError."""
    _require_reversible(recorded)
    return Event(
        source=REVERSAL_SOURCE,
        external_id=str(recorded.event_id),
        kind=recorded.kind,
        occurred_at=recorded.occurred_at,
        entries=tuple(Entry(e.sku, e.location, e.state, -e.quantity) for e in recorded.entries),
        # Of what is taken back alone: taken back twice with another reason is still twice.
        fingerprint=fingerprint(REVERSAL_SOURCE, recorded.event_id),
        detail=_detail(recorded, reason),
    )


def _detail(recorded: Recorded, reason: str) -> dict[str, str]:
    """With whose word and which reason is taken back in the end, so that sums by them come to nothing, too."""
    kept = recorded.detail
    first = kept.get("first_source", kept.get("counted_by", recorded.source))
    given = kept.get("first_reason", "") if recorded.source == REVERSAL_SOURCE else kept.get("reason", "")
    told = {"first_source": first, "first_reason": given, "reason": reason}
    return {"reverses": str(recorded.event_id), **{key: value for key, value in told.items() if value}}


def _require_reversible(recorded: Recorded) -> None:
    named = (
        f"event {recorded.event_id} ({recorded.kind.value.replace('_', ' ')}, stated by {recorded.source})"
    )
    if recorded.kind in _OF_ORDERS or recorded.source.startswith("channel/"):
        raise ReversalRefusedError(
            f"{named} is of order {recorded.detail.get('order', recorded.external_id)}: what is posted of an order "
            "follows the order, and would be posted again.",
            _instead(recorded.source),
        )
    kept = sorted({entry.state for entry in recorded.entries} & _KEPT_ELSEWHERE.keys())
    if kept:
        record, advice = _KEPT_ELSEWHERE[kept[0]]
        raise ReversalRefusedError(
            f"{named} moves units that are {kept[0].value}, of which {record} are kept besides: "
            "taken back in the ledger alone, both would disagree.",
            advice,
        )
    for name, (what, advice) in _KEPT_BY_NAME.items():
        if name in recorded.detail:
            words = name.replace("_", " ")
            raise ReversalRefusedError(
                f"{named} is of {words} {recorded.detail[name]}: {what} is kept besides, and would disagree.",
                advice,
            )
    if not recorded.entries:
        raise ReversalRefusedError(f"{named} moved nothing: there is nothing to take back.", "")


def _instead(source: str) -> str:
    channel = source.removeprefix("channel/")
    if channel.startswith("client/"):
        client = channel.removeprefix("client/")
        return (
            f"Have {client} state the order as it should be, under the same id; what differs is posted then."
        )
    return f"Change or cancel the order on {channel}; what differs is posted as soon as it is heard."
