"""Connections: pages of at most 250 nodes, opaque cursors, and no cursor deeper than 25,000 objects."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLObjectType

from onhand.sandbox.shop import Item
from onhand.sandbox.shopify.call import Call, pick
from onhand.sandbox.shopify.cost import node_cost, page_points
from onhand.sandbox.shopify.documents import Field
from onhand.sandbox.shopify.problems import Problem
from onhand.sandbox.shopify.schema import SCHEMA
from onhand.sandbox.shopify.search import Bounds
from onhand.sandbox.shopify.views import between

PAGE_MAX = 250
DEPTH_MAX = 25_000


@dataclass(frozen=True, slots=True)
class Listing:
    """What a connection pages through: items sorted by `numbers`, those it `admits`, and the JSON of one node.

    `kind` is the GraphQL type of a node.
    """

    kind: str
    items: list[Item]
    numbers: list[int]
    admits: Callable[[Item], bool]
    show: Callable[[Item], Any]


def page(call: Call, field: Field, listing: Listing, bounds: Bounds) -> dict[str, Any]:
    """One page of a listing within the bounds, as the connection's JSON."""
    arguments = field.arguments(call.variables)
    size = page_size(arguments.get("first"))
    after = read_cursor(arguments.get("after"), 2)
    last, depth = after or (0, 0)
    if after:
        bounds.number(">", last)
    found: list[int] = []
    for at in range(*between(listing.numbers, bounds.lowest, bounds.highest)):
        if listing.admits(listing.items[at]):
            found.append(at)
            if len(found) > size:
                break
    more, found = len(found) > size, found[:size]
    save_points(call, field, listing.kind, size, len(found))
    end = write_cursor(listing.numbers[found[-1]], depth + len(found)) if found else None
    nodes = [listing.show(listing.items[at]) for at in found]
    return connection(listing.kind, field, nodes, more, end)


def save_points(call: Call, field: Field, kind: str, size: int, found: int) -> None:
    """Note what was reserved for nodes that are not there."""
    node = SCHEMA.type_map[kind]
    assert isinstance(node, GraphQLObjectType)
    points = node_cost(node, field.sub("nodes"), call.variables)
    call.saved_points += (page_points(size) - page_points(found)) * points


def connection(kind: str, field: Field, nodes: list[Any], more: bool, end: str | None) -> dict[str, Any]:
    """The JSON of a connection of `kind` nodes that are JSON already."""
    info = pick("PageInfo", {"hasNextPage": more, "endCursor": end}, field.sub("pageInfo"))
    return pick(f"{kind}Connection", {"nodes": nodes, "pageInfo": info}, field.selection)


def page_size(first: Any) -> int:
    """The size of a page; it has to be asked for."""
    if not isinstance(first, int):
        raise Problem("you must provide one of first or last", "BAD_REQUEST", fatal=False)
    if not 0 <= first <= PAGE_MAX:
        message = f"first must be between 0 and {PAGE_MAX}, not {first}"
        raise Problem(message, "BAD_REQUEST", fatal=False)
    return first


def write_cursor(*parts: float) -> str:
    """Where a page ended, as text nobody is to read: any numbers, the last of them how deep it is."""
    return base64.b64encode(orjson.dumps(parts)).decode()


def read_cursor(after: Any, length: int) -> list[Any] | None:
    """The numbers of a cursor of this length, None where none was given."""
    if after is None:
        return None
    try:
        parts = orjson.loads(base64.b64decode(after))
    except (ValueError, TypeError, binascii.Error):
        parts = None
    if not isinstance(parts, list) or len(parts) != length:
        raise Problem(f"Invalid cursor for current pagination sort: {after!r}", "BAD_REQUEST")
    if parts[-1] >= DEPTH_MAX:
        raise Problem(f"a cursor reaches {DEPTH_MAX} objects at most", "BAD_REQUEST", fatal=False)
    return parts


def list_page(
    call: Call, field: Field, kind: str, items: Sequence[Any], show: Callable[[Any], Any]
) -> dict[str, Any]:
    """One page of a short list, in its order."""
    arguments = field.arguments(call.variables)
    size = page_size(arguments.get("first"))
    (start,) = read_cursor(arguments.get("after"), 1) or [0]
    found = items[start : start + size]
    end = write_cursor(start + len(found)) if found else None
    return connection(kind, field, [show(each) for each in found], start + size < len(items), end)
