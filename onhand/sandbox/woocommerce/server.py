"""The HTTP face: the key, the PHP processes a call waits for, and the wc/v3 routes Onhand needs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from onhand.sandbox.limits import PointBucket
from onhand.sandbox.orders import OrderBook
from onhand.sandbox.shop import Item, Shop
from onhand.sandbox.traffic import Handler, Traffic
from onhand.sandbox.wire import Subscriptions
from onhand.sandbox.woocommerce.asking import admit, asked_lists, asked_object, check_size
from onhand.sandbox.woocommerce.listing import Catalogue, page_of, trimmed
from onhand.sandbox.woocommerce.options import WooOptions
from onhand.sandbox.woocommerce.order_endpoints import OrderEndpoints
from onhand.sandbox.woocommerce.problems import (
    Problem,
    invalid_id,
    json_answer,
    no_route,
    overloaded,
    too_many,
)
from onhand.sandbox.woocommerce.stock import Row, row_of, update_product, update_variation
from onhand.sandbox.woocommerce.subscribing import WebhookEndpoints

API = "/wp-json/wc/v3"
WRITING = ["POST", "PUT", "PATCH"]
SLICE_ROWS = 10
"""Rows of a batch that are applied between two waits: few enough to be seen half done, many enough to be cheap."""

Update = Callable[[Row], Row]
Endpoint = Callable[[Request], Awaitable[Response]]


def routes(
    shop: Shop, options: WooOptions, traffic: Traffic, book: OrderBook, subscriptions: Subscriptions
) -> list[BaseRoute]:
    """The endpoints of one shop, with /wp-json at its root; what is not there is 404 rest_no_route."""
    server = Server(shop, options, traffic)
    orders = OrderEndpoints(book, options)
    hooks = WebhookEndpoints(subscriptions, options)
    table: list[tuple[str, str, Endpoint, list[str]]] = [
        ("/products", "products", server.list_products, ["GET"]),
        ("/products/batch", "products/batch", server.batch_products, WRITING),
        ("/products/{id:int}", "product", server.one_product, ["GET", *WRITING]),
        ("/products/{parent:int}/variations", "product/variations", server.list_children, ["GET"]),
        ("/products/{parent:int}/variations/batch", "variations/batch", server.batch_variations, WRITING),
        ("/products/{parent:int}/variations/{id:int}", "variation", server.one_variation, ["GET", *WRITING]),
        ("/orders", "orders", orders.list_orders, ["GET"]),
        ("/orders/{id:int}", "order", orders.one_order, ["GET"]),
        ("/webhooks", "webhooks", hooks.collection, ["GET", "POST"]),
        ("/webhooks/batch", "webhooks/batch", hooks.batch, WRITING),
        ("/webhooks/{id:int}", "webhook", hooks.one_webhook, ["GET", "DELETE", *WRITING]),
        ("/system_status", "system_status", server.system_status, ["GET"]),
        ("/settings/products/{id}", "settings", server.setting, ["GET"]),
    ]
    if options.has_variations_route:
        table.append(("/variations", "variations", server.list_variations, ["GET"]))
    found: list[BaseRoute] = [
        Route(API + path, traffic.guarded(server.served(name, endpoint)), methods=methods)
        for path, name, endpoint, methods in table
    ]
    anything = Route(
        "/wp-json/{rest:path}",
        traffic.guarded(server.served("no route", server.nothing)),
        methods=["GET", *WRITING],
    )
    return [*found, anything]


class Server:
    """One shop's REST API."""

    def __init__(self, shop: Shop, options: WooOptions, traffic: Traffic) -> None:
        self._shop = shop
        self._options = options
        self._traffic = traffic
        self._catalogue = Catalogue(shop)
        self._workers = asyncio.Semaphore(options.php_workers)
        self._waiting = 0
        limited = options.limits and options.host_calls_max > 0
        self._host = PointBucket(
            options.host_calls_max, options.host_calls_per_second, options.clock, enforced=limited
        )
        self._host_limited = limited

    def served(self, name: str, endpoint: Endpoint) -> Handler:
        """An endpoint behind the host's limiter, the queue for a PHP process and the key; counted as `name`."""

        async def handle(request: Request) -> Response:
            if self._host_limited and not self._host.take(1):
                self._traffic.throttled[name] += 1
                return too_many()
            if self._waiting >= self._options.waiting_max:
                self._traffic.rejected["no PHP process free"] += 1
                return overloaded()
            self._waiting += 1
            try:
                await self._workers.acquire()
            finally:
                self._waiting -= 1
            try:
                return await self._run(name, endpoint, request)
            finally:
                self._workers.release()

        return handle

    async def list_products(self, request: Request) -> Response:
        """GET /products."""
        return await self._listing(self._catalogue.products(), request.query_params)

    async def list_variations(self, request: Request) -> Response:
        """GET /variations (core 10.3.0 and newer)."""
        return await self._listing(self._catalogue.variations(), request.query_params)

    async def list_children(self, request: Request) -> Response:
        """GET /products/{parent}/variations; of an unknown product it is empty."""
        items = self._catalogue.variations(str(request.path_params["parent"]))
        return await self._listing(items, request.query_params)

    async def batch_products(self, request: Request) -> Response:
        """POST /products/batch."""
        return await self._batch(request, lambda entry: update_product(self._shop, self._options, entry))

    async def batch_variations(self, request: Request) -> Response:
        """POST /products/{parent}/variations/batch."""
        parent = str(request.path_params["parent"])
        return await self._batch(
            request, lambda entry: update_variation(self._shop, self._options, parent, entry)
        )

    async def one_product(self, request: Request) -> Response:
        """GET, PUT /products/{id}."""
        number = request.path_params["id"]
        if request.method == "GET":
            item = self._shop.items.get(str(number))
            if item is None or item.kind == "variation":
                raise Problem(invalid_id("product").code, "Invalid ID.", 404)
            return await self._one(row_of(item, self._shop, self._options), request, 0.0)
        entry = {**await asked_object(request), "id": number}
        row = update_product(self._shop, self._options, entry)
        return await self._one(row, request, self._options.seconds_per_item)

    async def one_variation(self, request: Request) -> Response:
        """GET, PUT /products/{parent}/variations/{id}."""
        number, parent = request.path_params["id"], str(request.path_params["parent"])
        item = self._shop.items.get(str(number))
        if item is None or item.kind != "variation":
            raise Problem(invalid_id("product_variation").code, "Invalid ID.", 404)
        if item.parent_id != parent:
            raise Problem(
                "woocommerce_rest_cannot_view", "Parent product does not match current variation.", 404
            )
        if request.method == "GET":
            return await self._one(row_of(item, self._shop, self._options), request, 0.0)
        entry = {**await asked_object(request), "id": number}
        row = update_variation(self._shop, self._options, parent, entry)
        return await self._one(row, request, self._options.seconds_per_item)

    async def system_status(self, request: Request) -> Response:
        """GET /system_status: what tells the version."""
        body = {
            "environment": {"version": self._options.version, "wp_version": "6.8", "php_version": "8.3.0"},
            "settings": {"api_enabled": True, "force_ssl": True, "currency": "EUR"},
        }
        return await self._one(body, request, 0.0)

    async def setting(self, request: Request) -> Response:
        """GET /settings/products/{id}: the one setting that decides whether levels mean anything."""
        if request.path_params["id"] != "woocommerce_manage_stock":
            raise Problem("rest_setting_setting_invalid", "Invalid setting.", 404)
        value = "yes" if self._options.manage_stock_option else "no"
        body = {"id": "woocommerce_manage_stock", "type": "checkbox", "default": "yes", "value": value}
        return await self._one(body, request, 0.0)

    async def nothing(self, request: Request) -> Response:
        """Any other address."""
        raise no_route()

    async def _run(self, name: str, endpoint: Endpoint, request: Request) -> Response:
        try:
            admit(request, self._options)
            self._traffic.calls[name] += 1
            return await endpoint(request)
        except Problem as problem:
            self._traffic.rejected[problem.code] += 1
            return json_answer(problem.body(), problem.status)

    async def _listing(self, items: list[Item], query: QueryParams) -> Response:
        rows, headers = page_of(items, self._shop, self._options, query)
        await self._take_time(len(rows) * self._options.seconds_per_row_read)
        return json_answer(rows, headers=headers)

    async def _one(self, body: Row, request: Request, seconds: float) -> Response:
        await self._take_time(seconds)
        fields = request.query_params.get("_fields")
        return json_answer(trimmed([body], fields)[0] if fields else body)

    async def _batch(self, request: Request, update: Update) -> Response:
        """Row by row, in order, not in a transaction: whoever is cut off leaves a prefix applied."""
        asked = await asked_lists(request)
        check_size(asked, self._options.batch_items_max)
        answer: dict[str, list[Row]] = {
            kind: [self._refused(entry) for entry in asked[kind]]
            for kind in ("create", "delete")
            if asked[kind]
        }
        await self._take_time(0.0)
        if asked["update"]:
            answer["update"] = await self._updated(update, asked["update"])
        # WordPress trims the outermost object, not the entries; and PHP's empty array is a list.
        fields = request.query_params.get("_fields")
        trim = trimmed([answer], fields)[0] if fields else answer
        return json_answer(trim or [])

    async def _updated(self, update: Update, entries: list[Row]) -> list[Row]:
        answers: list[Row] = []
        for start in range(0, len(entries), SLICE_ROWS):
            part = entries[start : start + SLICE_ROWS]
            if self._options.limits:
                await self._options.sleep(len(part) * self._options.seconds_per_item)
            answers += [self._entry(update, entry) for entry in part]
        return answers

    def _refused(self, entry: Any) -> Row:
        problem = Problem("woocommerce_rest_cannot_create", "This sandbox keeps its catalogue.", 403)
        self._traffic.rejected[problem.code] += 1
        return {"id": entry if isinstance(entry, int) else 0, "error": problem.body()}

    def _entry(self, update: Update, entry: Row) -> Row:
        try:
            return update(entry)
        except Problem as problem:
            self._traffic.rejected[problem.code] += 1
            return {"id": entry.get("id", 0), "error": problem.body()}

    async def _take_time(self, seconds: float) -> None:
        if self._options.limits:
            await self._options.sleep(self._options.seconds_per_call + seconds)
