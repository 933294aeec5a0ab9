"""Each platform's shop on a stage of its own."""

from collections.abc import AsyncIterator

import pytest

from onhand.ledger.database import Pool
from tests.faults.stage import Stage, stage_of
from tests.fix_channels import FakeClock
from tests.sandbox.fix_platforms import sandbox_of


@pytest.fixture(params=["shopify", "woocommerce", "bigcommerce"])
async def stage(request: pytest.FixtureRequest, clock: FakeClock, ledger: Pool) -> AsyncIterator[Stage]:
    """A shop that shows what it should, its ledger and its adapter."""
    made = await stage_of(request.param, sandbox_of(clock), ledger)
    yield made
    await made.channel.aclose()
