"""Every way the platform says no, sorted in this one place (apis/shopify.md, sections 1 and 5)."""

from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from onhand.channels.base import Outcome
from onhand.channels.errors import ChannelDown, ChannelError, CredentialsBad, NewKeyRetry, SameKeyRetry
from onhand.channels.http import is_page, words_of

FROZEN_RETRY_SECONDS = 900.0
BLOCKED_RETRY_SECONDS = 3_600.0

THROTTLED_CODE = "THROTTLED"
STALE_CODES = frozenset(("CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"))
NOT_STOCKED_CODE = "ITEM_NOT_STOCKED_AT_LOCATION"
CONCURRENT_CODE = "IDEMPOTENCY_CONCURRENT_REQUEST"
PREVIOUS_FAILED_CODE = "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failure of a whole call means: its class, what a person should do, how long to stay away."""

    error: type[ChannelError]
    advice: str = ""
    retry_after_seconds: float | None = None


_SHOP_CLOSED = Verdict(
    ChannelDown,
    "The shop is frozen or locked: its owner has to settle this with Shopify.",
    FROZEN_RETRY_SECONDS,
)
_SCOPE_MISSING = Verdict(
    CredentialsBad,
    "The app lacks an access scope: grant read/write_inventory, read_locations, read_products and read_orders.",
)
_IN_DOUBT = Verdict(SameKeyRetry)
_DISAGREE = Verdict(
    ChannelDown,
    "Onhand and the shop's API version disagree about the call: check `api_version`, and report this as a bug.",
    FROZEN_RETRY_SECONDS,
)

_NOT_SHOPIFY = Verdict(
    ChannelDown, "A firewall or proxy answered in the shop's stead: check the address and the network."
)
_THROTTLED = Verdict(SameKeyRetry, "Another app may be using up the shop's budget; Onhand tries again.")

STATUSES = {
    401: Verdict(CredentialsBad, "The access token is revoked or expired: give the channel a new one."),
    402: _SHOP_CLOSED,
    403: _SCOPE_MISSING,
    404: Verdict(
        CredentialsBad, "No such shop, or a retired API version: check `base_url` and `api_version`."
    ),
    408: _IN_DOUBT,
    423: _SHOP_CLOSED,
    429: _THROTTLED,
    430: Verdict(
        ChannelDown, "Shopify's security block: stop every caller from this address.", BLOCKED_RETRY_SECONDS
    ),
}

CODES = {
    THROTTLED_CODE: _THROTTLED,
    "INTERNAL_SERVER_ERROR": _IN_DOUBT,
    "TIMEOUT": _IN_DOUBT,
    CONCURRENT_CODE: _IN_DOUBT,
    PREVIOUS_FAILED_CODE: Verdict(NewKeyRetry),
    "IDEMPOTENCY_KEY_PARAMETER_MISMATCH": Verdict(
        NewKeyRetry, "One key was used for two contents: report this as a bug."
    ),
    "ACCESS_DENIED": _SCOPE_MISSING,
    "SHOP_INACTIVE": _SHOP_CLOSED,
}

ROWS = {
    "INVALID_INVENTORY_ITEM": "The item is gone from the shop: run discovery and map the SKU again.",
    "INVALID_LOCATION": "The location is gone, switched off or another app's: check the channel's `places`.",
    "NON_MUTABLE_INVENTORY_ITEM": (
        "The shop computes this item's level (a bundle): map its components in its place."
    ),
    "INVALID_QUANTITY_TOO_HIGH": "Shopify takes at most 1,000,000,000 units: cap the listing's rule.",
    "INVALID_QUANTITY_TOO_LOW": "Shopify takes at least -1,000,000,000 units.",
    "INVALID_QUANTITY_NEGATIVE": "The level must not be negative.",
    "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR": (
        "Two listings of this channel are mapped to one inventory item: unmap one of them."
    ),
}
"""userErrors that belong to one row for good, and what to do about each."""

ROW_ADVICE = "Look at the item in the shop's admin; after mending it, retry the SKU."


def of_response(response: httpx.Response) -> Verdict | None:
    """The verdict of an answer by its status; None where the body decides."""
    status = response.status_code
    if status in (403, 404) and is_page(response.text):
        return _NOT_SHOPIFY
    if status in STATUSES:
        return STATUSES[status]
    if status >= 500:
        return _IN_DOUBT
    return _DISAGREE if status >= 300 else None


def of_code(code: str) -> Verdict:
    """The verdict of a top-level error's code."""
    return CODES.get(code, _DISAGREE)


def row_outcome(code: str) -> tuple[Outcome, str]:
    """What a userError means for the one row it points at, and the advice that goes with it."""
    if code in STALE_CODES:
        return Outcome.STALE, ""
    return Outcome.REJECTED, ROWS.get(code, ROW_ADVICE)


def error_codes(errors: Any) -> list[str]:
    """The codes in a top-level `errors`, which may also be a plain string or object."""
    if not isinstance(errors, list):
        return [""]
    return [
        str((each.get("extensions") or {}).get("code", "")) if isinstance(each, dict) else ""
        for each in errors
    ]


def error_text(errors: Any) -> str:
    """The words of a top-level `errors`, whatever its shape."""
    if not isinstance(errors, list):
        return str(errors)
    words = [
        f"{code or 'no code'}: {each.get('message', '') if isinstance(each, dict) else each}"
        for code, each in zip(error_codes(errors), errors, strict=True)
    ]
    return "; ".join(words)


def said_by(response: httpx.Response) -> str:
    """What an answer that is a refusal says: the words of its `errors` where it is such a document, else its own."""
    if not response.content:
        return response.reason_phrase
    try:
        document = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return words_of(response.text)
    if isinstance(document, dict) and isinstance(errors := document.get("errors"), str) and errors:
        return words_of(errors)
    return words_of(response.text)


def retry_after(response: httpx.Response) -> float | None:
    """The seconds of a Retry-After header, None where there is none that is a number."""
    try:
        return max(0.0, float(response.headers.get("retry-after", "")))
    except ValueError:
        return None
