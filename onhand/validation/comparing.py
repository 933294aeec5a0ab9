"""Known totals against what a ledger has, and the events behind each difference."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from onhand.domain.states import ON_HAND as ON_HAND_STATES
from onhand.domain.states import State
from onhand.ledger import scratch
from onhand.ledger.database import Pool
from onhand.ledger.scratch import LineBehind
from onhand.validation.files import ON_HAND, Total

Balances = Mapping[tuple[str, str], Mapping[State, int]]


@dataclass(frozen=True, slots=True)
class Difference:
    """A total that is not as it is known; `lines` are the newest ledger lines that made it so, of so many."""

    known: Total
    found: int
    lines: tuple[LineBehind, ...] = ()
    lines_in_all: int = 0

    @property
    def off_by(self) -> int:
        """Units that the ledger has too many (or, negative, too few)."""
        return self.found - self.known.quantity


def states_of(state: str) -> list[State]:
    """What a total adds up."""
    return sorted(ON_HAND_STATES) if state == ON_HAND else [State(state)]


def differences(totals: Sequence[Total], balances: Balances, *, complete: bool) -> list[Difference]:
    """Every total that is not as it is known.

    `complete`: what is not named, of the states that are, is known to be 0.
    """
    wanted = [*totals, *(_unnamed(totals, balances) if complete else ())]
    by_sku: dict[str, list[tuple[str, Mapping[State, int]]]] = {}
    for (sku, location), units in balances.items():
        by_sku.setdefault(sku, []).append((location, units))
    answers = (Difference(total, _found(total, by_sku.get(total.sku, []))) for total in wanted)
    return [answer for answer in answers if answer.off_by]


async def with_lines(pool: Pool, found: Sequence[Difference], limit: int) -> list[Difference]:
    """The same differences with the newest lines behind each."""
    answers = []
    for each in found:
        states = states_of(each.known.state)
        lines, total = await scratch.lines_behind(pool, each.known.sku, each.known.location, states, limit)
        answers.append(Difference(each.known, each.found, tuple(lines), total))
    return answers


def _found(total: Total, shelves: Sequence[tuple[str, Mapping[State, int]]]) -> int:
    states = states_of(total.state)
    return sum(
        units[state] for location, units in shelves if total.location in ("", location) for state in states
    )


def _unnamed(totals: Sequence[Total], balances: Balances) -> Iterator[Total]:
    named = {(total.sku, total.location, total.state) for total in totals}
    states = sorted({total.state for total in totals})
    for sku, location in balances:
        for state in states:
            if not named & {(sku, location, state), (sku, "", state)}:
                yield Total(sku, location, state, 0)
