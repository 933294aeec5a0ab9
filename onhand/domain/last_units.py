"""The last units of a SKU: when few are left, one channel alone shows them. Pure; a step of `onhand.domain.allocation`.

Units at the locations that the last channel draws on are counted, so that all channels change over at the same moment.
Units anywhere else are nobody's business but of those who draw on them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from onhand.domain.rules import WHOLE_PARTS

if TYPE_CHECKING:
    from onhand.domain.allocation import Claim

WHOLE_SHARE = Decimal(100)


@dataclass(frozen=True, slots=True)
class LastUnits:
    """Which units are the last: `left` units at `locations`, no more than `limit`, for `channel` alone."""

    channel: str
    left: int
    limit: int
    locations: tuple[str, ...]


def drawing_claims(available: Mapping[str, int], claims: Sequence["Claim"]) -> Sequence["Claim"]:
    """The claims as they draw on the stock once some of it is the last: the same ones where none is.

    Who gives way does not draw on the locations that hold the last units; the channel that takes them shows all of
    them, whatever its share.
    """
    for claim in claims:
        if claim.rule.last_units:
            found = _found(available, claims)
            return [_drawing(available, each, _bearing(found, each)) for each in claims] if found else claims
    return claims


def last_units(available: Mapping[str, int], claims: Sequence["Claim"], claim: "Claim") -> LastUnits | None:
    """The last units that this claim leaves to another channel, or that its channel takes; None where there are none.

    Nobody gives way to a channel that has no claim on the SKU, or that itself gives way to another: the units would be
    shown nowhere.
    """
    return _bearing(_found(available, claims), claim)


def _found(available: Mapping[str, int], claims: Sequence["Claim"]) -> dict[tuple[str, int], LastUnits]:
    """What is among the last at present, by the channel it is for and the limit."""
    wanted = {(each.rule.last_channel, each.rule.last_units) for each in claims if each.rule.last_units}
    found = {}
    for channel in {channel for channel, _ in wanted}:
        takers = [claim for claim in claims if claim.channel == channel]
        if any(_gives_way(taker) for taker in takers):
            continue
        locations = tuple(dict.fromkeys(location for taker in takers for location in taker.locations))
        left = sum(available.get(location, 0) for location in locations)
        for name, limit in wanted:
            if name == channel and 0 < left <= limit:
                found[name, limit] = LastUnits(name, left, limit, locations)
    return found


def _gives_way(claim: "Claim") -> bool:
    return claim.rule.last_units > 0 and claim.rule.last_channel != claim.channel


def _bearing(found: Mapping[tuple[str, int], LastUnits], claim: "Claim") -> LastUnits | None:
    """Of what was found, what the claim gives away or takes: by the widest limit, where it takes by several."""
    if _gives_way(claim):
        return found.get((claim.rule.last_channel, claim.rule.last_units))
    taken = [last for last in found.values() if last.channel == claim.channel]
    return max(taken, key=lambda last: last.limit, default=None)


def _drawing(available: Mapping[str, int], claim: "Claim", last: LastUnits | None) -> "Claim":
    if last is None:
        return claim
    if last.channel == claim.channel:
        if claim.weight is not None:
            claim = replace(claim, weight=WHOLE_PARTS)
        if claim.rule.share == WHOLE_SHARE:
            return claim
        return replace(claim, rule=replace(claim.rule, share=WHOLE_SHARE))
    # A location with less than nothing stays: giving way never makes more to show of what is oversold.
    kept = (
        location
        for location in claim.locations
        if location not in last.locations or available.get(location, 0) <= 0
    )
    return replace(claim, locations=tuple(kept))
