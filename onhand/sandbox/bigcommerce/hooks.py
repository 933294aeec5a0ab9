"""/v3/hooks: subscriptions to webhooks, made, listed, changed, removed."""

import time
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response

from onhand.sandbox.bigcommerce.options import BigCommerceOptions
from onhand.sandbox.bigcommerce.replies import Json, Refused, invalid, json_response, paging
from onhand.sandbox.bigcommerce.webhooks import SCOPES
from onhand.sandbox.wire import Subscription, Subscriptions

LIMIT_MAX = 250
LIMIT_DEFAULT = 50
PER_SCOPE_MAX = 10

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""The platform delivers to https on port 443 only; a sandbox's subscribers live on the same machine."""

KINDS = {"scope": str, "destination": str, "is_active": bool, "headers": dict}


class Hooks:
    """The webhooks of one store."""

    def __init__(self, subscriptions: Subscriptions, options: BigCommerceOptions) -> None:
        self._subscriptions = subscriptions
        self._options = options
        self._changed_at: dict[str, tuple[int, int]] = {}

    async def listed(self, request: Request) -> Response:
        """GET /v3/hooks."""
        query = request.query_params
        asked = paging(query, limit_max=LIMIT_MAX, limit_default=LIMIT_DEFAULT)
        found = [
            hook
            for hook in map(self._shown, self._subscriptions.by_id.values())
            if query.get("scope", hook["scope"]) == hook["scope"]
            and query.get("destination", hook["destination"]) == hook["destination"]
            and query.get("is_active", str(hook["is_active"]).lower()) == str(hook["is_active"]).lower()
        ]
        page = found[asked.slice]
        return json_response({"data": page, "meta": asked.meta(len(found), len(page))})

    async def made(self, request: Request) -> Response:
        """POST /v3/hooks."""
        given = await _given(request)
        for name in ("scope", "destination"):
            if name not in given:
                raise invalid(name, "is required")
        self._check(given["scope"], given["destination"], None)
        hook = self._subscriptions.add(given["scope"], given["destination"], headers=given.get("headers"))
        hook.active = given.get("is_active", True)
        return self._answer(hook)

    async def one(self, request: Request) -> Response:
        """GET /v3/hooks/{hook}."""
        return json_response({"data": self._shown(self._named(request)), "meta": {}})

    async def changed(self, request: Request) -> Response:
        """PUT /v3/hooks/{hook}: the fields that are given."""
        hook, given = self._named(request), await _given(request)
        if not given:
            raise invalid("body", "at least one field is required")
        topic, url = given.get("scope", hook.topic), given.get("destination", hook.url)
        self._check(topic, url, hook)
        hook.topic, hook.url = topic, url
        hook.headers = given.get("headers", hook.headers)
        if given.get("is_active", hook.active) and not hook.active:
            hook.failures = 0
        hook.active = given.get("is_active", hook.active)
        return self._answer(hook)

    async def removed(self, request: Request) -> Response:
        """DELETE /v3/hooks/{hook}; answers what it was."""
        hook = self._named(request)
        del self._subscriptions.by_id[hook.subscription_id]
        return json_response({"data": self._shown(hook), "meta": {}})

    def _named(self, request: Request) -> Subscription:
        number = request.path_params["hook"]
        hook = self._subscriptions.by_id.get(number)
        if hook is None:
            raise Refused(404, f"Webhook with id [{number}] not found")
        return hook

    def _check(self, topic: str, url: str, changed: Subscription | None) -> None:
        if topic not in SCOPES:
            raise invalid("scope", "is not a webhook scope this sandbox knows")
        parts = urlsplit(url)
        if parts.hostname not in LOOPBACK and (parts.scheme != "https" or parts.port not in (None, 443)):
            raise invalid("destination", "must be an https address on port 443")
        others = [
            each for each in self._subscriptions.by_id.values() if each.topic == topic and each is not changed
        ]
        if any(each.url == url for each in others):
            raise invalid("destination", "a webhook of this scope and destination exists")
        if len(others) >= PER_SCOPE_MAX:
            raise invalid("scope", f"has {PER_SCOPE_MAX} webhooks already")

    def _answer(self, hook: Subscription) -> Response:
        now = int(time.time())
        made_at, _ = self._changed_at.get(hook.subscription_id, (now, now))
        self._changed_at[hook.subscription_id] = (made_at, now)
        return json_response({"data": self._shown(hook), "meta": {}})

    def _shown(self, hook: Subscription) -> Json:
        made_at, changed_at = self._changed_at.get(hook.subscription_id, (0, 0))
        return {
            "id": int(hook.subscription_id),
            "client_id": self._options.client_id,
            "store_hash": self._options.store_hash,
            "scope": hook.topic,
            "destination": hook.url,
            "headers": hook.headers or None,
            "is_active": hook.active,
            "created_at": made_at,
            "updated_at": changed_at,
        }


async def _given(request: Request) -> dict[str, Any]:
    """The fields of a body, each of the kind the OpenAPI file wants."""
    try:
        given = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise Refused(400, "Input is invalid.") from None
    if not isinstance(given, dict):
        raise Refused(400, "Input is invalid.")
    for name, value in given.items():
        if name not in KINDS or not isinstance(value, KINDS[name]):
            raise invalid(name, "is unknown or has the wrong type")
    if not all(isinstance(text, str) for text in given.get("headers", {}).values()):
        raise invalid("headers", "must be texts")
    return given
