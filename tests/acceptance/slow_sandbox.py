"""`python -m tests.acceptance.slow_sandbox`: sandbox shops without limits that take their time over each write.

So a run of a few seconds is in the middle of its calls for most of them, and can be killed there.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
import uvicorn
from starlette.requests import Request
from starlette.responses import Response

from onhand.sandbox.app import create_app
from onhand.sandbox.world import World, WorldOptions

SECONDS = {"shopify": 0.1, "woocommerce": 0.15, "bigcommerce": 0.5}
"""For one bulk call. The platforms differ in how many levels they take at once, so each has a few seconds to do."""


def pause_before_writes(seconds: float) -> Callable[[Request], Awaitable[Response | None]]:
    """A hook that lets every write wait before the shop sees it; reads are answered at once."""

    async def hook(request: Request) -> Response | None:
        if request.method != "GET" and (
            not request.url.path.endswith("graphql.json") or await _sets(request)
        ):
            await asyncio.sleep(seconds)
        return None

    return hook


async def _sets(request: Request) -> bool:
    return b"inventorySetQuantities" in await request.body()


def main(port: Annotated[int, typer.Option()]) -> None:
    """Serve the shops on a port of 127.0.0.1 until interrupted."""
    app = create_app(WorldOptions().without_limits())
    world: World = app.state.world
    for platform, seconds in SECONDS.items():
        world.traffic[platform].hooks.append(pause_before_writes(seconds))
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    typer.run(main)
