"""The check of a shop: reachable, let in, allowed enough, not retired, and every location ours to write."""

from collections.abc import Sequence
from typing import Any

from onhand.channels.base import Finding
from onhand.channels.errors import ChannelError
from onhand.channels.shopify.admin import Admin
from onhand.channels.shopify.documents import SETTINGS

SCOPES = ("read_inventory", "write_inventory", "read_locations", "read_products", "read_orders")


async def findings(admin: Admin, places: Sequence[str]) -> list[Finding]:
    """What is well and what is not; never raises for what the shop answers."""
    try:
        data = await admin.run(SETTINGS, {}, "read the shop's settings")
    except ChannelError as error:
        return [Finding("connection", False, error.said, error.advice)]
    name = data["shop"]["name"]
    reached = Finding("connection", True, f"{name} answers and accepts the token")
    known = {location["id"]: location for location in data["locations"]["nodes"]}
    return [reached, _version(admin), _scopes(data), *(_place(place, known.get(place)) for place in places)]


def _version(admin: Admin) -> Finding:
    asked, served = admin.api_version, admin.served_version
    if served and served != asked:
        advice = f"Upgrade: set `api_version` to a supported version, at least {served}."
        return Finding("API version", False, f"{asked} is retired; the shop answers as {served}", advice)
    return Finding("API version", True, f"{asked} is served")


def _scopes(data: dict[str, Any]) -> Finding:
    granted = {scope["handle"] for scope in data["currentAppInstallation"]["accessScopes"]}
    # Shopify drops a read scope from the list where the write scope that includes it is granted.
    granted |= {scope.replace("write_", "read_", 1) for scope in granted}
    if missing := [scope for scope in SCOPES if scope not in granted]:
        return Finding(
            "scopes", False, f"missing: {', '.join(missing)}", "Grant them to the app and install it again."
        )
    return Finding("scopes", True, f"granted: {', '.join(SCOPES)}")


def _place(place: str, location: dict[str, Any] | None) -> Finding:
    if location is None:
        return Finding(
            f"location {place}", False, "the shop knows no such location", "Correct the channel's `places`."
        )
    subject = f"location {location['name']} ({place})"
    if location["isFulfillmentService"]:
        advice = "Take it out of `places`: only the app that owns it may write its levels."
        return Finding(subject, False, "belongs to a fulfilment service", advice)
    if not location["isActive"]:
        return Finding(
            subject, False, "is deactivated", "Activate it in the shop's admin, or take it out of `places`."
        )
    return Finding(subject, True, "active, ours to write")
