"""Which SKUs are in shares is settled before their levels are decided (`onhand.domain.scarcity`)."""

from collections.abc import Sequence

from onhand.domain.listings import ListingState, RuleBook
from onhand.domain.scarcity import crossing_of
from onhand.ledger import levels, sharing
from onhand.ledger.database import Pool


async def states_decided(
    pool: Pool,
    channel: str,
    rules: RuleBook,
    listings: Sequence[int],
    *,
    withheld: bool,
    deciding: bool,
    woken: set[str] | None,
) -> list[ListingState]:
    """What decides the levels of these listings, once it is settled which of their SKUs are in shares.

    `deciding`: it has to be known how fast they sell. Where one comes into shares or leaves them all its listings are
    marked, and who is to be signalled is added to `woken`.
    """

    async def read() -> list[ListingState]:
        return await levels.listing_states(
            pool,
            channel,
            listings,
            siblings=rules.needs_siblings,
            withheld=withheld,
            deciding=deciding,
        )

    states = await read()
    crossings = {state.sku: crossing for state in states if (crossing := crossing_of(state, rules))}
    if not crossings:
        return states
    changed, signalled = await sharing.change(pool, crossings, live=woken is not None)
    if woken is not None:
        woken.update(signalled)
    return await read() if changed else states
