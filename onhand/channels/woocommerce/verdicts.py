"""What each refusal of a WooCommerce shop means, sorted once into the tree of onhand/channels/errors.py.

Error codes come from WooCommerce's REST controllers and WordPress' REST server; the rest of the statuses come
from whatever stands before them: PHP, the web server, a firewall, a CDN. A code decides before a status does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson

from onhand.channels.errors import ChannelDown, ChannelError, CredentialsBad, RowRejected, SameKeyRetry
from onhand.channels.http import SAID_MAX, without_tags, words_of


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a refusal is, and what a person can do about it."""

    kind: type[ChannelError]
    advice: str


KEY_ADVICE = (
    "Issue a new key with read/write permission for a shop manager (WooCommerce > Settings > Advanced > REST API). "
    "If the key is right, the host strips the Authorization header: have it passed on to PHP."
)
RIGHTS_ADVICE = (
    "The key's user may not manage products: give the user the role of shop manager, or the key read/write."
)
GONE_ADVICE = "The product is deleted or in the trash: discover the channel again and mend the mapping."

BY_CODE = {
    "woocommerce_rest_authentication_error": Verdict(CredentialsBad, KEY_ADVICE),
    "woocommerce_rest_cannot_view": Verdict(CredentialsBad, KEY_ADVICE),
    "woocommerce_rest_cannot_edit": Verdict(CredentialsBad, RIGHTS_ADVICE),
    "woocommerce_rest_cannot_create": Verdict(CredentialsBad, RIGHTS_ADVICE),
    "woocommerce_rest_cannot_batch": Verdict(CredentialsBad, RIGHTS_ADVICE),
    "rest_no_route": Verdict(
        ChannelDown,
        "Switch on pretty permalinks (Settings > Permalinks) and WooCommerce itself, and check base_url.",
    ),
    "woocommerce_rest_product_invalid_id": Verdict(RowRejected, GONE_ADVICE),
    "woocommerce_rest_product_variation_invalid_id": Verdict(RowRejected, GONE_ADVICE),
    "woocommerce_rest_invalid_product_id": Verdict(
        RowRejected, "It is a variation mapped without its parent product: discover the channel again."
    ),
    "product_invalid_sku": Verdict(
        RowRejected, "The shop finds its SKU invalid or double: mend the product there."
    ),
    "rest_invalid_param": Verdict(RowRejected, "The shop does not accept this value for this product."),
    "rest_missing_callback_param": Verdict(
        RowRejected, "The shop wants a field we do not send; a plugin may add it."
    ),
}
"""By the error code of WooCommerce or WordPress, wherever it appears."""

FIREWALL_ADVICE = (
    "A firewall or security plugin refuses us: allow our User-Agent and address for /wp-json/wc/v3."
)
BUSY_ADVICE = "The shop's server is struggling; we go slower. If it lasts, look at its PHP error log."

BY_STATUS = {
    401: Verdict(CredentialsBad, KEY_ADVICE),
    403: Verdict(ChannelDown, FIREWALL_ADVICE),
    404: Verdict(ChannelDown, "Nothing answers there: check base_url and that WooCommerce is switched on."),
    406: Verdict(ChannelDown, FIREWALL_ADVICE),
    408: Verdict(SameKeyRetry, BUSY_ADVICE),
    413: Verdict(
        ChannelDown, "The web server takes no body of even one row: raise its limit on request bodies."
    ),
    429: Verdict(SameKeyRetry, "The host limits our calls; we wait as long as it asks."),
    501: Verdict(ChannelDown, FIREWALL_ADVICE),
}
"""By the HTTP status, where no code decides."""

FORBIDDEN_WITH_CODE = Verdict(CredentialsBad, RIGHTS_ADVICE)
"""A 403 that states an error code comes from WordPress itself: a permission is missing, no firewall."""
MOVED = Verdict(ChannelDown, "The shop lives at another address: set base_url to exactly that site root.")
UNKNOWN = Verdict(ChannelDown, "We do not know this refusal: see what the shop said.")


def refusal(channel: str, action: str, response: httpx.Response, clean: Callable[[str], str]) -> ChannelError:
    """The error a non-2xx answer is; `clean` takes our secrets out of what is repeated of it."""
    code, said = _said(response, clean)
    verdict = _verdict(response.status_code, code)
    return verdict.kind(
        channel,
        action,
        said,
        advice=verdict.advice,
        status=response.status_code,
        retry_after_seconds=retry_after(response),
    )


def row_refusal(channel: str, action: str, error: Any) -> RowRejected:
    """The error one entry of a batch is. Whatever its code, its neighbours are fine."""
    code = str(error.get("code", "")) if isinstance(error, dict) else ""
    message = without_tags(str(error.get("message", ""))) if isinstance(error, dict) else str(error)
    verdict = BY_CODE.get(code)
    advice = (
        verdict.advice
        if verdict
        else "See what the shop said; a plugin may have refused to save the product."
    )
    return RowRejected(channel, action, words_of(f"{code}: {message}" if code else message), advice=advice)


def retry_after(response: httpx.Response) -> float | None:
    """Seconds the answer asks us to stay away; a date counts from the answer's own Date header."""
    value = response.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(response.headers["date"])
    except (ValueError, KeyError, TypeError):
        return None
    return max(0.0, wait.total_seconds())


def _verdict(status: int, code: str) -> Verdict:
    if code in BY_CODE:
        return BY_CODE[code]
    if status == 403 and code:
        return FORBIDDEN_WITH_CODE
    if status in BY_STATUS:
        return BY_STATUS[status]
    if 300 <= status < 400:
        return MOVED
    return Verdict(SameKeyRetry, BUSY_ADVICE) if status >= 500 else UNKNOWN


def _said(response: httpx.Response, clean: Callable[[str], str]) -> tuple[str, str]:
    """The error code (empty where there is none) and the words of an answer."""
    if response.is_redirect:
        return "", f"moved to {clean(response.headers['location'].partition('?')[0])[:SAID_MAX]}"
    text = clean(response.text)
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        body = None
    if isinstance(body, dict) and body.get("code"):
        code = str(body["code"])
        return code, words_of(f"{code}: {without_tags(str(body.get('message', '')))}")
    return "", words_of(text) or "an empty answer"
