"""Whether there are as many units as an operator says have gone: a digit too many would empty every channel at once."""

from collections.abc import Mapping
from typing import Annotated

import typer

from onhand.cli.errors import ExitCode, OperatorError
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement
from onhand.domain.states import State
from onhand.ledger import said, stock
from onhand.ledger.database import Pool
from onhand.wording import count

BeyondOption = Annotated[
    bool, typer.Option("--beyond", help="Post it although the ledger has fewer there than that.")
]

ON_SHELVES = (State.AVAILABLE, State.COMMITTED, State.RESERVED)
"""What can break or be stolen beside what is for sale; what is put aside is taken from where it is."""


def taken_by(movement: Movement) -> tuple[State, int]:
    """The state that a movement takes units from, and how many; 0 where it only brings some in."""
    match movement.kind:
        case EventKind.ADJUSTMENT:
            return State.AVAILABLE, max(0, -movement.quantity)
        case EventKind.WRITE_OFF:
            return movement.state, movement.quantity
        case EventKind.TRANSFER_OUT:
            return State.AVAILABLE, movement.quantity
        case EventKind.TRANSFER_IN:
            return State.IN_TRANSIT, movement.quantity
        case _:
            return State.SUPPLIER, 0


async def require_enough(
    pool: Pool, source: str, external_id: str, location: str, state: State, taken: Mapping[str, int]
) -> None:
    """Refuse to take more units by SKU than there are. What was stated before under this id is judged by the ledger.

    Only the operator is asked: what a system states has happened, whatever the ledger had.
    """
    if await said.before(pool, source, external_id):
        return
    for sku, units in taken.items():
        there = await _there(pool, sku, location, state)
        if units > there:
            raise OperatorError(
                f"{_taken(units, sku, location, state)}: by the ledger there "
                f"{'is' if there == 1 else 'are'} {there:,} {_words(state)}; nothing was posted",
                "If the ledger is wrong, count the shelf first (onhand stock count). If it is not, and it "
                "is so all the same, say it again with --beyond.",
                ExitCode.USAGE,
            )


def _taken(units: int, sku: str, location: str, state: State) -> str:
    verb = "arrived at" if state is State.IN_TRANSIT else "gone from"
    return f"{count(units, 'unit')} of {sku} cannot have {verb} {location}"


async def _there(pool: Pool, sku: str, location: str, state: State) -> int:
    states = ON_SHELVES if state is State.AVAILABLE else (state,)
    rows = [row for row in await stock.sku_balances(pool, sku) if row.location == location]
    return max(0, sum(row.units[each] for row in rows for each in states))


def _words(state: State) -> str:
    if state is State.AVAILABLE:
        return "on its shelves"
    return "on their way there" if state is State.IN_TRANSIT else state.value.replace("_", " ")
