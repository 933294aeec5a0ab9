"""What a claim may sell beyond the pool: units reserved for its channel's partner, and units that are on their way.

Both are kept out of the pool, so nothing that is decided about it (buffers, shares) has to know of them: each claim is
given its part of them besides. Of what is on its way the channels' rules decide, as they do of the pool, but no buffer
is held back: the cap is the buffer there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from onhand.domain.allocation import Claim, parts_of
from onhand.domain.preorders import PreOrder, allowance
from onhand.domain.rules import NO_BUFFER


def with_preorder(claims: Sequence[Claim], available: Mapping[str, int], preorder: PreOrder) -> list[Claim]:
    """The claims with what each may sell before it arrives; all of the SKU have to be given where one is not pooled."""
    return [
        replace(claim, preorder=units, promised_for=preorder.promised_for) if units else claim
        for claim, units in zip(
            claims,
            _parts(claims, allowance(available, preorder), lambda claim: preorder.allows(claim.channel)),
            strict=True,
        )
    ]


def with_programmes(
    claims: Sequence[Claim], reserved: Mapping[str, Mapping[str, int]], partners: Mapping[str, str]
) -> list[Claim]:
    """The claims with what is reserved for their channel's partner: `reserved` by partner and location, in units.

    `partners` is by channel; one that is no partner's sees nothing of it. Channels of one partner all see all of it, as
    it is for one buyer.
    """
    own = [reserved.get(partners.get(claim.channel, ""), {}) for claim in claims]
    units = [
        sum(held.get(location, 0) for location in claim.locations)
        for claim, held in zip(claims, own, strict=True)
    ]
    return [
        replace(claim, programme=part) if part else claim for claim, part in zip(claims, units, strict=True)
    ]


def _parts(claims: Sequence[Claim], units: Mapping[str, int], may: Callable[[Claim], bool]) -> list[int]:
    """What of these units each claim is given; nothing where it may have none."""
    entitled = [n for n, claim in enumerate(claims) if may(claim)]
    if not entitled or not units:
        return [0] * len(claims)
    unbuffered = [replace(claims[n], rule=replace(claims[n].rule, buffer=NO_BUFFER)) for n in entitled]
    given = dict(zip(entitled, parts_of(units, unbuffered), strict=True))
    return [given.get(n, 0) for n in range(len(claims))]
