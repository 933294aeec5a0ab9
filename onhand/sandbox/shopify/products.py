"""Products: what their variants tell of them, whether shoppers see them, and `productUpdate`.

A product is nothing of its own here: its variants carry its status and tags, all the same.
"""

from typing import Any

from onhand.sandbox.shop import Item
from onhand.sandbox.shopify.call import Call, pick
from onhand.sandbox.shopify.documents import Field
from onhand.sandbox.shopify.ids import PREFIX, number, product_number
from onhand.sandbox.shopify.payloads import Payload, payload
from onhand.sandbox.shopify.problems import Problem
from onhand.sandbox.shopify.views import views

SCOPE = "write_products"
SHOWN = frozenset(("ACTIVE", "UNLISTED"))
"""Statuses under which a product can be bought; an unlisted one by its link only."""

TAGS_MAX = 250
TAG_CHARS_MAX = 255


def show_product(call: Call, item: Item, field: Field) -> dict[str, Any]:
    """The Product an item is a variant of."""
    variants = views(call.shop).products[product_number(item)]
    count = next((pick("Count", {"count": len(variants)}, child.selection) for child in _counts(field)), None)
    values = {
        "id": f"{PREFIX}Product/{product_number(item)}",
        "status": _status(variants),
        "tags": _tags(item),
        "title": item.title,
        "variantsCount": count,
    }
    return pick("Product", values, field.selection)


def update_product(call: Call, _: None, field: Field) -> Payload:
    """`productUpdate`: status and tags, of all variants alike. A product's tags are replaced, not added to."""
    if SCOPE not in call.options.scopes:
        message = f"Access denied for productUpdate field. Required access: `{SCOPE}` access scope."
        raise Problem(message, "ACCESS_DENIED", fatal=False)
    given = field.arguments(call.variables).get("product") or {}
    variants = views(call.shop).products.get(number(str(given.get("id")), "Product"), [])
    errors = _errors(given, variants)
    for item in variants if not errors else ():
        _update(call, item, given)
    return payload(field, errors, lambda child: show_product(call, variants[0], child) if variants else None)


def _counts(field: Field) -> list[Field]:
    return [child for child in field.selection if child.name == "variantsCount"]


def _status(variants: list[Item]) -> str:
    """A person who hides one variant with the sandbox's own switch hides its product."""
    stated = variants[0].values.get("status", "ACTIVE")
    return "DRAFT" if stated in SHOWN and any(item.hidden for item in variants) else stated


def _tags(item: Item) -> list[str]:
    """As the platform answers them: each once, in the order of the alphabet."""
    return sorted({tag for tag in item.values.get("tags", "").split(",") if tag})


def _errors(given: dict[str, Any], variants: list[Item]) -> list[Payload]:
    if not variants:
        return [{"field": ["id"], "message": "Product does not exist"}]
    tags = given.get("tags") or []
    if len(tags) > TAGS_MAX or any(len(tag) > TAG_CHARS_MAX for tag in tags):
        return [{"field": ["tags"], "message": "Product tags is invalid"}]
    return []


def _update(call: Call, item: Item, given: dict[str, Any]) -> None:
    if given.get("status") is not None:
        item.values["status"] = given["status"]
        item.hidden = given["status"] not in SHOWN
    if given.get("tags") is not None:
        item.values["tags"] = ",".join(given["tags"])
    call.shop.changed.add(item.item_id)
