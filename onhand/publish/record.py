"""Write down what became of an errand: beliefs, the record of what was sent, what is settled, what it cost."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from onhand.channels.base import Channel
from onhand.domain.listings import RuleBook
from onhand.domain.targets import Target
from onhand.ledger import levels, runs
from onhand.ledger.database import Connection, Pool, one_round_trip
from onhand.ledger.levels import Basis, BasisPart, Push, Sent
from onhand.publish.work import Errand, Work


async def record(
    pool: Pool,
    channel: Channel,
    rules: RuleBook,
    work: Work,
    errand: Errand,
    sent_at: datetime,
    woken: set[str] | None,
) -> None:
    """Write down all that became known, in one transaction; listings that are right everywhere are settled.

    Outbox rows are locked before levels, as posting does, so that the two never wait for each other.
    """
    listens = rules.channels[channel.name].listens
    location_of = {
        place: locations[0] for place, locations in rules.channels[channel.name].places.items() if locations
    }
    answered_at = datetime.now(UTC)
    settled = settled_by(work)
    async with pool.connection() as connection, one_round_trip(connection, commits=True):
        cleared = await levels.settle(
            connection,
            settled,
            work.left(),
            sent=Sent(
                _with_bases(work, rules.channels[channel.name].places),
                errand.run_id or None,
                errand.attempt,
                sent_at,
                answered_at,
            ),
            accepted=[listing for listing, _ in settled],
        )
        learnt = work.learnt(location_of if listens else {})
        booking = await levels.ask_to_book(connection, learnt, answered_at, work.claim)
        if errand.run_id:
            await _record_for_run(connection, channel, work, errand)
    booked = await levels.booked(booking)
    taught = {work.targets[spot].state.sku for spot, belief in work.beliefs.items() if belief.told_of_others}
    again = (set(taught) if listens else set()) | work.again | set(booked.owed)
    cleared_now = {listing for (listing,) in await cleared.fetchall()}
    again |= {
        target.state.sku for target in work.targets.values() if target.state.listing_id in booked.overtaken
    }
    if unsure := {push.listing_id for push in work.pushes if push.generation > 0} - cleared_now:
        # Told under a generation that is not the pending one: should others have settled that, they knew less.
        again |= set(await levels.settled_by_others(pool, sorted(unsure)))
    if again:
        # After the commit, so that whoever looks at them sees it. Should we die here, the next run does. Without
        # anybody to signal them, publishers stay asleep.
        found = await levels.mark(pool, sorted(again), live=woken is not None)
        if woken is not None:
            woken.update(found)


async def _record_for_run(connection: Connection, channel: Channel, work: Work, errand: Errand) -> None:
    outcomes = {
        errand.positions[spot]: outcome for spot, outcome in work.outcomes.items() if spot in errand.positions
    }
    await runs.settle_plan(connection, errand.run_id, channel.name, outcomes)
    await runs.save_failures(connection, errand.run_id, channel.name, list(work.failures.values()))
    spent = channel.meter.take()
    await runs.add_costs(
        connection,
        errand.run_id,
        channel.name,
        reads=spent.reads,
        writes=spent.writes,
        throttled=spent.throttled,
        waited=spent.waited_seconds,
    )


def _with_bases(work: Work, places: Mapping[str, Sequence[str]]) -> list[Push]:
    """Each push with what its level was decided from, for whoever audits it.

    None where the source's word was left out of it: no balance says what was available without that.
    """
    pushes = []
    for push in work.pushes:
        target = work.targets[push.listing_id, push.place]
        if target.state.withholds:
            pushes.append(push)
            continue
        pushes.append(replace(push, basis=_basis(target, places[push.place])))
    return pushes


def _basis(target: Target, locations: Sequence[str]) -> Basis:
    state = target.state
    components = tuple(
        BasisPart(part.sku, part.quantity, _versions(part.versions, locations)) for part in state.components
    )
    versions = {} if components else _versions(state.versions, locations)
    return Basis(state.sku, state.units, versions, target.beyond, components)


def _versions(versions: Mapping[str, int], locations: Sequence[str]) -> dict[str, int]:
    return {location: versions.get(location, 0) for location in locations}


def settled_by(work: Work) -> list[tuple[int, int]]:
    """Listings (with the generation read) that are right now at every place, so they are no longer pending.

    One whose answer did not show what was wanted is not: it is looked at again.
    """
    right: dict[int, bool] = dict.fromkeys(work.pending_elsewhere, False)
    for spot, target in work.targets.items():
        fine = work.outcomes.get(spot) in ("changed", "unchanged")
        belief = work.beliefs.get(spot)
        if fine and belief is not None and belief.seen is not None:
            fine = belief.seen == target.quantity
        right[spot[0]] = right.get(spot[0], True) and fine
    generations = {t.state.listing_id: t.state.generation for t in work.targets.values()}
    return [(listing, generations[listing]) for listing, fine in right.items() if fine]
