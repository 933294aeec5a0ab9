"""The ledger folded anew: events, shelves (a SKU at a location), orders."""

from collections import Counter

from onhand.audit.found import Found
from onhand.audit.streams import Sorted, keys_of
from onhand.ledger.audit import Snapshot

STATES = (
    "available",
    "committed",
    "reserved",
    "quality_control",
    "damaged",
    "in_transit",
    "incoming",
    "supplier",
    "customer",
    "shrinkage",
    "found",
)
"""In the order of a balance's columns."""


async def fold_events(snapshot: Snapshot, found: Found) -> None:
    """Each event's entries sum to zero per SKU, and the event is there."""
    lines = Sorted(snapshot.event_lines(), lambda line: (line.event_id, line.sku_id))
    async for key in keys_of(lines):
        units, orphans = 0, 0
        async for line in lines.take(key):
            units += line.quantity
            orphans += not line.known
        event_id, sku_id = key
        if units:
            found.add("event_sums", event_id=event_id, sku_id=sku_id, units=units)
        if orphans:
            found.add("orphans", event_id=event_id, sku_id=sku_id, entries=orphans)


async def fold_shelves(snapshot: Snapshot, found: Found) -> None:
    """Each shelf from its first entry on: numbers without a gap, the right units after each, the balance at the end."""
    entries = Sorted(snapshot.entries(), lambda entry: (entry.sku_id, entry.location_id))
    balances = Sorted(snapshot.balances(), lambda row: row[:2])
    async for key in keys_of(entries, balances):
        shelf = {"sku_id": key[0], "location_id": key[1]}
        units: Counter[str] = Counter()
        lines = before = 0
        async for entry in entries.take(key):
            lines += 1
            if entry.version != before + 1:
                found.add("versions", **shelf, version=entry.version, expected=before + 1)
            before = entry.version
            units[entry.state] += entry.quantity
            if entry.balance_after != units[entry.state]:
                told = {"state": entry.state, "balance_after": entry.balance_after}
                found.add("running", **shelf, version=entry.version, **told, expected=units[entry.state])
        kept: Counter[str] = Counter()
        async for _, _, version, *columns in balances.take(key):
            kept.update({"version": version, **dict(zip(STATES, columns, strict=True))})
        folded = Counter({"version": lines, **units})
        for part in sorted(folded.keys() | kept.keys()):
            if folded[part] != kept[part]:
                found.add("balances", **shelf, part=part, balance=kept[part], entries=folded[part])


async def fold_orders(snapshot: Snapshot, found: Found) -> None:
    """What events moved for an order's SKU at a location, against what is remembered of its lines."""
    moved = Sorted(snapshot.order_entries(), lambda row: (row.channel, row.order_id, row.sku, row.location))
    lines = Sorted(snapshot.order_lines(), lambda row: (row.channel, row.order_id, row.sku, row.location))
    async for key in keys_of(moved, lines):
        posted: Counter[str] = Counter()
        async for entry in moved.take(key):
            posted[entry.state] += entry.quantity
        open_ = fulfilled = 0
        async for line in lines.take(key):
            open_ += line.open
            fulfilled += line.fulfilled
        remembered = Counter(available=-open_ - fulfilled, committed=open_, customer=fulfilled)
        if any(posted[state] != remembered[state] for state in posted.keys() | remembered.keys()):
            names = dict(zip(("channel", "order_id", "sku", "location"), key, strict=True))
            found.add("orders", **names, remembered=dict(remembered), posted=dict(posted))
