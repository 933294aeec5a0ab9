"""Pushes: in the order of their generations, and never above what there was where they drew from."""

from dataclasses import dataclass

from onhand.audit.found import Found
from onhand.audit.streams import Sorted, keys_of
from onhand.ledger.audit import BasisRow, Snapshot


async def fold_generations(snapshot: Snapshot, found: Found) -> None:
    """Level by level; a push that told of nothing pending has generation 0, and no place in the row."""
    pushes = Sorted(snapshot.pushes(), lambda push: (push.listing_id, push.place))
    async for key in keys_of(pushes):
        newest = 0
        async for push in pushes.take(key):
            if 0 < push.generation < newest:
                level = {"listing": push.listing_id, "place": push.place}
                found.add("generations", **level, push=push.push, generation=push.generation, newest=newest)
            newest = max(newest, push.generation)


async def fold_bases(snapshot: Snapshot, found: Found) -> None:
    """Walks each shelf's history up to every version that a push names; those of one SKU are kept until they are whole.

    What a buffer, a share or a sale not heard of yet took off is not kept, so this is the bound that all of them
    leave: a push below it is not proven to be right, one above it is proven to be wrong. What a push was allowed beyond
    what was available is bounded by what was on its way, or reserved. Pushes of kits are kept until the last of their
    components was walked.
    """
    bases = Sorted(snapshot.bases(), lambda basis: (basis.sku_id, basis.location_id))
    moved = Sorted(snapshot.available(), lambda entry: (entry.sku_id, entry.location_id))
    open_pushes: dict[int, _Drawn] = {}
    open_kits: dict[int, list[tuple[int, int]]] = {}
    sku = None
    async for key in keys_of(bases, moved):
        if key[0] != sku:
            sku, open_pushes = key[0], {}
        available = kept = 0
        history = moved.take(key)
        entry = await anext(history, None)
        async for basis in bases.take(key):
            while entry is not None and entry.version <= basis.version:
                available += entry.quantity if entry.available else 0
                kept += 0 if entry.available else entry.quantity
                entry = await anext(history, None)
            if basis.components:
                _judge_kit(basis, available, open_kits, found)
            else:
                _judge(basis, available, kept, open_pushes, found)
        while entry is not None:
            entry = await anext(history, None)


@dataclass(slots=True)
class _Drawn:
    """What was there where a push drew from, over the locations that were looked at so far."""

    available: int = 0
    kept: int = 0
    locations: int = 0


def _judge(basis: BasisRow, available: int, kept: int, open_pushes: dict[int, _Drawn], found: Found) -> None:
    drawn = open_pushes.pop(basis.push, None) or _Drawn()
    drawn.available += available
    drawn.kept += kept
    drawn.locations += 1
    if drawn.locations < basis.locations:
        open_pushes[basis.push] = drawn
    else:
        _require(basis, drawn, found)


def _judge_kit(
    basis: BasisRow, available: int, open_kits: dict[int, list[tuple[int, int]]], found: Found
) -> None:
    seen = open_kits.setdefault(basis.push, [])
    seen.append((basis.location_id, available // basis.per_kit))
    if len(seen) == basis.locations * basis.components:
        fewest = {at: min(kits for where, kits in seen if where == at) for at, _ in seen}
        _require(basis, _Drawn(sum(fewest.values())), found)
        del open_kits[basis.push]


def _require(basis: BasisRow, drawn: _Drawn, found: Found) -> None:
    allowed = max(drawn.available, 0) + basis.beyond
    if basis.quantity * basis.units > allowed or basis.beyond > max(drawn.kept, 0):
        told = {"quantity": basis.quantity, "units": basis.units, "available": drawn.available}
        beyond = {"beyond": basis.beyond, "kept": drawn.kept} if basis.beyond else {}
        found.add("justified", push=basis.push, sku_id=basis.sku_id, **told, **beyond)
