"""Mutations: set and adjust quantities, activate an item at a location, turn tracking on, hide products, subscribe."""

import time
from collections.abc import Callable
from itertools import count
from typing import Any

from graphql import value_from_ast_untyped

from onhand.sandbox.shop import Item
from onhand.sandbox.shopify.call import Call, Resolvers, project, timestamp
from onhand.sandbox.shopify.documents import Field
from onhand.sandbox.shopify.idempotency import Keys, fingerprint
from onhand.sandbox.shopify.ids import PREFIX, number
from onhand.sandbox.shopify.payloads import Payload, payload
from onhand.sandbox.shopify.problems import Problem
from onhand.sandbox.shopify.products import update_product
from onhand.sandbox.shopify.quantities import ADJUST, SET, Change, Shape, check_shape, judge
from onhand.sandbox.shopify.reads import show_item, show_level, show_location
from onhand.sandbox.shopify.subscribing import subscribe, unsubscribe

ALREADY_ACTIVE = "Not allowed to set available quantity when the item is already active at the location."


class Mutations:
    """The mutations of one shop, with the idempotency keys it has seen."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._keys = Keys(clock)
        self._group_numbers = count(1)
        self.fields: Resolvers = {
            "inventoryAdjustQuantities": lambda call, _, field: self._quantities(call, field, ADJUST),
            "inventorySetQuantities": lambda call, _, field: self._quantities(call, field, SET),
            "inventoryActivate": self._activate,
            "inventoryItemUpdate": self._update_item,
            "productUpdate": update_product,
            "webhookSubscriptionCreate": subscribe,
            "webhookSubscriptionDelete": unsubscribe,
        }

    def _quantities(self, call: Call, field: Field, shape: Shape) -> Payload:
        key = idempotency_key(call, field)
        given = field.arguments(call.variables).get("input")
        check_shape(given, shape)
        assert isinstance(given, dict)
        content = fingerprint(field.name, given)
        if earlier := self._keys.find(key):
            return _replay(call, field, earlier.content == content, earlier.answer)
        changes, errors = judge(call, given, shape)
        if errors:
            self._keys.remember(key, content, None)
            return _group_payload(call, field, None, errors)
        group = self._apply(call, given, changes)
        self._keys.remember(key, content, (group,))
        return _group_payload(call, field, group, [])

    def _apply(self, call: Call, given: dict[str, Any], changes: list[Change]) -> Payload | None:
        moved = [change for change in changes if change.after != change.before]
        for change in changes:
            if change.after != change.before or change.place not in change.item.levels:
                call.shop.set_level(change.item.item_id, change.place, change.after)
        if not moved:
            return None
        return {
            "id": f"{PREFIX}InventoryAdjustmentGroup/{next(self._group_numbers)}",
            "createdAt": timestamp(int(time.time())),
            "reason": given["reason"],
            "referenceDocumentUri": given.get("referenceDocumentUri"),
            "changes": moved,
        }

    def _activate(self, call: Call, _: None, field: Field) -> Payload:
        key = idempotency_key(call, field)
        arguments = field.arguments(call.variables)
        content = fingerprint(field.name, arguments)
        if (earlier := self._keys.find(key)) and earlier.content != content:
            raise Problem("The idempotency key was used with other parameters", "BAD_REQUEST", fatal=False)
        self._keys.remember(key, content, ())
        item = call.shop.items.get(number(str(arguments["inventoryItemId"]), "InventoryItem"))
        place = str(arguments["locationId"])
        if item is None or place not in call.shop.places:
            missing = "inventoryItemId" if item is None else "locationId"
            return _activate_payload(call, field, None, place, missing, "could not be found")
        if place in item.levels and arguments.get("available") is not None and earlier is None:
            return _activate_payload(call, field, item, place, "available", ALREADY_ACTIVE)
        if place not in item.levels:
            item.levels[place] = int(arguments.get("available") or 0)
            call.shop.changed.add(item.item_id)
        return _activate_payload(call, field, item, place)

    def _update_item(self, call: Call, _: None, field: Field) -> Payload:
        arguments = field.arguments(call.variables)
        item = call.shop.items.get(number(str(arguments["id"]), "InventoryItem"))
        errors = (
            [] if item else [{"field": ["id"], "message": "The product couldn't be updated: unknown item"}]
        )
        tracked = arguments["input"].get("tracked")
        if item and tracked is not None:
            item.tracked = tracked
            call.shop.changed.add(item.item_id)
        return payload(field, errors, lambda child: show_item(call, item, child.selection) if item else None)


def idempotency_key(call: Call, field: Field) -> str:
    """The key of the call; without the directive the platform refuses to run it."""
    node = field.idempotent
    key = value_from_ast_untyped(node, call.variables) if node else None
    if not isinstance(key, str) or not key.strip():
        message = "The @idempotent directive is required for this mutation but was not provided."
        raise Problem(message, "BAD_REQUEST", fatal=False)
    return key


def _replay(call: Call, field: Field, same: bool, answer: tuple[Payload | None] | None) -> Payload:
    if same and answer is not None:
        return _group_payload(call, field, answer[0], [])
    code, text = (
        ("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "A previous request with this idempotency key failed.")
        if same
        else (
            "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
            "The same idempotency key cannot be used with different operation parameters.",
        )
    )
    return _group_payload(call, field, None, [{"code": code, "field": None, "message": text}])


def _group_payload(call: Call, field: Field, group: Payload | None, errors: list[Payload]) -> Payload:
    def show(child: Field) -> Payload | None:
        return (
            project(call, "InventoryAdjustmentGroup", GROUP_FIELDS, group, child.selection) if group else None
        )

    return payload(field, errors, show)


def _activate_payload(
    call: Call, field: Field, item: Item | None, place: str, wrong: str = "", text: str = ""
) -> Payload:
    errors = [{"field": [wrong], "message": text}] if wrong else []
    return payload(
        field, errors, lambda child: show_level(call, (item, place), child.selection) if item else None
    )


def _changes(call: Call, group: Payload, field: Field) -> list[Payload]:
    arguments = field.arguments(call.variables)
    names = [name for name in ("available", "on_hand") if name in (arguments.get("quantityNames") or [name])]
    changes: list[Change] = group["changes"]
    return [
        project(call, "InventoryChange", CHANGE_FIELDS, (change, name), field.selection)
        for change in changes
        for name in names
    ]


CHANGE_FIELDS: Resolvers = {
    "delta": lambda call, change, field: change[0].after - change[0].before,
    "item": lambda call, change, field: show_item(call, change[0].item, field.selection),
    "location": lambda call, change, field: show_location(call, change[0].place, field.selection),
    "name": lambda call, change, field: change[1],
    "quantityAfterChange": lambda call, change, field: None,
}
GROUP_FIELDS: Resolvers = {
    "changes": _changes,
    "createdAt": lambda call, group, field: group["createdAt"],
    "id": lambda call, group, field: group["id"],
    "reason": lambda call, group, field: group["reason"],
    "referenceDocumentUri": lambda call, group, field: group["referenceDocumentUri"],
}
