"""Queries: the shop's items, levels, locations and variants, field by field; orders and webhooks by their modules."""

from typing import Any

from onhand.sandbox.shop import Item
from onhand.sandbox.shopify.call import Call, Resolvers, pick, project, timestamp
from onhand.sandbox.shopify.documents import Field
from onhand.sandbox.shopify.ids import ITEM, LOCATION, PREFIX, item_gid, level_gid, number, variant_number
from onhand.sandbox.shopify.order_reads import ORDER, find_order, find_refund, orders, show_order
from onhand.sandbox.shopify.paging import PAGE_MAX, Listing, connection, list_page, page
from onhand.sandbox.shopify.problems import Problem, invalid_variable
from onhand.sandbox.shopify.products import show_product
from onhand.sandbox.shopify.search import bounds
from onhand.sandbox.shopify.subscribing import subscriptions
from onhand.sandbox.shopify.views import views

QUANTITY_NAMES = (
    "available",
    "on_hand",
    "committed",
    "reserved",
    "incoming",
    "damaged",
    "quality_control",
    "safety_stock",
)

Level = tuple[Item, str]
"""An item and the global id of a location that stocks it."""


def show_item(call: Call, item: Item, selection: tuple[Field, ...]) -> dict[str, Any]:
    """An InventoryItem."""
    return project(call, "InventoryItem", ITEM_FIELDS, item, selection)


def show_level(call: Call, level: Level, selection: tuple[Field, ...]) -> dict[str, Any]:
    """An InventoryLevel."""
    return project(call, "InventoryLevel", LEVEL_FIELDS, level, selection)


def show_location(call: Call, place: str, selection: tuple[Field, ...]) -> dict[str, Any]:
    """A Location."""
    return project(call, "Location", LOCATION_FIELDS, place, selection)


def _item_level(call: Call, item: Item, field: Field) -> dict[str, Any] | None:
    place = str(field.arguments(call.variables)["locationId"])
    if call.shop.level(item.item_id, place) is None:
        return None
    return show_level(call, (item, place), field.selection)


def _quantities(call: Call, level: Level, field: Field) -> list[dict[str, Any]]:
    item, place = level
    names = field.arguments(call.variables)["names"]
    shown = call.shop.level(item.item_id, place) or 0
    updated = timestamp(int(item.updated_at))
    rows = []
    for name in names:
        if name not in QUANTITY_NAMES:
            raise Problem(f"{name!r} is not a quantity name", "INVALID_FIELD_ARGUMENTS", fatal=False)
        values = {
            "name": name,
            "quantity": shown if name in ("available", "on_hand") else 0,
            "updatedAt": updated,
        }
        rows.append(pick("InventoryQuantity", values, field.selection))
    return rows


def _location_levels(call: Call, place: str, field: Field) -> dict[str, Any]:
    limits = bounds(field.arguments(call.variables).get("query"), "inventory_item_id")
    since = limits.updated_from or 0.0
    sorted_views = views(call.shop)
    selection = field.sub("nodes")
    listing = Listing(
        kind="InventoryLevel",
        items=sorted_views.items,
        numbers=sorted_views.item_numbers,
        admits=lambda item: place in item.levels and item.updated_at >= since,
        show=lambda item: show_level(call, (item, place), selection),
    )
    return page(call, field, listing, limits)


def _service(call: Call, place: str, field: Field) -> dict[str, Any] | None:
    if place not in call.options.service_places:
        return None
    values = {"id": f"{PREFIX}FulfillmentService/{number(place, 'Location')}", "serviceName": "Another app"}
    return pick("FulfillmentService", values, field.selection)


def show_variant(call: Call, item: Item, selection: tuple[Field, ...]) -> dict[str, Any]:
    """A ProductVariant."""
    return project(call, "ProductVariant", VARIANT_FIELDS, item, selection)


def _item_variants(call: Call, item: Item, field: Field) -> dict[str, Any]:
    return list_page(
        call, field, "ProductVariant", [item], lambda each: show_variant(call, each, field.sub("nodes"))
    )


def _location(call: Call, _: None, field: Field) -> dict[str, Any] | None:
    place = str(field.arguments(call.variables).get("id") or next(iter(call.shop.places), ""))
    if not number(place, "Location"):
        raise invalid_variable("id", "ID", [], f"Invalid global id '{place}'")
    return show_location(call, place, field.selection) if place in call.shop.places else None


def _locations(call: Call, _: None, field: Field) -> dict[str, Any]:
    arguments = field.arguments(call.variables)
    closed = call.options.inactive_places
    shown = [place for place in call.shop.places if arguments.get("includeInactive") or place not in closed]
    selection = field.sub("nodes")
    return connection(
        "Location", field, [show_location(call, place, selection) for place in shown], False, None
    )


def _nodes(call: Call, _: None, field: Field) -> list[dict[str, Any] | None]:
    ids = field.arguments(call.variables)["ids"]
    if len(ids) > PAGE_MAX:
        message = f"The input array size of {len(ids)} is greater than the maximum allowed of {PAGE_MAX}."
        raise Problem(message, "MAX_INPUT_SIZE_EXCEEDED")
    return [_node(call, str(gid), field, at) for at, gid in enumerate(ids)]


def _node(call: Call, gid: str, field: Field, at: int) -> dict[str, Any] | None:
    if not gid.startswith(PREFIX) or not gid.rpartition("/")[2].isdecimal():
        raise invalid_variable("ids", "[ID!]!", [at], f"Invalid global id '{gid}'")
    if gid.startswith(ITEM):
        item = call.shop.items.get(number(gid, "InventoryItem"))
        return show_item(call, item, field.selection) if item else None
    if gid.startswith(ORDER):
        order = call.book.orders.get(number(gid, "Order"))
        return show_order(call, order, field.selection) if order else None
    if gid.startswith(LOCATION) and gid in call.shop.places:
        return show_location(call, gid, field.selection)
    return None


def _inventory_item(call: Call, _: None, field: Field) -> dict[str, Any] | None:
    item = call.shop.items.get(number(str(field.arguments(call.variables)["id"]), "InventoryItem"))
    return show_item(call, item, field.selection) if item else None


def _variants(call: Call, _: None, field: Field) -> dict[str, Any]:
    sorted_views = views(call.shop)
    selection = field.sub("nodes")
    listing = Listing(
        kind="ProductVariant",
        items=sorted_views.variants,
        numbers=sorted_views.variant_numbers,
        admits=lambda item: True,
        show=lambda item: show_variant(call, item, selection),
    )
    return page(call, field, listing, bounds(field.arguments(call.variables).get("query"), "id"))


def _installation(call: Call, _: None, field: Field) -> dict[str, Any]:
    selection = field.sub("accessScopes")
    scopes = [pick("AccessScope", {"handle": scope}, selection) for scope in call.options.scopes]
    values = {"accessScopes": scopes, "id": f"{PREFIX}AppInstallation/1"}
    return pick("AppInstallation", values, field.selection)


def _shop(call: Call, _: None, field: Field) -> dict[str, Any]:
    values = {"id": f"{PREFIX}Shop/1", "name": call.shop.name}
    return pick("Shop", values, field.selection)


ITEM_FIELDS: Resolvers = {
    "id": lambda call, item, field: item_gid(item),
    "inventoryLevel": _item_level,
    "sku": lambda call, item, field: item.sku,
    "tracked": lambda call, item, field: item.tracked,
    "updatedAt": lambda call, item, field: timestamp(int(item.updated_at)),
    "variants": _item_variants,
}
LEVEL_FIELDS: Resolvers = {
    "id": lambda call, level, field: level_gid(*level),
    "isActive": lambda call, level, field: True,
    "item": lambda call, level, field: show_item(call, level[0], field.selection),
    "location": lambda call, level, field: show_location(call, level[1], field.selection),
    "quantities": _quantities,
    "updatedAt": lambda call, level, field: timestamp(int(level[0].updated_at)),
}
LOCATION_FIELDS: Resolvers = {
    "fulfillmentService": _service,
    "fulfillsOnlineOrders": lambda call, place, field: True,
    "id": lambda call, place, field: place,
    "inventoryLevels": _location_levels,
    "isActive": lambda call, place, field: place not in call.options.inactive_places,
    "isFulfillmentService": lambda call, place, field: place in call.options.service_places,
    "name": lambda call, place, field: call.shop.places[place],
}
VARIANT_FIELDS: Resolvers = {
    "barcode": lambda call, item, field: item.barcode or None,
    "displayName": lambda call, item, field: item.title,
    "id": lambda call, item, field: f"{PREFIX}ProductVariant/{variant_number(item)}",
    "inventoryItem": lambda call, item, field: show_item(call, item, field.selection),
    "legacyResourceId": lambda call, item, field: str(variant_number(item)),
    "inventoryPolicy": lambda call, item, field: item.values.get("inventory_policy", "DENY"),
    "product": show_product,
    "requiresComponents": lambda call, item, field: item.kind == "bundle",
    "sku": lambda call, item, field: item.sku or None,
    "title": lambda call, item, field: item.values.get("variant_title", "Default Title"),
}
QUERY_FIELDS: Resolvers = {
    "currentAppInstallation": _installation,
    "inventoryItem": _inventory_item,
    "location": _location,
    "locations": _locations,
    "nodes": _nodes,
    "order": find_order,
    "orders": orders,
    "productVariants": _variants,
    "refund": find_refund,
    "shop": _shop,
    "webhookSubscriptions": subscriptions,
}
