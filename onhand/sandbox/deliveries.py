"""What goes wrong with deliveries, switched while the sandbox runs: GET and POST /_sandbox/deliveries."""

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from onhand.sandbox.answering import Json, Unwilling, json_answer, posted
from onhand.sandbox.mishaps import mishaps_of
from onhand.sandbox.sending import Sender
from onhand.sandbox.world import World


class Deliveries:
    """The faults and the counts of one world's deliveries."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[BaseRoute]:
        """Its endpoints."""
        return [
            Route("/deliveries", posted(self.change), methods=["POST"]),
            Route("/deliveries", self.show, methods=["GET"]),
        ]

    async def change(self, body: Json) -> Json:
        """Put faults in place of the last ones, on `platform` or on all: `duplicate`, `shuffle` and `lose` are
        shares, `delay_seconds` is [least, most], `seed` decides. What is not given ends.

        `time_scale` (kept unless given) shortens delays and the waits of retries; `connections` (kept, too) is how
        many deliveries of a shop are under way at once: one keeps them in order.
        """
        wanted = [str(body["platform"])] if "platform" in body else list(self._world.senders)
        if not set(wanted) <= set(self._world.senders):
            raise Unwilling(404, f"no platform {wanted[0]!r}; there are {', '.join(self._world.senders)}")
        mishaps = mishaps_of(body)
        time_scale, connections = body.get("time_scale"), body.get("connections")
        if connections is not None and not 1 <= int(connections) <= 1_000:
            raise Unwilling(400, f"connections is between 1 and 1000, not {connections}")
        for name in wanted:
            sender = self._world.senders[name]
            sender.mishaps = mishaps
            sender.time_scale = float(time_scale) if time_scale is not None else sender.time_scale
            sender.connections_max = int(connections) if connections is not None else sender.connections_max
        return {name: _seen(self._world.senders[name]) for name in wanted}

    async def show(self, request: Request) -> Response:
        """Faults and counts of each shop."""
        return json_answer({name: _seen(sender) for name, sender in self._world.senders.items()})


def _seen(sender: Sender) -> dict[str, Any]:
    settings = {"time_scale": sender.time_scale, "connections": sender.connections_max}
    return {**asdict(sender.mishaps), **settings, "counts": sender.stats()}
