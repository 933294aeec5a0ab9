"""Bulk operations: the shop runs a query by itself, for no points to speak of, and puts the result down as JSON lines.

How long that takes is the shop's own affair, and is not documented. At most five run at a time for an app and a shop.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any

import orjson

from onhand.channels.errors import SameKeyRetry
from onhand.channels.shopify.admin import Admin
from onhand.channels.shopify.catalogue_documents import BULK_STATE, RUN_BULK
from onhand.channels.shopify.paging import PAGE_VARIANTS
from onhand.channels.walking import patiently

SECONDS_MAX = 600.0
"""A result that is not there by then is not waited for: the caller reads in another way."""
POLL_SECONDS_FIRST = 1.0
POLL_SECONDS_MAX = 10.0
"""Between two looks, growing by half each time."""

UNDER_WAY = frozenset(("CREATED", "RUNNING"))
COMPLETED = "COMPLETED"

Json = dict[str, Any]


async def result(admin: Admin, query: str, doing: str) -> str | None:
    """Where the result of a query is to be fetched, empty where nothing was found; None where there is none to be
    had: the shop would not start it, it failed, or it took too long."""
    started = await admin.run(RUN_BULK, {"query": query}, f"{doing}: start a bulk operation")
    payload = started["bulkOperationRunQuery"]
    if payload["userErrors"] or payload["bulkOperation"] is None:
        return None
    variables = {"id": payload["bulkOperation"]["id"]}
    look = partial(admin.run, BULK_STATE, variables, f"{doing}: look at the bulk operation")
    waited, pause = 0.0, POLL_SECONDS_FIRST
    while waited < SECONDS_MAX:
        await admin.sleep(pause)
        waited, pause = waited + pause, min(1.5 * pause, POLL_SECONDS_MAX)
        state = (await patiently(look, admin.sleep))["bulkOperation"] or {}
        if state.get("status") == COMPLETED:
            return str(state["url"] or "")
        if state.get("status") not in UNDER_WAY:
            return None
    return None


async def pages(admin: Admin, url: str, doing: str) -> AsyncIterator[list[Json]]:
    """The lines of a result, so many at a time as a page has; never more of it is held."""
    if not url:
        return
    page: list[Json] = []
    action = f"{doing}: fetch the result of the bulk operation"
    async with aclosing(admin.lines(url, action)) as lines:
        async for line in lines:
            try:
                page.append(orjson.loads(line))
            except orjson.JSONDecodeError as error:
                raise SameKeyRetry(admin.channel, action, "a line of it is not JSON; was it cut?") from error
            if len(page) == PAGE_VARIANTS:
                yield page
                page = []
    if page:
        yield page
