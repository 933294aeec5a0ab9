"""The app: the way in of facts, API, pages, documentation and health, put together behind one gate."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from onhand.channels.inbound import Receiver
from onhand.channels.registry import make_receiver
from onhand.ledger import inbox, runs
from onhand.settings import Settings
from onhand.waking import wake_intakes, wake_publishers
from onhand.web import (
    answers,
    api,
    docs,
    errors,
    events,
    inbox_routes,
    login_routes,
    operate,
    pages,
    releasing,
    report_pages,
    standing,
)
from onhand.web.arrivals import Arrivals
from onhand.web.backends import Backends, Doors
from onhand.web.clients import Clients
from onhand.web.gate import Gate, Guard
from onhand.web.inbox_page import CHOICES, inbox_page
from onhand.web.keeping import Keeper
from onhand.web.sku_page import sku_page
from onhand.web.waking import Waker
from onhand.web.webhooks import WebhookDoor

RUNS_SHOWN = 10
DELIVERIES_SHOWN = 100
FAILURES_SHOWN = 20
RUN_FAILURES_SHOWN = 200

DESCRIPTION = """
What Onhand knows and did: sync runs, stock, and why each channel shows what it shows; and the way in for what
happened elsewhere. Every error has one shape: `{"error": {"code", "message", "advice"}}`.

Where clients are configured, every address but those under *health* wants a token
(`Authorization: Bearer ...`) whose client has the scope: `read` to look, `events` to post events, `operate` for the
rest. Channels deliver to `POST /webhooks/<channel>`, signed as each platform signs.
"""

TAGS = [
    {"name": "events", "description": "What happened to stock, as other systems state it."},
    {"name": "runs", "description": "Sync runs: what changed, what failed and why, what it cost."},
    {"name": "stock", "description": "Units of a SKU, and why a channel shows the number it shows."},
    {"name": "channels", "description": "Listings, pending changes and dead letters of each channel."},
    {"name": "health", "description": "Whether all is well; and for probes of the platform that runs this."},
]


def create_app(
    settings: Settings,
    *,
    doors: Doors | None = None,
    receivers: Mapping[str, Receiver] | None = None,
    temporal_ui: str = "",
) -> FastAPI:
    """The app for a configuration. `doors` lead to ledger and Temporal, and `receivers` read the channels' webhooks,
    as configured unless given; `temporal_ui` is the address of Temporal's Web UI, for a link to it.

    Raises SettingsError where a secret of a client or a channel is missing.
    """
    backends = Backends(doors or Doors.from_settings(settings))
    arrivals = Arrivals()
    intake = Waker("Intake", backends.temporal, wake_intakes)
    publishing = Waker("Publish", backends.temporal, wake_publishers)
    keeper = Keeper(lambda: backends.pool, intake.wake)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with backends.running():
            yield
            await keeper.drained()
            await intake.settled()
            await publishing.settled()

    app = FastAPI(
        title="Onhand",
        version="1",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.backends = backends
    app.state.temporal_ui = temporal_ui
    app.state.arrivals = arrivals
    app.state.intake = intake
    app.state.publishing = publishing
    app.state.gate = Gate(Clients.from_settings(settings), settings.web)
    app.add_middleware(Guard, gate=app.state.gate)
    door = WebhookDoor(_receivers(settings) if receivers is None else receivers, keeper.keep, arrivals)
    app.router.routes.append(Route("/webhooks/{channel}", door, methods=["POST"]))
    errors.install(app)
    docs.install(app)
    app.include_router(events.router)
    app.include_router(api.api)
    app.include_router(operate.router)
    app.include_router(releasing.router)
    app.include_router(inbox_routes.router)
    app.include_router(login_routes.router)
    app.include_router(api.health)
    app.include_router(standing.router)
    app.include_router(report_pages.router)
    app.include_router(_pages)
    return app


def _receivers(settings: Settings) -> dict[str, Receiver]:
    return {name: make_receiver(name, settings.channels[name]) for name in settings.enabled_channels()}


_pages = APIRouter(include_in_schema=False)


@_pages.get("/")
async def overview(request: Request) -> HTMLResponse:
    """Whether all is well, channels, the last run, and the runs before."""
    pool = api.pool_of(request)
    verdict = await standing.judged(request)
    recent = await runs.list_runs(pool, RUNS_SHOWN)
    last = await api.run_detail(pool, recent[0].id, FAILURES_SHOWN) if recent else None
    channels = await api.channel_list(pool, api.settings_of(request))
    listed = answers.Runs(runs=[answers.Run.of(row) for row in recent])
    poison, _ = await inbox.count_poison(pool)
    return pages.overview_page(verdict, listed, last, channels, request.app.state.temporal_ui, poison)


@_pages.get("/inbox")
async def show_inbox(
    request: Request, outcome: Annotated[str, Query(pattern=f"^({'|'.join(CHOICES)})$")] = ""
) -> HTMLResponse:
    """What the channels told us."""
    rows = await inbox.listed(api.pool_of(request), None, outcome or None, DELIVERIES_SHOWN)
    found = [inbox_routes.InboxDelivery.build(row) for row in rows]
    return inbox_page(found, outcome, request.app.state.temporal_ui)


@_pages.get("/runs/{run_id}")
async def run(request: Request, run_id: str) -> HTMLResponse:
    """One run."""
    found = await api.run_detail(api.pool_of(request), run_id, RUN_FAILURES_SHOWN)
    return pages.run_page(found, request.app.state.temporal_ui)


@_pages.get("/skus")
async def find_sku(sku: str = Query(max_length=200)) -> Response:
    """Where the field in the navigation leads."""
    return RedirectResponse(pages.sku_address(sku.strip()), 303)


@_pages.get("/skus/{sku:path}")
async def show_sku(request: Request, sku: str) -> HTMLResponse:
    """Why the channels show what they show of a SKU."""
    found = await api.explanation(api.pool_of(request), api.settings_of(request), sku, None)
    return sku_page(answers.Explained.build(found), request.app.state.temporal_ui)
