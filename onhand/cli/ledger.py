"""What commands that use the ledger share: the way in, the location that was meant, the levels of a SKU."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from onhand.cli.app import Session
from onhand.cli.errors import ExitCode, OperatorError
from onhand.connect import open_ledger
from onhand.domain.listings import RuleBook
from onhand.domain.targets import Target, all_targets
from onhand.ledger import catalogue, counters, levels
from onhand.ledger.counters import Counter
from onhand.ledger.database import Pool
from onhand.settings import Settings

Answer = TypeVar("Answer")

SkuArgument = Annotated[str, typer.Argument(metavar="SKU", help="Our code of the SKU.", show_default=False)]
ChannelOption = Annotated[str | None, typer.Option("--channel", help="Only this channel.", metavar="CHANNEL")]


def in_ledger(session: Session, work: Callable[[Pool], Awaitable[Answer]]) -> Answer:
    """Do something with the ledger open, to its end."""

    async def opened() -> Answer:
        async with open_ledger(session.settings) as pool:
            return await work(pool)

    return asyncio.run(opened())


async def make_places_known(pool: Pool, settings: Settings) -> None:
    """Have the ledger know the configured locations and channels, as the worker does when it starts."""
    await catalogue.save_places(
        pool,
        {code: section.name or code for code, section in settings.locations.items()},
        {name: section.platform for name, section in settings.channels.items()},
    )
    await counters.save(pool, {code: Counter(*found) for code, found in settings.counters().items()})


def chosen_location(settings: Settings, location: str | None, option: str = "--location") -> str:
    """The location given, or the only one there is; otherwise wrong usage."""
    names = list(settings.locations)
    if location is None and len(names) == 1:
        return names[0]
    if location in settings.locations:
        return str(location)
    known = ", ".join(names)
    said = f"{option} is needed" if location is None else f"there is no location {location!r}"
    raise OperatorError(f"{said}; known are {known}", code=ExitCode.USAGE)


async def targets_of_sku(pool: Pool, rules: RuleBook, sku: str, channel: str | None = None) -> list[Target]:
    """What every listing of a SKU on the enabled channels should show, and what we believe it shows."""
    targets: list[Target] = []
    by_channel: dict[str, list[int]] = {}
    for listing, name in await levels.listings_of_sku(pool, sku, channel):
        by_channel.setdefault(name, []).append(listing)
    for name, listings in by_channel.items():
        if name in rules.channels:
            targets += all_targets(await levels.listing_states(pool, name, listings, siblings=True), rules)
    return targets
