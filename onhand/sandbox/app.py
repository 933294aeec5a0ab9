"""The sandbox as one app: the platforms' APIs, the control API, and pages for people."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount

from onhand.sandbox.control import Control
from onhand.sandbox.deliveries import Deliveries
from onhand.sandbox.fault_control import FaultControl
from onhand.sandbox.load import LoadControl
from onhand.sandbox.pages import Pages
from onhand.sandbox.selling import Selling
from onhand.sandbox.stopwatch import Stopwatch
from onhand.sandbox.store import Store
from onhand.sandbox.world import World, WorldOptions


def create_app(
    options: WorldOptions | None = None, data_dir: Path | None = None, *, world: World | None = None
) -> Starlette:
    """The app, with its world (one that was made already, or of the options) at `app.state.world`. Without a folder
    nothing outlives the process."""
    world = world or World(options or WorldOptions())
    store = Store(world, data_dir) if data_dir else None
    selling = Selling(world)
    load = LoadControl(world, selling)
    control = [
        *Control(world, store.emptied if store else lambda: None).routes(),
        *selling.routes(),
        *load.routes(),
        *Deliveries(world).routes(),
        *Stopwatch(world).routes(),
        *FaultControl(world).routes(),
    ]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        saving = asyncio.create_task(store.keep_saving()) if store else None
        try:
            yield
        finally:
            await load.stop()
            world.close()
            if store and saving:
                saving.cancel()
                await asyncio.gather(saving, return_exceptions=True)
                await store.save()

    if store:
        store.load()
    platforms = [Mount(f"/{name}", routes=routes) for name, routes in world.platform_routes().items()]
    # Pages come first: /slack is a page, /slack/api/... is the platform's.
    app = Starlette(
        routes=[*Pages(world, selling).routes(), *platforms, Mount("/_sandbox", routes=control)],
        lifespan=lifespan,
    )
    app.state.world = world
    return app
