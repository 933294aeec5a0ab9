"""Every claim on a SKU's pool that bears on a listing: rules, twins, shares, and what is sold beyond the pool. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from onhand.domain.allocation import Claim
from onhand.domain.beyond import with_preorder, with_programmes
from onhand.domain.listings import ListingState, RuleBook, Sibling
from onhand.domain.rules import Duplicates, Mode, Rule
from onhand.domain.sharing import weights


def claims_of(state: ListingState, rules: RuleBook) -> list[Claim]:
    """Every claim on the SKU's pool that bears on this listing, its own first.

    Halts and widened buffers are known of its own claims only: those of others change nothing here.
    """
    claims = _in_shares(state, _claims_on_pool(state, rules), rules)
    if state.preorder is not None:
        claims = with_preorder(claims, state.available, state.preorder)
    if state.reserved:
        partners = {name: channel.partner for name, channel in rules.channels.items() if channel.partner}
        claims = with_programmes(claims, state.reserved, partners)
    return claims


def _claims_on_pool(state: ListingState, rules: RuleBook) -> list[Claim]:
    siblings = state.siblings
    if not siblings:
        rule = rules.rule_for(state.channel, state.sku, state.tags)
        channel = rules.channels[state.channel]
        return [
            Claim(
                state.channel,
                state.listing_id,
                place,
                locations,
                channel.at(place, rule),
                state.units,
                halted=state.halted,
                widened=state.widened,
                spiking=state.spiking,
                paced=state.paced.get(place),
            )
            for place, locations in channel.places.items()
        ]
    mine_first = sorted(siblings, key=lambda s: (s.listing_id != state.listing_id, s.channel, s.listing_id))
    return [
        Claim(
            channel=sibling.channel,
            listing_id=sibling.listing_id,
            place=place,
            locations=locations,
            rule=rule,
            units=sibling.units,
            halted=state.halted and sibling.listing_id == state.listing_id,
            widened=state.widened if sibling.listing_id == state.listing_id else 0,
            spiking=state.spiking,
            paced=state.paced.get(place) if sibling.listing_id == state.listing_id else None,
            twins=tuple(twin.units for twin in twins),
            turn=twins.index(sibling) if twins else 0,
        )
        for sibling in mine_first
        if sibling.channel in rules.channels
        for channel in [rules.channels[sibling.channel]]
        for place, locations in channel.places.items()
        for rule in [channel.at(place, rules.rule_for(sibling.channel, state.sku, state.tags))]
        for twins in [_twins(sibling, state, rule)]
    ]


def _in_shares(state: ListingState, claims: list[Claim], rules: RuleBook) -> list[Claim]:
    """The same with the weight of each that takes part, where the SKU is in shares."""
    shared = state.shared
    if shared is None or not state.divisible:
        return claims
    takes_part = [
        not rules.channels[claim.channel].shows_all(claim.place)
        and (shared.planned or claim.rule.mode is Mode.ADAPTIVE)
        for claim in claims
    ]
    channels = [claim.channel for claim, takes in zip(claims, takes_part, strict=True) if takes]
    parts = weights(channels, _demand(state, rules), shared.shares) if channels else {}
    return [
        replace(claim, weight=parts[claim.channel], twins=_undivided(claim)) if takes else claim
        for claim, takes in zip(claims, takes_part, strict=True)
    ]


def _demand(state: ListingState, rules: RuleBook) -> dict[str, float]:
    """Units sold a second by channel; one whose sales we are not told of counts as the others do on average."""
    heard = {
        name: rate
        for name, rate in state.demand.items()
        if name in rules.channels and rules.channels[name].listens
    }
    average = sum(heard.values()) / len(heard) if heard else 0.0
    return {name: heard.get(name, average) for name in state.demand}


def _undivided(claim: Claim) -> tuple[int, ...]:
    """A channel's part is divided among its listings beforehand, as one of partitioned stock is."""
    return () if claim.rule.duplicates is Duplicates.SPLIT else claim.twins


def _twins(sibling: Sibling, state: ListingState, rule: Rule) -> Sequence[Sibling]:
    """The listings of the SKU on the channel of one, by age, where its rule divides what the channel has among them.

    Nobody, where each part is the listing's own already: shares of partitioned stock are divided beforehand.
    """
    divided = rule.duplicates is Duplicates.SPLIT and rule.mode is Mode.PARTITIONED
    if rule.duplicates is Duplicates.EACH or divided:
        return ()
    twins = sorted((s for s in state.siblings if s.channel == sibling.channel), key=lambda s: s.listing_id)
    return twins if len(twins) > 1 else ()
