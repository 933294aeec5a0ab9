"""Kits: SKUs that are packed from others when they are sold, and never stocked themselves. Pure.

At one location as many kits can be packed as its scarcest component allows:

    packed = min over the components of floor(available / quantity)

A component of which more is promised than there is counts as it is, below zero. A kit is packed at one location, never
from two: a channel that shows several locations as one number shows the sum of what each can pack.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

COMPONENTS_MAX = 100
"""Most components of one kit; far above any real one, and it bounds what one order line can ask of the ledger."""
QUANTITY_MAX = 10_000
"""Most units of one component in one kit."""


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """`quantity` units of SKU `sku` go into one kit."""

    sku: str
    quantity: int


Composition = tuple[Part, ...]
"""What one kit is packed from, by SKU; empty: it is no kit."""


@dataclass(frozen=True, slots=True)
class KitFacts:
    """What the ledger knows of a SKU that is to be a kit or a component.

    `moved`: it has, or once had, stock of its own. `held_by`: kits that it is a component of.
    """

    kit: bool
    moved: bool
    held_by: tuple[str, ...] = ()


def composition_of(quantities: Mapping[str, int]) -> Composition:
    """The composition that these units by SKU make."""
    return tuple(Part(sku, quantity) for sku, quantity in sorted(quantities.items()))


def quantities_of(composition: Iterable[Part]) -> dict[str, int]:
    """Units by SKU of a composition: the form in which it is kept."""
    return {part.sku: part.quantity for part in composition}


def packed(stock: Sequence[tuple[int, Mapping[str, int]]]) -> dict[str, int]:
    """How many kits can be packed at each location where anything of it is, or was, in stock.

    `stock` is, of each component, the quantity in one kit and the units available by location (absent: 0).
    """
    if not stock:
        return {}
    locations = sorted({location for _, available in stock for location in available})
    return {
        location: min(available.get(location, 0) // quantity for quantity, available in stock)
        for location in locations
    }


def limiting(stock: Mapping[Part, Mapping[str, int]], location: str) -> tuple[Part, ...]:
    """The components of which there are too few at a location for one more kit than can be packed there."""
    could = {part: available.get(location, 0) // part.quantity for part, available in stock.items()}
    fewest = min(could.values(), default=0)
    return tuple(sorted(part for part, kits in could.items() if kits == fewest))


def refusal(kit: str, composition: Composition, facts: Mapping[str, KitFacts]) -> str:
    """Why a SKU cannot be a kit of these components, in words for an operator; empty where it can.

    `facts` are of the SKUs that the ledger knows.
    """
    unknown = sorted({kit, *(part.sku for part in composition)} - facts.keys())
    if unknown:
        return f"kit {kit}: not in the catalogue: {', '.join(unknown)}; import them first (onhand import catalogue)"
    if not composition:
        return f"kit {kit}: it has no components; a kit is packed from at least one"
    if len(composition) > COMPONENTS_MAX:
        return f"kit {kit}: {len(composition)} components are too many; {COMPONENTS_MAX} are accepted"
    return _own_refusal(kit, facts[kit]) or next(
        (said for part in composition if (said := _part_refusal(kit, part, facts[part.sku]))), ""
    )


def _own_refusal(kit: str, facts: KitFacts) -> str:
    if facts.held_by:
        return (
            f"kit {kit}: it is a component of {', '.join(facts.held_by)}, and kits are not nested; "
            "list the components of both in the larger one"
        )
    if facts.moved:
        return (
            f"kit {kit}: the ledger has stock movements of it, and a kit has no stock of its own; "
            "make the kit under a SKU of its own, and map its listings to that"
        )
    return ""


def _part_refusal(kit: str, part: Part, facts: KitFacts) -> str:
    if part.sku == kit:
        return f"kit {kit}: it cannot be a component of itself"
    if not 1 <= part.quantity <= QUANTITY_MAX:
        return f"kit {kit}: {part.quantity} units of {part.sku}; accepted are 1 to {QUANTITY_MAX:,}"
    if facts.kit:
        return f"kit {kit}: {part.sku} is a kit itself, and kits are not nested; list its components instead"
    return ""


def refusals(wanted: Mapping[str, Composition], facts: Mapping[str, KitFacts]) -> dict[str, str]:
    """Why some of these kits cannot be, when all of them are to be made at once, by kit.

    Where one that could be is a component of another that could be, both are refused.
    """
    found = {kit: said for kit, parts in wanted.items() if (said := refusal(kit, parts, facts))}
    sound = {kit: parts for kit, parts in wanted.items() if kit not in found}
    holders_of: dict[str, list[str]] = {}
    for kit, parts in sound.items():
        for part in parts:
            holders_of.setdefault(part.sku, []).append(kit)
    for kit, parts in sound.items():
        nested = [part.sku for part in parts if part.sku in sound]
        holders = holders_of.get(kit)
        if nested:
            found[kit] = f"kit {kit}: {', '.join(nested)} would be a kit, too, and kits are not nested"
        elif holders:
            found[kit] = (
                f"kit {kit}: it would be a component of {', '.join(sorted(holders))}, and kits are not nested"
            )
    return found
