"""One validation, from two files to a verdict."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from onhand.ledger import scratch
from onhand.validation.comparing import Difference, differences, with_lines
from onhand.validation.feeding import Refusal, feed
from onhand.validation.files import read_history, read_totals


@dataclass(frozen=True, slots=True)
class Validation:
    """What came of it. `verdicts`: how many statements were posted, duplicates, and so on; `seconds`: of feeding.

    `differences` are all of them; the events behind are given for the first ones.
    """

    statements: int
    seconds: float
    verdicts: Mapping[str, int]
    refusals: tuple[Refusal, ...]
    totals: int
    differences: tuple[Difference, ...]

    @property
    def proven(self) -> bool:
        """Whether everything could be taken, and the ledger ends at every known total."""
        return not self.refusals and not self.differences


async def validate(
    dsn: str,
    events: Path,
    expected: Path,
    *,
    complete: bool = False,
    shown: int = 20,
    lines: int = 20,
    progress: Callable[[int], None] = lambda done: None,
) -> Validation:
    """Feed `events` into a scratch ledger on the server of `dsn` and hold it against the totals of `expected`.

    `shown`: for so many differences the events behind are looked up, the newest `lines` ledger lines of each. Raises
    FileUnfitError, and psycopg's errors.
    """
    totals = read_totals(expected)
    async with scratch.scratch_ledger(dsn) as pool:
        began = time.perf_counter()
        fed = await feed(pool, read_history(events), progress)
        seconds = time.perf_counter() - began
        found = differences(totals, await scratch.balances(pool), complete=complete)
        explained = await with_lines(pool, found[:shown], lines)
    return Validation(
        statements=fed.statements,
        seconds=seconds,
        verdicts={verdict.value: number for verdict, number in sorted(fed.verdicts.items())},
        refusals=tuple(fed.refusals),
        totals=len(totals),
        differences=(*explained, *found[shown:]),
    )
