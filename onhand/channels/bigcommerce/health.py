"""The check of a BigCommerce store: reached, let in, allowed, its locations there, its settings harmless."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from onhand.channels.base import Finding
from onhand.channels.bigcommerce import catalogue, fetching, reading
from onhand.channels.bigcommerce.orders import LATE
from onhand.channels.bigcommerce.store import Store
from onhand.channels.errors import ChannelError, CredentialsBad

T = TypeVar("T", list[Any], dict[str, Any])

LOCATIONS_SCOPE = "store_locations_read_only"

LATE_DEDUCTION = (
    "the store takes an order's units off only when it is completed or shipped",
    "Set stock to be adjusted when an order is placed: until then the store sells the same units again.",
)
NO_EDIT = (
    "editing an order does not move the store's stock",
    "Switch on stock adjustment for edited orders, or expect such levels to be corrected by read-back.",
)
NO_REFUND = (
    "a refund or cancellation does not give units back to the store's stock",
    "Nothing to do: Onhand publishes the level when it hears of the cancellation or return.",
)


async def check(
    store: Store, places: Iterable[str], probe_write: Callable[[], Awaitable[None]]
) -> list[Finding]:
    """Every finding, good and bad. A store that cannot be reached, or a bad token, ends the check early."""
    try:
        inventory = await store.get(_inventory_path(places), "read inventory", reading.SCOPE)
    except ChannelError as error:
        return [Finding("connection", False, str(error), error.advice)]
    findings = [Finding("connection", True, "the store answers and the token reads inventory")]
    findings.extend(_stock_settings(inventory))
    findings.append(await _probe("scope store_inventory", probe_write(), "levels may be written"))
    products = store.get(f"{catalogue.PRODUCTS}?limit=1", "read products", catalogue.SCOPE)
    findings.append(await _probe(f"scope {catalogue.SCOPE}", products, "the catalogue can be read"))
    orders = store.rows(f"{fetching.ORDERS}?limit=1", "read orders", fetching.SCOPE)
    findings.append(await _probe(f"scope {fetching.SCOPE}", orders, "orders can be read"))
    findings.extend(await _locations(store, places))
    findings.extend(await _settings(store))
    return findings


def _inventory_path(places: Iterable[str]) -> str:
    return f"{reading.ITEMS}?location_id:in={','.join(places)}&limit={reading.PAGE_MAX}&page=1"


async def _probe(subject: str, call: Awaitable[Any], message: str) -> Finding:
    try:
        await call
    except ChannelError as error:
        return Finding(subject, False, str(error), error.advice)
    return Finding(subject, True, message)


def _stock_settings(inventory: Any) -> list[Finding]:
    """What the first page of inventory shows of settings that make a level mean something else."""
    rows = [(row, there) for row in _data(inventory, list) for there in row.get("locations", ())]
    held = [row for row, there in rows if (there.get("settings") or {}).get("safety_stock")]
    closed = [row for row, there in rows if (there.get("settings") or {}).get("is_in_stock") is False]
    safety = Finding("safety stock", True, f"none among the {len(rows)} levels looked at")
    if held:
        message = f"{len(held)} of {len(rows)} levels looked at have safety stock, first SKU {_sku(held[0])}"
        safety = Finding(
            "safety stock",
            False,
            message,
            "Set safety stock to 0 in BigCommerce: Onhand's own buffer is already taken off, this one twice.",
        )
    if not closed:
        return [safety]
    message = f"{len(closed)} of {len(rows)} levels looked at are switched off, first SKU {_sku(closed[0])}"
    advice = "They do not sell, whatever their level: switch them on (is in stock) at the location."
    return [safety, Finding("in stock", False, message, advice)]


async def _locations(store: Store, places: Iterable[str]) -> list[Finding]:
    try:
        body = await store.get("/v3/inventory/locations?limit=1000&page=1", "read locations", LOCATIONS_SCOPE)
    except ChannelError as error:
        return [Finding(f"scope {LOCATIONS_SCOPE}", False, str(error), error.advice)]
    known = {str(location.get("id")): location for location in _data(body, list)}
    return [_location(place, known.get(place)) for place in places]


def _location(place: str, location: dict[str, Any] | None) -> Finding:
    subject = f"location {place}"
    if location is None:
        advice = "Correct the channel's places: the store's locations are listed in its control panel."
        return Finding(subject, False, "the store has no such location", advice)
    if not location.get("enabled", True):
        advice = "Enable it in the store, or take it out of the channel's places."
        return Finding(
            subject, False, f"{location.get('label', '')!r} is disabled: its stock does not sell", advice
        )
    return Finding(subject, True, f"{location.get('label', '')!r} is enabled")


async def _settings(store: Store) -> list[Finding]:
    subject = "stock settings"
    try:
        body = await store.get(fetching.SETTINGS, "read inventory settings", fetching.SETTINGS_SCOPE)
    except CredentialsBad as error:
        return [Finding(f"scope {fetching.SETTINGS_SCOPE}", False, str(error), error.advice)]
    except ChannelError as error:
        return [Finding(subject, False, str(error), error.advice)]
    settings = _data(body, dict)
    findings = []
    if settings.get("update_stock_behavior") == LATE:
        findings.append(Finding(subject, False, *LATE_DEDUCTION))
    if settings.get("edit_order_stock_adjustment") is False:
        findings.append(Finding(subject, False, *NO_EDIT))
    if settings.get("refund_order_stock_adjustment") is False:
        findings.append(Finding(subject, True, *NO_REFUND))
    return findings or [Finding(subject, True, "stock moves when an order is placed, edited or refunded")]


def _data(body: Any, kind: type[T]) -> T:
    """The `data` of an answer; empty where it is missing or of another kind (a check must not fail)."""
    data = body.get("data") if isinstance(body, dict) else None
    return data if isinstance(data, kind) else kind()


def _sku(row: dict[str, Any]) -> str:
    return str((row.get("identity") or {}).get("sku", ""))
