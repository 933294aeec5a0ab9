"""Is everything all right? The judgement of `onhand status` over HTTP: as JSON, and for the top of the overview."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Request

from onhand.domain.health import Verdict
from onhand.ledger.database import Pool
from onhand.status import Doors, look
from onhand.web import api

router = APIRouter()


@router.get("/status", tags=["health"], summary="Is everything all right?", responses=api.errors())
async def get_status(request: Request) -> Verdict:
    """`health` is "ok", "attention" or "broken"; each problem says what, since when, and which command helps.

    It answers 200 whatever it finds: what does not answer is a problem. For probes there is /readyz.
    """
    return await judged(request)


async def judged(request: Request) -> Verdict:
    """One look, by what the app has behind it; the app itself answers, as it was asked."""
    backends = api.backends_of(request)

    @asynccontextmanager
    async def ledger() -> AsyncIterator[Pool]:
        yield backends.pool

    async def web() -> str:
        return ""

    return await look(api.settings_of(request), Doors(ledger, backends.temporal, web))
