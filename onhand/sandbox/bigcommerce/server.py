"""The paths of one sandbox BigCommerce store."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from onhand.sandbox.bigcommerce.adjustments import Adjustments
from onhand.sandbox.bigcommerce.catalogue import Catalogue
from onhand.sandbox.bigcommerce.gate import Gate, Handler
from onhand.sandbox.bigcommerce.inventory import Inventory
from onhand.sandbox.bigcommerce.options import BigCommerceOptions
from onhand.sandbox.bigcommerce.replies import json_response
from onhand.sandbox.orders import OrderBook
from onhand.sandbox.shop import Shop
from onhand.sandbox.traffic import Traffic
from onhand.sandbox.wire import Subscriptions

BASE = "/stores/{store}/v3"


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

    async def settings(_: Request) -> Response:
        return json_response({"data": _settings(options), "meta": {}})

    def route(method: str, path: str, operation: str, scope: str, handler: Handler) -> BaseRoute:
        return Route(BASE + path, gate.before(operation, scope, handler), methods=[method])

    return [
        route(
            "PUT",
            "/inventory/adjustments/absolute",
            "put-absolute-adjustment",
            "store_inventory",
            adjustments.absolute,
        ),
        route("GET", "/inventory/items", "get-inventory-items", "store_inventory_read_only", inventory.items),
        route(
            "GET", "/inventory/locations", "getLocations", "store_locations_read_only", inventory.locations
        ),
        route("GET", "/catalog/products", "getProducts", "store_v2_products_read_only", catalogue.products),
        route(
            "GET", "/settings/inventory", "getSettingsInventory", "store_v2_information_read_only", settings
        ),
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
