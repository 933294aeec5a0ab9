"""`python -m bench.slow_shops --port P`: the sandbox's shops without limits, over a network as it is.

A write takes effect after 0.2 to 0.8 s, as from far away; webhooks are told to be late by the benchmark itself.
"""

import asyncio
import random
from typing import Annotated

import typer
import uvicorn
from starlette.requests import Request
from starlette.responses import Response

from onhand.sandbox.app import create_app
from onhand.sandbox.world import World, WorldOptions

SECONDS = (0.2, 0.8)
"""Of a write on its way."""
SETS = (b"inventorySetQuantities", b"inventoryAdjustQuantities")


async def wait_before_writes(request: Request) -> Response | None:
    """A hook that holds every write up before the shop sees it; reads are answered at once."""
    if request.method != "GET" and await _writes(request):
        await asyncio.sleep(random.uniform(*SECONDS))
    return None


async def _writes(request: Request) -> bool:
    if not request.url.path.endswith("graphql.json"):
        return True
    body = await request.body()
    return any(each in body for each in SETS)


def main(port: Annotated[int, typer.Option()]) -> None:
    """Serve the shops on a port of 127.0.0.1 until interrupted."""
    app = create_app(WorldOptions().without_limits())
    world: World = app.state.world
    for traffic in world.traffic.values():
        traffic.hooks.append(wait_before_writes)
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    typer.run(main)
