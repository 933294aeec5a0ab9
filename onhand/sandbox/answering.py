"""How the control API reads requests and answers them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from onhand.sandbox.shop import Item, Shop

Json = dict[str, Any]


class Unwilling(Exception):
    """A control request that cannot be done, with the HTTP status that says why."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


def posted(handler: Callable[[Any], Awaitable[Json]]) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of a handler of JSON: what it cannot do is its status, what it cannot read is 400."""

    async def endpoint(request: Request) -> Response:
        try:
            return json_answer(await handler(orjson.loads(await request.body() or b"{}")))
        except Unwilling as refusal:
            return json_answer({"error": str(refusal)}, refusal.status)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            return json_answer({"error": f"not understood: {error!r}"}, 400)

    return endpoint


def json_answer(body: Any, status: int = 200) -> Response:
    """A JSON response."""
    return Response(orjson.dumps(body), status, media_type="application/json")


def shop_of(shops: Mapping[str, Shop], body: Json) -> Shop:
    """The shop that `platform` names. Raises Unwilling (404)."""
    name = str(body.get("platform", ""))
    if name not in shops:
        raise Unwilling(404, f"no platform {name!r}; there are {', '.join(shops)}")
    return shops[name]


def item_of(shops: Mapping[str, Shop], body: Json) -> tuple[Shop, Item]:
    """The shop and the item that `platform` and `sku` name, with a `place` the shop has. Raises Unwilling (404)."""
    shop = shop_of(shops, body)
    numbers = shop.by_sku.get(str(body.get("sku", "")))
    if not numbers:
        raise Unwilling(404, f"{shop.name} has no SKU {body.get('sku')!r}")
    if "place" in body and body["place"] not in shop.places:
        raise Unwilling(404, f"{shop.name} has no place {body['place']!r}; there are {list(shop.places)}")
    return shop, shop.items[numbers[0]]


def best_place(shop: Shop, item: Item, quantity: int) -> str:
    """The first place that shows enough, or else the first."""
    enough = (place for place in shop.places if (shop.level(item.item_id, place) or 0) >= quantity)
    return next(enough, next(iter(shop.places)))
