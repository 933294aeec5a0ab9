"""Claims are let go when their errand is over, whatever becomes of the renewal that was on its way."""

import asyncio
from contextlib import suppress
from typing import Any, cast

import pytest

from onhand.ledger import levels
from onhand.publish import claims


async def test_a_renewal_that_loses_its_cancellation_does_not_hold_the_errand_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Goal: a publisher goes on when its errand is over, also when the driver swallowed the renewal's cancellation."""
    under_way = asyncio.Event()
    renewals = []

    async def renew_claims(*stated: Any) -> None:
        renewals.append(stated)
        under_way.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    monkeypatch.setattr(levels, "renew_claims", renew_claims)
    monkeypatch.setattr(claims, "RENEW_SECONDS", 0.0)

    async with asyncio.timeout(5):
        async with claims.held(cast("Any", None), [(1, "")], 7):
            await under_way.wait()

    assert renewals == [(None, [(1, "")], 7, claims.CLAIM_SECONDS)]
