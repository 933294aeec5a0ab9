"""Every variant of the shop, by pages of 250 in the order of their ids, past the depth that a cursor can reach."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from onhand.channels.shopify.admin import Admin
from onhand.channels.shopify.documents import Operation
from onhand.channels.shopify.ids import tail
from onhand.channels.walking import patiently

CURSOR_OBJECTS_MAX = 25_000
PAGE_VARIANTS = 250
PAGES_PER_CURSOR = CURSOR_OBJECTS_MAX // PAGE_VARIANTS
VARIANTS_MAX = 10_000_000

Json = dict[str, Any]


async def variants(
    admin: Admin, operation: Operation, doing: str, given: Json | None = None
) -> AsyncIterator[list[Json]]:
    """The nodes of `productVariants` as the document selects them, page by page.

    The document has the variables `after` and `range`, sorts by id and selects each node's `id`; `given` are its
    others. A variant that is added meanwhile has the highest id and comes last; one that is sold stays where it is.
    """
    search: str | None = None
    after: str | None = None
    for page_number in range(1, VARIANTS_MAX // PAGE_VARIANTS):
        action = f"{doing}, page {page_number}"
        asked = {**(given or {}), "after": after, "range": search}
        data = await patiently(partial(admin.run, operation, asked, action), admin.sleep)
        page = data["productVariants"]
        if page["nodes"]:
            yield page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]
        if page_number % PAGES_PER_CURSOR == 0:
            last = page["nodes"][-1]["id"]
            search, after = f"id:>{tail(last)}", None
