"""Bulk operations: a query that the shop runs by itself, its result put down as lines of JSON.

The sandbox runs those over product variants, whose lines are read when they are fetched: a real shop reads them at
some moment between beginning and end, too.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from onhand.sandbox.shopify.call import Call, Resolvers, pick, timestamp
from onhand.sandbox.shopify.documents import Field, operation
from onhand.sandbox.shopify.ids import PREFIX, number
from onhand.sandbox.shopify.payloads import Payload, payload
from onhand.sandbox.shopify.problems import Problem
from onhand.sandbox.shopify.reads import show_variant
from onhand.sandbox.shopify.views import views

RUNNING_MAX = 5
"""Queries of one app that run in one shop at a time (one, before 2026-01)."""
CREATED_SECONDS = 0.5
"""How long one is only created, before it runs."""
LINES_PER_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Run:
    """One operation: what it asks of each variant, and when it began and will end, by the options' clock."""

    gid: str
    text: str
    node: tuple[Field, ...]
    call: Call
    created_at: float
    began: float
    ends: float
    key: str


class BulkRuns:
    """The bulk operations of one shop."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._runs: dict[str, Run] = {}
        self.queries: Resolvers = {
            "bulkOperation": self._look,
            "productVariantsCount": _count,
        }
        self.mutations: Resolvers = {"bulkOperationRunQuery": self._start}

    async def file(self, request: Request) -> Response:
        """The lines of a finished operation; whoever has the address may read them, as from the platform's store."""
        run = self._runs.get(request.path_params["number"])
        if run is None or request.query_params.get("key") != run.key or self._status(run) != "COMPLETED":
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
        return StreamingResponse(_lines(run), media_type="application/jsonl")

    def _start(self, call: Call, _: None, field: Field) -> Payload:
        given = field.arguments(call.variables)
        text = str(given.get("query"))
        running = sum(1 for run in self._runs.values() if self._status(run) in ("CREATED", "RUNNING"))
        if running >= RUNNING_MAX:
            return _refused(field, "LIMIT_REACHED", "Bulk operations limit reached. Please try again later.")
        try:
            node = _node(text)
        except Problem as problem:
            return _refused(field, "INVALID", f"Invalid bulk query: {problem}")
        run = self._add(call, text, node)
        return payload(field, [], lambda child: self._show(run, child.selection))

    def _add(self, call: Call, text: str, node: tuple[Field, ...]) -> Run:
        made = str(len(self._runs) + 1)
        options, began = call.options, self._clock()
        seconds = CREATED_SECONDS + len(call.shop.items) / options.bulk_objects_per_second
        ends = began + (seconds if options.limits else 0.0)
        gid, own = f"{PREFIX}BulkOperation/{made}", replace(call, variables={})
        run = Run(gid, text, node, own, call.shop.now(), began, ends, secrets.token_hex(8))
        self._runs[made] = run
        return run

    def _look(self, call: Call, _: None, field: Field) -> dict[str, Any] | None:
        run = self._runs.get(number(str(field.arguments(call.variables)["id"]), "BulkOperation"))
        return self._show(run, field.selection) if run else None

    def _show(self, run: Run, selection: tuple[Field, ...]) -> dict[str, Any]:
        status = self._status(run)
        done = status == "COMPLETED"
        share = 1.0 if done else min(1.0, max(0.0, (self._clock() - run.began) / (run.ends - run.began)))
        found = len(run.call.shop.items)
        address = f"{run.call.root_url}/bulk/{run.gid.rpartition('/')[2]}?key={run.key}"
        values = {
            "completedAt": timestamp(int(run.created_at + run.ends - run.began)) if done else None,
            "createdAt": timestamp(int(run.created_at)),
            "errorCode": None,
            "id": run.gid,
            "objectCount": str(int(share * found)),
            "query": run.text,
            "status": status,
            "url": address if done and found else None,
        }
        return pick("BulkOperation", values, selection)

    def _status(self, run: Run) -> str:
        now = self._clock()
        if now >= run.ends:
            return "COMPLETED"
        return "CREATED" if now < run.began + CREATED_SECONDS else "RUNNING"


def _refused(field: Field, code: str, message: str) -> Payload:
    error = {"code": code, "field": ["query"], "message": message}
    return payload(field, [error], lambda child: None)


def _node(text: str) -> tuple[Field, ...]:
    """What a bulk query selects of each variant. Raises Problem where the platform, or this sandbox, cannot run it."""
    found = operation(text, None)
    (root, *others) = found.roots
    if found.kind != "query" or others or root.name != "productVariants":
        raise Problem("the sandbox runs queries of product variants alone", "badRequest")
    if found.variables or root.constants or root.dynamic:
        raise Problem("a bulk query takes no variables, and its connections no page", "badRequest")
    if not (node := next((child.selection for child in root.sub("edges") if child.name == "node"), ())):
        raise Problem("a bulk query selects the nodes of edges", "badRequest")
    if any(child.name == "edges" for field in node for child in field.selection):
        raise Problem("the sandbox runs no connections within a connection", "badRequest")
    return node


async def _lines(run: Run) -> AsyncIterator[bytes]:
    lines: list[bytes] = []
    for item in list(views(run.call.shop).variants):
        lines.append(orjson.dumps(show_variant(run.call, item, run.node)) + b"\n")
        if len(lines) == LINES_PER_CHUNK:
            yield b"".join(lines)
            lines.clear()
            await asyncio.sleep(0)
    yield b"".join(lines)


def _count(call: Call, _: None, field: Field) -> dict[str, Any]:
    limit, count = field.arguments(call.variables).get("limit", 10_000), len(call.shop.items)
    capped = limit is not None and count > limit
    values = {"count": limit if capped else count, "precision": "AT_LEAST" if capped else "EXACT"}
    return pick("Count", values, field.selection)
