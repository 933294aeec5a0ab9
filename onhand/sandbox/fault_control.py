"""Faults switched while the sandbox runs, under `/_sandbox/`:

GET    /faults                       what is on and what has ended, by platform
GET    /<platform>/faults
PUT    /<platform>/faults            one fault, or a list; each in place of the last of its kind
DELETE /<platform>/faults[?kind=...] those of the kind end, or all
DELETE /faults                       all end, everywhere
POST   /<platform>/changes           somebody changes levels this once; the answer names what
POST   /faults/minute                `{"seed": 7, "minute": 3}`: that minute of a bad day in place of what is on
"""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from onhand.sandbox.answering import Json, Unwilling, json_answer, posted
from onhand.sandbox.fault_plan import MINUTE_SECONDS, plan
from onhand.sandbox.faults import BY_KIND, ChangeLevels, fault_of
from onhand.sandbox.trouble import Trouble
from onhand.sandbox.world import World

FAULTS_MAX = 50
"""Of one request."""


class FaultControl:
    """The faults of one world's shops."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[BaseRoute]:
        """Its endpoints, under whatever they are mounted."""
        here = "/{platform}/faults"
        return [
            Route("/faults/minute", posted(self.minute), methods=["POST"]),
            Route("/faults", self.show, methods=["GET"]),
            Route("/faults", self.end_all, methods=["DELETE"]),
            Route(here, self._about(self._told), methods=["GET"]),
            Route(here, self._about(self._switch_on), methods=["PUT"]),
            Route(here, self._about(self._switch_off), methods=["DELETE"]),
            Route("/{platform}/changes", self._about(self._change), methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """What is on, and what has ended, of every shop."""
        return json_answer(self._all())

    async def end_all(self, request: Request) -> Response:
        """Every fault of every shop ends."""
        for trouble in self._world.troubles.values():
            trouble.switch_off()
        return json_answer(self._all())

    async def minute(self, body: Json) -> Json:
        """The faults of one minute of a planned day, in place of whatever is on."""
        seed, minute = int(body["seed"]), int(body["minute"])
        without = frozenset(map(str, body.get("without", ())))
        planned = plan(seed, minute, without=without)
        for trouble in self._world.troubles.values():
            trouble.switch_off()
        for each in planned:
            self._world.troubles[each.platform].switch_on(each.fault)
        said = [{"platform": each.platform, **each.fault.model_dump()} for each in planned]
        return {"minute": minute, "seconds": MINUTE_SECONDS, "faults": said}

    def _all(self) -> Json:
        return {name: trouble.told() for name, trouble in self._world.troubles.items()}

    def _about(
        self, act: Callable[[Trouble, Request], Awaitable[Json]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint of an act on the shop that the address names."""

        async def endpoint(request: Request) -> Response:
            name = request.path_params["platform"]
            if name not in self._world.troubles:
                return json_answer(
                    {"error": f"no platform {name!r}; there are {', '.join(self._world.troubles)}"}, 404
                )
            try:
                return json_answer(await act(self._world.troubles[name], request))
            except Unwilling as refusal:
                return json_answer({"error": str(refusal)}, refusal.status)
            except ValueError as error:
                return json_answer({"error": str(error)}, 400)

        return endpoint

    async def _told(self, trouble: Trouble, request: Request) -> Json:
        return trouble.told()

    async def _switch_on(self, trouble: Trouble, request: Request) -> Json:
        body = await _json(request)
        given = body if isinstance(body, list) else [body]
        if not 1 <= len(given) <= FAULTS_MAX:
            raise Unwilling(400, f"one fault to {FAULTS_MAX}, not {len(given)}")
        faults = [fault_of(each) for each in given]  # all or none
        for fault in faults:
            trouble.check(fault)
        raging = [trouble.switch_on(fault) for fault in faults]
        return {**trouble.told(), "done": [note for each in raging for note in each.notes]}

    async def _switch_off(self, trouble: Trouble, request: Request) -> Json:
        kind = request.query_params.get("kind")
        if kind is not None and kind not in BY_KIND:
            raise Unwilling(400, f"kind is {kind!r}; there are {', '.join(BY_KIND)}")
        over = trouble.switch_off(None if kind is None else [BY_KIND[kind]])
        return {**trouble.told(), "switched_off": [each.fault.kind for each in over]}

    async def _change(self, trouble: Trouble, request: Request) -> Json:
        body = await _json(request)
        fault = fault_of({**body, "kind": "change_levels"} if isinstance(body, dict) else body)
        assert isinstance(fault, ChangeLevels), "the kind says so"
        return {"changed": trouble.change_levels(fault)}


async def _json(request: Request) -> Any:
    try:
        return orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError as error:
        raise Unwilling(400, f"the body is not JSON: {error}") from error
