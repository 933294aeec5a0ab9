"""A short chaos run: everything at once, and then all is well."""

import pytest

from bench.chaos.run import Options, run
from bench.chaos.world import Sweeps

SEED = 142
"""Worker, Temporal and Postgres die; no fault of its minute takes the two minutes that a lost write may."""


@pytest.mark.timeout(400)
async def test_a_short_bad_day() -> None:
    """Goal: faults, kills and orders together lose nothing. Method: twenty seconds of them, then the judgement."""
    options = Options(
        SEED, minutes=1, rate=10, kills=3, recovery=False, minute_seconds=20, sweeps=Sweeps(10, 15)
    )
    outcome = await run(options)
    figures = outcome.figures()
    assert (figures["kills"], figures["accepted"]) == (3, 200)
    assert (figures["lost"], figures["doubled"], figures["violations"]) == (0, 0, 0)
    assert figures["slowest_convergence_s"] is not None
