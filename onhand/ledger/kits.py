"""Kits in the ledger: what each is packed from, set and changed by operators, one at a time or from a file."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from onhand.domain.kits import Composition, KitFacts, composition_of, refusals
from onhand.domain.listings import Component
from onhand.ledger.database import Connection, Pool, fetched
from onhand.ledger.levels import components_of
from onhand.ledger.queries import query


@dataclass(frozen=True, slots=True)
class Kit:
    """A kit and what one of it is packed from."""

    sku: str
    name: str
    composition: Composition


@dataclass(slots=True)
class KitsChanged:
    """What became of kits that were to be set or removed; every one is in one of these.

    `refused`: why, by kit. `woken`: channels whose publisher has to be signalled.
    """

    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    woken: set[str] = field(default_factory=set)


async def set_kits(pool: Pool, wanted: Mapping[str, Composition], *, live: bool = True) -> KitsChanged:
    """Make SKUs kits, or compose kits anew. One that is refused leaves the others.

    Their listings are told at once, or (not `live`) by the next sync run, which is weighed before it is let through.
    Open orders keep to what their kits were packed from.
    """
    done = KitsChanged()
    async with pool.connection() as connection:
        await connection.execute(query("lock_kits"))
        done.refused = refusals(wanted, await _facts(connection, wanted))
        accepted = {kit: parts for kit, parts in wanted.items() if kit not in done.refused}
        before = await compositions(connection, list(accepted))
        done.unchanged = sorted(kit for kit, parts in accepted.items() if before.get(kit) == parts)
        anew = {kit: accepted[kit] for kit in sorted(accepted.keys() - set(done.unchanged))}
        if anew:
            done.changed = list(anew)
            await _write(connection, anew)
            done.woken = await _mark(connection, anew.keys(), before, live=live)
    return done


async def remove_kits(pool: Pool, skus: Sequence[str]) -> KitsChanged:
    """Make kits SKUs like any other, without stock. Open orders keep to what their kits were packed from."""
    done = KitsChanged()
    async with pool.connection() as connection:
        await connection.execute(query("lock_kits"))
        before = await compositions(connection, skus)
        done.changed = sorted(before)
        done.refused = {sku: f"{sku} is not a kit" for sku in skus if sku not in before}
        if before:
            # Marked while they are kits, so that what they were packed from is looked at, too.
            done.woken = await _mark(connection, before.keys(), {}, live=True)
            await connection.execute(query("forget_kit_lines"), {"kits": done.changed})
            await connection.execute(query("unmake_kits"), {"kits": done.changed})
    return done


async def listed(pool: Pool, *, component: str | None = None, limit: int) -> list[Kit]:
    """Kits by code, all or those that hold a component."""
    rows = await fetched(pool, "list_kits", component=component, limit=limit)
    return [Kit(sku, name, composition_of(quantities)) for sku, name, quantities in rows]


async def components(pool: Pool, sku: str) -> tuple[Component, ...]:
    """What a kit is packed from, with what is available of it; nothing where it is no kit."""
    rows = await fetched(pool, "kit_components", sku=sku)
    return components_of(rows[0][0] if rows else None)


async def kits_among(pool: Pool, skus: Sequence[str]) -> set[str]:
    """Those of these SKUs that are kits."""
    return {sku for (sku,) in await fetched(pool, "kits_among", skus=list(skus))} if skus else set()


async def compositions(connection: Connection, skus: Sequence[str]) -> dict[str, Composition]:
    """What each of these SKUs that is a kit is packed from, in the caller's transaction."""
    cursor = await connection.execute(query("compositions"), {"skus": list(skus)})
    return {sku: composition_of(quantities) for sku, quantities in await cursor.fetchall()}


async def _facts(connection: Connection, wanted: Mapping[str, Composition]) -> dict[str, KitFacts]:
    named = {*wanted, *(part.sku for parts in wanted.values() for part in parts)}
    cursor = await connection.execute(query("kit_facts"), {"skus": sorted(named)})
    return {sku: KitFacts(kit, moved, tuple(holders)) for sku, kit, moved, holders in await cursor.fetchall()}


async def _write(connection: Connection, kits: Mapping[str, Composition]) -> None:
    lines = [(kit, part) for kit, parts in kits.items() for part in parts]
    await connection.execute(query("forget_kit_lines"), {"kits": list(kits)})
    await connection.execute(query("make_kits"), {"kits": list(kits)})
    await connection.execute(
        query("save_kit_lines"),
        {
            "kits": [kit for kit, _ in lines],
            "components": [part.sku for _, part in lines],
            "quantities": [part.quantity for _, part in lines],
        },
    )


async def _mark(
    connection: Connection, kits: Collection[str], before: Mapping[str, Composition], *, live: bool
) -> set[str]:
    """Their listings are looked at again, and those of whatever they are, or were, packed from."""
    skus = {*kits, *(part.sku for kit in kits for part in before.get(kit, ()))}
    cursor = await connection.execute(query("mark_skus"), {"skus": sorted(skus), "live": live})
    row = await cursor.fetchone()
    assert row is not None, "marking answers"
    return set(row[0] or ())
