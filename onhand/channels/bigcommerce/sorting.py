"""What a BigCommerce answer other than 2xx means for us: one table by HTTP status.

Rules: the platform's status-code pages; 500 wants a minute's distance, 403 is a missing scope or a
suspended store, 404 on a path that always exists is a wrong store hash.
"""

from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from onhand.channels.errors import (
    ChannelDown,
    ChannelError,
    CredentialsBad,
    NewKeyRetry,
    RowRejected,
    SameKeyRetry,
)
from onhand.channels.http import words_of


@dataclass(frozen=True, slots=True)
class Meaning:
    """An error class, what a person should do, and how long to stay away where the platform's docs say so."""

    error: type[ChannelError]
    advice: str
    retry_after_seconds: float | None = None


RETRIED = "Onhand tries again; if it lasts, look at BigCommerce's status page."
REPORT = "Onhand or the API has changed: report this with the request's action and status."

RETRY = Meaning(SameKeyRetry, RETRIED)
BUG = Meaning(ChannelDown, REPORT)
REFUSED = Meaning(RowRejected, "Correct the named value or map the listing again.")

MEANINGS: dict[int, Meaning] = {
    400: REFUSED,
    401: Meaning(
        CredentialsBad, "The token is revoked or wrong: make a new API account and store its token."
    ),
    403: Meaning(CredentialsBad, "Grant the API account the missing scope, or have the store reactivated."),
    404: Meaning(
        CredentialsBad,
        "Check the store hash in the channel's address; was the store closed or moved, or this API retired?",
    ),
    405: BUG,
    406: BUG,
    408: RETRY,
    409: Meaning(NewKeyRetry, "The level is read again and decided again."),
    413: REFUSED,
    414: BUG,
    415: BUG,
    422: REFUSED,
    423: RETRY,
    429: RETRY,
    499: RETRY,
    500: Meaning(SameKeyRetry, RETRIED, retry_after_seconds=60.0),
    501: BUG,
    502: RETRY,
    503: Meaning(SameKeyRetry, "Onhand tries again; is the store in maintenance?"),
    504: RETRY,
    507: Meaning(ChannelDown, "A limit of the store's plan is reached: see the plan in the control panel."),
}

NOT_THE_API = Meaning(
    ChannelDown,
    "Something before the API answered (firewall, proxy, redirect): check the address and the network.",
)


def sorted_error(channel: str, action: str, response: httpx.Response, scope: str) -> ChannelError:
    """The error that an unwanted answer amounts to. `scope` is the permission the call needs."""
    meaning = _meaning(response)
    advice = meaning.advice
    if response.status_code == 403 and meaning.error is CredentialsBad:
        advice += f" This call needs the scope {scope}."
    return meaning.error(
        channel,
        action,
        said_by(response),
        advice=advice,
        status=response.status_code,
        retry_after_seconds=meaning.retry_after_seconds,
    )


def another_shape(channel: str, action: str, what: str) -> ChannelDown:
    """The error that a good answer of an undocumented shape amounts to; `what` shows it, as far as it may be quoted."""
    return ChannelDown(
        channel, action, f"the answer has another shape than documented: {what}", advice=REPORT
    )


def _meaning(response: httpx.Response) -> Meaning:
    status = response.status_code
    if status in (403, 404) and _json(response) is None:
        return NOT_THE_API
    if (meaning := MEANINGS.get(status)) is not None:
        return meaning
    return RETRY if status >= 500 else NOT_THE_API


def said_by(response: httpx.Response) -> str:
    """The platform's own words: title and errors of v3, messages of v2, else the beginning of the body."""
    body = _json(response)
    if isinstance(body, dict) and body.get("title"):
        errors = "; ".join(f"{name}: {text}" for name, text in errors_of(body).items())
        return f"{body['title']} ({errors})" if errors else str(body["title"])
    if isinstance(body, list) and body and all(isinstance(each, dict) for each in body):
        return "; ".join(str(each.get("message", each)) for each in body)
    return words_of(response.text) or "nothing"


def errors_of(body: Any) -> dict[str, Any]:
    """The `errors` of a v3 error body: text by field, {} where absent or of another shape."""
    errors = body.get("errors") if isinstance(body, dict) else None
    return errors if isinstance(errors, dict) else {}


def _json(response: httpx.Response) -> Any:
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
