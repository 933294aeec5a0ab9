"""The web app as a program of its own for `accept`: `python -m bench.accept_app DATA_DIR PORT [--noop]`.

It is the app that ships, at `DATABASE_URL`, with one Shopify channel. With `--noop` it does all the same but write
down: the signature is checked, the order is read and reduced, and the answer is given.
"""

import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.routing import Route

from bench.accept_orders import CHANNEL
from onhand import log
from onhand.channels.inbound import Delivery
from onhand.channels.registry import make_receiver
from onhand.settings import Settings
from onhand.web.app import create_app
from onhand.web.arrivals import Arrivals
from onhand.web.webhooks import WebhookDoor

SECRET_VARIABLE = "BENCH_WEBHOOK_SECRET"


async def keep_nothing(channel: str, delivery: Delivery, problem: str, body: bytes) -> bool:
    """Claim that it is kept."""
    return True


def make_app(data_dir: Path, *, noop: bool) -> FastAPI:
    """The app; with `noop` its door keeps nothing."""
    settings = Settings.model_validate(
        {
            "data_dir": data_dir,
            "locations": {"leeds": {}},
            "channels": {
                CHANNEL: {
                    "platform": "shopify",
                    "base_url": "https://bench.myshopify.com",
                    "token_env": SECRET_VARIABLE,
                    "webhook_secret_envs": [SECRET_VARIABLE],
                    "places": {"gid://shopify/Location/1": ["leeds"]},
                }
            },
        }
    )
    receivers = {CHANNEL: make_receiver(CHANNEL, settings.channels[CHANNEL])}
    app = create_app(settings, receivers=receivers)
    if noop:
        door = Route(
            "/webhooks/{channel}", WebhookDoor(receivers, keep_nothing, Arrivals()), methods=["POST"]
        )
        app.router.routes[:] = [
            door if getattr(route, "path", "") == door.path else route for route in app.router.routes
        ]
    return app


def main(arguments: list[str]) -> None:
    """Serve until stopped, as `python -m onhand.web` does."""
    data_dir, port = arguments[:2]
    log.configure("json", "error")
    uvicorn.run(
        make_app(Path(data_dir), noop="--noop" in arguments),
        port=int(port),
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
