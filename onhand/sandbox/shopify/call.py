"""One call under way, and how an object of the shop becomes the JSON that was selected of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from onhand.sandbox.orders import OrderBook
from onhand.sandbox.shop import Shop
from onhand.sandbox.shopify.documents import Field, Variables
from onhand.sandbox.shopify.options import ShopifyOptions
from onhand.sandbox.wire import Subscriptions


@dataclass(slots=True)
class Call:
    """What the resolvers of one call need to know. `root_url`: where this shop is to be reached. `saved_points`:
    reserved for nodes that were not there."""

    shop: Shop
    options: ShopifyOptions
    book: OrderBook
    subscriptions: Subscriptions
    version: str
    variables: Variables
    root_url: str = ""
    saved_points: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)


Resolver = Callable[[Call, Any, Field], Any]
Resolvers = dict[str, Resolver]


def project(
    call: Call, kind: str, resolvers: Resolvers, source: Any, selection: tuple[Field, ...]
) -> dict[str, Any]:
    """The selected fields of one object of type `kind`."""
    out: dict[str, Any] = {}
    for selected in selection:
        if selected.only_on and selected.only_on != kind and selected.only_on != "Node":
            continue
        if selected.name == "__typename":
            out[selected.key] = kind
        else:
            out[selected.key] = resolvers[selected.name](call, source, selected)
    return out


def pick(kind: str, values: dict[str, Any], selection: tuple[Field, ...]) -> dict[str, Any]:
    """The selected fields of an object of type `kind` whose fields are all known already."""
    return {child.key: kind if child.name == "__typename" else values[child.name] for child in selection}


@lru_cache(maxsize=10_000)
def timestamp(at: int) -> str:
    """Whole seconds since the epoch as the platform writes times."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
