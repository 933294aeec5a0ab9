"""What must be so, in words. `folded`: it is looked at twice, in SQL and by a fold in Python."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """One thing that must be so of the record; `advice` is for whoever is told that it is not."""

    name: str
    says: str
    advice: str
    folded: bool = True


TAMPERED = (
    "Rows of the ledger were changed by hand, or restored in part: compare with a backup before posting more."
)
RECORD = (
    "Keep the rows shown and the logs of that time; then: onhand sync --full, which reads every level back."
)

INVARIANTS = (
    Invariant("event_sums", "the entries of an event sum to zero for each SKU", TAMPERED),
    Invariant("orphans", "every entry is of an event", TAMPERED),
    Invariant("versions", "entries of a SKU at a location are numbered without a gap", TAMPERED),
    Invariant("running", "each entry names the units right after it", TAMPERED),
    Invariant("balances", "a balance is the fold of its entries", TAMPERED),
    Invariant("orders", "what is remembered of an order is what its events posted", TAMPERED),
    Invariant("returns", "what came back of an order is counted once", TAMPERED, folded=False),
    Invariant(
        "outcomes",
        "a delivery has one outcome exactly when it is settled",
        "onhand inbox show ID",
        folded=False,
    ),
    Invariant("posted", "a delivery that was posted has its event", "onhand inbox show ID"),
    Invariant(
        "covered", "a delivery that was taken is in the ledger, as told or newer", "onhand inbox show ID"
    ),
    Invariant("generations", "pushes of a level never go back in generation", RECORD),
    Invariant(
        "justified", "no push told more than there was where it drew from, or was to come there", RECORD
    ),
    Invariant("kits", "a kit has no stock of its own", TAMPERED, folded=False),
    Invariant("levels", "levels are of listings, and claims on them are sound", RECORD, folded=False),
    Invariant("outbox", "what is pending is of a listing of its channel", RECORD, folded=False),
    Invariant(
        "sleepers",
        "where something waits, somebody is awake to take it",
        "onhand doctor; the next order sweep wakes them",
        folded=False,
    ),
)
"""In the order in which they are told."""
