"""Which run an operator means: by its id, by the end of it, or the latest."""

from onhand.cli.errors import ExitCode, OperatorError
from onhand.ledger import runs
from onhand.ledger.database import Pool
from onhand.ledger.runs import RunRow

RUNS_MAX = 1_000
"""Recent runs among which the end of an id is looked for."""


async def find_run(pool: Pool, named: str | None) -> RunRow:
    """The run of that id, or the only one whose id ends so; the latest where None is given. Raises OperatorError."""
    if named is not None and (exact := await runs.get_run(pool, named)) is not None:
        return exact
    recent = await runs.list_runs(pool, RUNS_MAX)
    matching = recent[:1] if named is None else [run for run in recent if run.id.endswith(named)]
    if len(matching) == 1:
        return matching[0]
    if named is None:
        raise OperatorError("there has been no run yet", "Start one: onhand sync")
    said = "no run is called" if not matching else f"{len(matching)} runs end with"
    raise OperatorError(f"{said} {named!r}", "See `onhand runs list`.", ExitCode.USAGE)
