"""Quantities set and adjusted: what the platform checks, in its order, before it touches a single level."""

from dataclasses import dataclass
from typing import Any

from onhand.sandbox.shop import Item
from onhand.sandbox.shopify.call import Call
from onhand.sandbox.shopify.ids import number
from onhand.sandbox.shopify.problems import Problem, invalid_variable

ENTRIES_MAX = 250
QUANTITY_LIMIT = 1_000_000_000
INT_LIMIT = 2**31

REASONS = frozenset(
    (
        "correction",
        "cycle_count_available",
        "damaged",
        "movement_canceled",
        "movement_created",
        "movement_received",
        "movement_updated",
        "other",
        "promotion",
        "quality_control",
        "received",
        "reservation_created",
        "reservation_deleted",
        "reservation_updated",
        "restock",
        "safety_stock",
        "shrinkage",
    )
)
INPUT_FIELDS = frozenset(("name", "reason", "referenceDocumentUri"))
ENTRY_FIELDS = frozenset(("inventoryItemId", "locationId", "changeFromQuantity"))


@dataclass(frozen=True, slots=True)
class Shape:
    """The input of one mutation: its type, where its entries stand, and which of their fields is the number."""

    kind: str
    entries: str
    entry_kind: str
    number: str
    more_entry_fields: frozenset[str] = frozenset()

    def fields(self) -> frozenset[str]:
        """Fields of the input."""
        return INPUT_FIELDS | {self.entries}

    def entry_fields(self) -> frozenset[str]:
        """Fields of an entry."""
        return ENTRY_FIELDS | {self.number} | self.more_entry_fields


SET = Shape("InventorySetQuantitiesInput!", "quantities", "InventoryQuantityInput", "quantity")
ADJUST = Shape(
    "InventoryAdjustQuantitiesInput!",
    "changes",
    "InventoryChangeInput",
    "delta",
    frozenset(("ledgerDocumentUri",)),
)

UserError = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One level that is to be set, with what it shows now."""

    item: Item
    place: str
    before: int
    after: int


def check_shape(given: Any, shape: Shape) -> None:
    """That an input is well-formed; raises Problem as the platform does before it runs anything."""
    if not isinstance(given, dict):
        raise invalid_variable("input", shape.kind, [], "Expected value to not be null")
    for name in given.keys() - shape.fields():
        raise invalid_variable("input", shape.kind, [name], f"Field is not defined on {shape.kind[:-1]}")
    for name in ("name", "reason", shape.entries):
        if given.get(name) is None:
            raise invalid_variable("input", shape.kind, [name], "Expected value to not be null")
    entries: list[dict[str, Any]] = given[shape.entries]
    for at, entry in enumerate(entries):
        _check_entry(at, entry, shape)
    if len(entries) > ENTRIES_MAX:
        message = (
            f"The input array size of {len(entries)} is greater than the maximum allowed of {ENTRIES_MAX}."
        )
        raise Problem(message, "MAX_INPUT_SIZE_EXCEEDED")
    if any("changeFromQuantity" not in entry for entry in entries):
        message = "The changeFromQuantity argument must be given, as a number or as null, for each entry."
        raise Problem(message, "INVALID_FIELD_ARGUMENTS", fatal=False)


def _check_entry(at: int, entry: Any, shape: Shape) -> None:
    if not isinstance(entry, dict) or not entry.keys() <= shape.entry_fields():
        extra = sorted(set(entry) - shape.entry_fields()) if isinstance(entry, dict) else []
        path: list[str | int] = [shape.entries, at, *extra[:1]]
        raise invalid_variable("input", shape.kind, path, f"Field is not defined on {shape.entry_kind}")
    for name, kind in (("inventoryItemId", "InventoryItem"), ("locationId", "Location")):
        if not number(str(entry.get(name)), kind):
            text = f"Invalid global id '{entry.get(name)}'"
            raise invalid_variable("input", shape.kind, [shape.entries, at, name], text)
    quantity, compare = entry.get(shape.number), entry.get("changeFromQuantity")
    if type(quantity) is not int or not -INT_LIMIT <= quantity < INT_LIMIT:
        path = [shape.entries, at, shape.number]
        raise invalid_variable("input", shape.kind, path, f"Could not coerce value {quantity!r} to Int")
    if compare is not None and type(compare) is not int:
        path = [shape.entries, at, "changeFromQuantity"]
        raise invalid_variable("input", shape.kind, path, f"Could not coerce value {compare!r} to Int")


def judge(call: Call, given: dict[str, Any], shape: Shape) -> tuple[list[Change], list[UserError]]:
    """What would change, and every reason why nothing will: one bad entry rejects the whole call."""
    errors = _input_errors(given, shape)
    changes: list[Change] = []
    seen: set[tuple[str, str]] = set()
    for at, entry in enumerate(given[shape.entries]):
        key = (entry["inventoryItemId"], entry["locationId"])
        found = _judge_entry(call, entry, given["name"], shape)
        if key in seen:
            found = ("inventoryItemId", _twice(shape), "is given twice")
        seen.add(key)
        if isinstance(found, Change):
            changes.append(found)
        else:
            field, code, text = found
            path = ["input", shape.entries, str(at), field]
            errors.append({"code": code, "field": path, "message": f"The {field} {text}."})
    return changes, errors


def _twice(shape: Shape) -> str:
    """How an item and place given twice is refused; of adjustments the platform says no more than that they failed."""
    return "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR" if shape is SET else "ADJUST_QUANTITIES_FAILED"


def _input_errors(given: dict[str, Any], shape: Shape) -> list[UserError]:
    errors: list[UserError] = []
    if shape is SET and given["name"] not in ("available", "on_hand"):
        errors.append(_input_error("name", "INVALID_NAME", "must be available or on_hand"))
    if shape is ADJUST and given["name"] != "available":
        # The platform adjusts other names, too, but only with a ledger document, and never `on_hand`.
        errors.append(_input_error("name", "INVALID_QUANTITY_NAME", "cannot be adjusted"))
    if given["reason"] not in REASONS:
        errors.append(_input_error("reason", "INVALID_REASON", "is invalid"))
    uri = given.get("referenceDocumentUri")
    if uri is not None and "://" not in uri:
        errors.append(_input_error("referenceDocumentUri", "INVALID_REFERENCE_DOCUMENT", "is not a URI"))
    return errors


def _input_error(field: str, code: str, text: str) -> UserError:
    return {"code": code, "field": ["input", field], "message": f"The {field} {text}."}


def _judge_entry(call: Call, entry: dict[str, Any], name: str, shape: Shape) -> Change | tuple[str, str, str]:
    item = call.shop.items.get(number(entry["inventoryItemId"], "InventoryItem"))
    place, compare = entry["locationId"], entry["changeFromQuantity"]
    if item is None:
        return "inventoryItemId", "INVALID_INVENTORY_ITEM", "could not be found"
    if item.kind == "bundle" or call.shop.refuses(item.item_id):
        return "inventoryItemId", "NON_MUTABLE_INVENTORY_ITEM", "is not allowed to be adjusted"
    options = call.options
    if place not in call.shop.places or place in options.service_places or place in options.inactive_places:
        return "locationId", "INVALID_LOCATION", "could not be found"
    if shape is ADJUST and entry.get("ledgerDocumentUri") is not None:
        return "ledgerDocumentUri", "INVALID_AVAILABLE_DOCUMENT", "cannot be given for available"
    shown = call.shop.level(item.item_id, place)
    if shown is None and call.version <= "2026-07":
        return "locationId", "ITEM_NOT_STOCKED_AT_LOCATION", "does not stock the item"
    quantity = entry[shape.number] + (shown or 0 if shape is ADJUST else 0)
    if wrong := _wrong_quantity(quantity, name, shape):
        return wrong
    if compare is not None and compare != (shown or 0):
        text = "does not match the quantity of the item at the location"
        return "changeFromQuantity", "CHANGE_FROM_QUANTITY_STALE", text
    return Change(item, place, shown or 0, quantity)


def _wrong_quantity(quantity: int, name: str, shape: Shape) -> tuple[str, str, str] | None:
    if quantity > QUANTITY_LIMIT:
        return shape.number, "INVALID_QUANTITY_TOO_HIGH", f"must lead to at most {QUANTITY_LIMIT}"
    if quantity < -QUANTITY_LIMIT:
        return shape.number, "INVALID_QUANTITY_TOO_LOW", f"must lead to at least -{QUANTITY_LIMIT}"
    if quantity < 0 and name == "on_hand":
        return shape.number, "INVALID_QUANTITY_NEGATIVE", "must not be negative"
    return None
