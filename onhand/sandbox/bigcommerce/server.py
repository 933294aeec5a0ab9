"""The paths of one sandbox BigCommerce store."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from onhand.sandbox.bigcommerce.adjustments import Adjustments
from onhand.sandbox.bigcommerce.catalogue import Catalogue
from onhand.sandbox.bigcommerce.gate import Gate, Handler
from onhand.sandbox.bigcommerce.hooks import Hooks
from onhand.sandbox.bigcommerce.inventory import Inventory
from onhand.sandbox.bigcommerce.options import BigCommerceOptions
from onhand.sandbox.bigcommerce.orders import Orders
from onhand.sandbox.bigcommerce.replies import json_response
from onhand.sandbox.bigcommerce.switching import Switching
from onhand.sandbox.orders import OrderBook
from onhand.sandbox.shop import Shop
from onhand.sandbox.traffic import Traffic
from onhand.sandbox.wire import Subscriptions

BASE = "/stores/{store}"

PRODUCTS, ORDERS = "store_v2_products_read_only", "store_v2_orders_read_only"
LOCATIONS, INFORMATION = "store_locations_read_only", "store_v2_information_read_only"
NONE = ""
"""The scope of what every API account may do."""


def routes(
    shop: Shop, options: BigCommerceOptions, traffic: Traffic, book: OrderBook, subscriptions: Subscriptions
) -> list[BaseRoute]:
    """The endpoints of one store. Sets the shop's delay to the options'.

    Operations are counted in `traffic` under the names of the OpenAPI files, and overlapping
    adjustments under "concurrent_writes".
    """
    shop.visible_after_seconds = options.visible_after_seconds
    gate = Gate(options, traffic)
    catalogue = Catalogue(shop)
    inventory = Inventory(shop, options, catalogue)
    adjustments = Adjustments(shop, options, catalogue, traffic)
    orders = Orders(book, options)
    hooks = Hooks(subscriptions, options)
    switching = Switching(shop, adjustments)

    async def settings(_: Request) -> Response:
        return json_response({"data": _settings(options), "meta": {}})

    def route(method: str, path: str, operation: str, scope: str, handler: Handler) -> BaseRoute:
        guarded = gate.before(operation, scope, handler, version=int(path[2]))
        return Route(BASE + path, guarded, methods=[method])

    absolute, inventories = "put-absolute-adjustment", "get-inventory-items"
    at_location, settings_put = "/v3/inventory/locations/{location:int}/items", "put-location-inventory-items"
    return [
        route("PUT", "/v3/inventory/adjustments/absolute", absolute, "store_inventory", adjustments.absolute),
        route("PUT", at_location, settings_put, "store_inventory", switching.switch),
        route("GET", "/v3/inventory/items", inventories, "store_inventory_read_only", inventory.items),
        route("GET", "/v3/inventory/locations", "getLocations", LOCATIONS, inventory.locations),
        route("GET", "/v3/catalog/products", "getProducts", PRODUCTS, catalogue.products),
        route("GET", "/v3/settings/inventory", "getSettingsInventory", INFORMATION, settings),
        route("GET", "/v2/orders", "getOrders", ORDERS, orders.listed),
        route("GET", "/v2/orders/{order}", "getOrder", ORDERS, orders.one),
        route("GET", "/v2/orders/{order}/products", "getOrderProducts", ORDERS, orders.products),
        route("GET", "/v3/hooks", "getWebhooks", NONE, hooks.listed),
        route("POST", "/v3/hooks", "createWebhooks", NONE, hooks.made),
        route("GET", "/v3/hooks/{hook}", "getWebhook", NONE, hooks.one),
        route("PUT", "/v3/hooks/{hook}", "updateWebhook", NONE, hooks.changed),
        route("DELETE", "/v3/hooks/{hook}", "deleteWebhook", NONE, hooks.removed),
    ]


def _settings(options: BigCommerceOptions) -> dict[str, str | bool]:
    return {
        "product_out_of_stock_behavior": "do_nothing",
        "option_out_of_stock_behavior": "do_nothing",
        "update_stock_behavior": options.update_stock_behavior,
        "edit_order_stock_adjustment": options.edit_order_stock_adjustment,
        "refund_order_stock_adjustment": options.refund_order_stock_adjustment,
        "stock_level_display": "dont_show",
        "default_out_of_stock_message": "Currently out of stock",
    }
