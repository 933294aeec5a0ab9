"""The API: runs, stock, explanations and channels, read from the ledger; nothing is changed here."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from onhand.explain.explanation import Explanation, explain_sku
from onhand.explain.skus import UnknownSkuError, known_sku
from onhand.ledger import runs, stock, work
from onhand.ledger.database import Pool
from onhand.settings import Settings
from onhand.web import answers
from onhand.web.backends import Backends
from onhand.web.errors import ApiError, ErrorAnswer

FAILURES_MAX = 1_000
EVENTS_SHOWN = 20
PUSHES_SHOWN = 5

RunId = Annotated[str, Path(description="The id of a run.", examples=["sync-run-2026-11-21T07:00:00Z"])]
SkuCode = Annotated[str, Path(description="The code of a SKU.", examples=["23321"])]


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors an address can answer besides, for the documentation."""
    return {status: _error(*_ERRORS[status]) for status in (*statuses, 503)}


_ERRORS = {
    401: ("Nobody known sent it.", "not_authenticated", "this needs a client's token"),
    403: ("The client may not.", "not_allowed", "the client 'wms' lacks the scope 'operate'"),
    404: ("There is no such thing.", "unknown_sku", "there is no SKU '85123'"),
    409: ("It is not in a state for that.", "not_poison", "delivery 417 is not poison: posted"),
    413: ("It is too large.", "too_large", "the body is too large"),
    422: ("It is not understood.", "wrong_parameter", "limit: less than or equal to 500"),
    503: ("The ledger is not there.", "ledger_unreachable", "the ledger does not answer"),
}
"""By status what it means, and an example of a code and a message."""


def _error(words: str, code: str, message: str) -> dict[str, Any]:
    example = {"error": {"code": code, "message": message, "advice": ""}}
    return {"model": ErrorAnswer, "description": words, "content": {"application/json": {"example": example}}}


health = APIRouter(tags=["health"])
api = APIRouter(prefix="/api")


def backends_of(request: Request) -> Backends:
    """What the app has behind it."""
    found: Backends = request.app.state.backends
    return found


def settings_of(request: Request) -> Settings:
    """The configuration."""
    found: Settings = request.app.state.settings
    return found


def pool_of(request: Request) -> Pool:
    """The ledger. Raises NotReadyError."""
    return backends_of(request).pool


@health.get("/healthz", summary="Is the process up?")
async def healthz(request: Request) -> answers.Health:
    """Always yes, when it answers at all. For liveness probes; a monitor sees whether wake-ups get lost."""
    state = request.app.state
    lost = (waker.lost.total() for waker in (state.intake, state.publishing))
    return answers.Health(status="ok", wakeups_lost=sum(lost))


@health.get(
    "/readyz",
    summary="Can requests be answered?",
    responses={503: {"model": answers.Readiness, "description": "Something is missing; it says what."}},
)
async def readyz(request: Request, response: Response) -> answers.Readiness:
    """Whether the ledger answers, its migrations are applied, and Temporal answers. For readiness probes."""
    problems = await backends_of(request).problems()
    if problems:
        response.status_code = 503
        response.headers["Retry-After"] = "5"
    return answers.Readiness(ready=not problems, problems=problems)


@api.get("/runs", tags=["runs"], summary="Recent runs", responses=errors(422))
async def list_runs(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=500, description="How many at most.")] = 20,
) -> answers.Runs:
    """The newest first."""
    return answers.Runs(runs=[answers.Run.of(row) for row in await runs.list_runs(pool_of(request), limit)])


@api.get("/runs/{run_id}", tags=["runs"], summary="One run", responses=errors(404, 422))
async def get_run(
    request: Request,
    run_id: RunId,
    failures: Annotated[
        int, Query(ge=0, le=FAILURES_MAX, description="How many failed levels to list at most.")
    ] = 100,
) -> answers.RunDetail:
    """What it did on each channel, what that cost, and the levels that could not be set, with the reasons."""
    return await run_detail(pool_of(request), run_id, failures)


@api.get("/channels", tags=["channels"], summary="All channels", responses=errors())
async def list_channels(request: Request) -> answers.Channels:
    """Their listings, what is pending or given up, and when they were last told something."""
    return await channel_list(pool_of(request), settings_of(request))


@api.get("/stock/{sku:path}", tags=["stock"], summary="Stock of a SKU", responses=errors(404, 422))
async def get_stock(request: Request, sku: SkuCode) -> answers.Stock:
    """Units by location and state, and what its listings show."""
    pool = pool_of(request)
    try:
        card = await known_sku(pool, sku)
    except UnknownSkuError as error:
        raise _unknown_sku(error) from error
    return answers.Stock.build(card, await stock.sku_balances(pool, sku), await stock.sku_listings(pool, sku))


@api.get(
    "/explain/{sku:path}", tags=["stock"], summary="Why does a channel show 7?", responses=errors(404, 422)
)
async def get_explanation(
    request: Request,
    sku: SkuCode,
    channel: Annotated[
        str | None, Query(description="Only this channel.", examples=["shopify"], max_length=63)
    ] = None,
) -> answers.Explained:
    """The rules step by step, what we believe and were told, the last pushes, and the newest events."""
    found = await explanation(pool_of(request), settings_of(request), sku, channel)
    return answers.Explained.build(found)


async def run_detail(pool: Pool, run_id: str, failures: int) -> answers.RunDetail:
    """A run with channels and failures. Raises ApiError."""
    run = await runs.get_run(pool, run_id)
    if run is None:
        raise ApiError(
            404, "unknown_run", f"there is no run {run_id!r}", "GET /api/runs lists the runs there are."
        )
    return answers.RunDetail.build(
        run, await runs.run_channels(pool, run_id), await runs.run_failures(pool, run_id, failures)
    )


async def channel_list(pool: Pool, settings: Settings) -> answers.Channels:
    """How the configured channels stand; one the ledger has not heard of yet is left out."""
    rows = await stock.channel_overview(pool, list(settings.channels))
    works = {each.channel: each for each in await work.of_channels(pool, list(settings.channels))}
    now = datetime.now(UTC)
    return answers.Channels(
        channels=[
            answers.Channel.build(row, settings.channels[row.channel].enabled, works.get(row.channel), now)
            for row in rows
        ]
    )


async def explanation(pool: Pool, settings: Settings, sku: str, channel: str | None) -> Explanation:
    """Why the channels show what they show of a SKU. Raises ApiError."""
    if channel is not None and channel not in settings.channels:
        known = ", ".join(settings.channels)
        raise ApiError(404, "unknown_channel", f"there is no channel {channel!r}", f"There are {known}.")
    channels = [channel] if channel is not None else list(settings.channels)
    try:
        return await explain_sku(
            pool, settings.rule_book(), channels, sku, events=EVENTS_SHOWN, pushes=PUSHES_SHOWN
        )
    except UnknownSkuError as error:
        raise _unknown_sku(error) from error


def _unknown_sku(error: UnknownSkuError) -> ApiError:
    return ApiError(404, "unknown_sku", error.message, error.advice)
