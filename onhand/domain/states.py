"""The states a unit can be in. Stock is never made or lost, it only moves between these."""

from enum import StrEnum


class State(StrEnum):
    """Where a unit stands with regard to being sold (the terms merchants know from their platforms)."""

    # Inside the business.
    AVAILABLE = "available"
    COMMITTED = "committed"
    RESERVED = "reserved"
    QUALITY_CONTROL = "quality_control"
    DAMAGED = "damaged"
    IN_TRANSIT = "in_transit"
    INCOMING = "incoming"
    # Outside it: the other side of every receipt, shipment, loss and find.
    SUPPLIER = "supplier"
    CUSTOMER = "customer"
    SHRINKAGE = "shrinkage"
    FOUND = "found"


ON_HAND: frozenset[State] = frozenset(
    {State.AVAILABLE, State.COMMITTED, State.RESERVED, State.QUALITY_CONTROL, State.DAMAGED}
)
"""`on_hand` is derived, never stored: what one would count standing in front of the shelf."""

OUTSIDE: frozenset[State] = frozenset({State.SUPPLIER, State.CUSTOMER, State.SHRINKAGE, State.FOUND})
