"""The store's webhooks: which are ours, what they have to be, made so.

A store shows each API account only its own hooks. Ours are told from others of the same account by the header
that carries our secret.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import orjson

from onhand.channels.base import Subscription
from onhand.channels.bigcommerce.receiver import SECRET_HEADER
from onhand.channels.bigcommerce.sorting import another_shape, said_by
from onhand.channels.bigcommerce.store import Store
from onhand.channels.errors import ChannelDown, RowRejected
from onhand.channels.http import json_body
from onhand.redaction import MASK

HOOKS = "/v3/hooks"
SCOPE = "of any API account"
"""What the call needs: hooks want no scope of their own, only that of what they tell."""

PAGE_MAX = 250

ORDER_TOPICS = ("store/order/*", "store/shipment/*")
TOPICS = (*ORDER_TOPICS, "store/product/inventory/updated", "store/sku/inventory/updated")
"""With levels, where the store is the authority for a location; each of our own pushes then comes back as an echo.
Levels that an order has moved are not subscribed to: the order itself tells more, and is told anyway."""

SWITCHED_OFF = (
    "BigCommerce has switched it off: deliveries failed for two days, or nothing was to be told for 90 days"
)

REFUSED = (400, 409, 422)

Hook = dict[str, Any]


class Hooks:
    """The webhooks of one store; see `base.Hooks`. `secrets`: the newest first; it is the one hooks are made with."""

    def __init__(self, store: Store, secrets: Sequence[str], *, levels: bool = True) -> None:
        self.topics: tuple[str, ...] = TOPICS if levels else ORDER_TOPICS
        self._store = store
        self._secrets = tuple(secrets)

    async def found(self) -> list[Subscription]:
        """Every hook with our header, wherever it delivers to."""
        return [_subscription(hook) for hook in await self._all() if _secret_in(hook) is not None]

    async def ensure(self, url: str) -> list[Subscription]:
        """Make every topic deliver to `url` with our newest secret; answers what is there afterwards."""
        self._check(url)
        hooks = {hook["scope"]: hook for hook in await self._all() if hook["destination"] == url}
        made = []
        for topic in self.topics:
            hook = hooks.get(topic)
            if hook is None:
                hook = await self._write("POST", HOOKS, topic, url)
            elif not hook["is_active"] or _secret_in(hook) != self._secrets[0]:
                hook = await self._write("PUT", f"{HOOKS}/{hook['id']}", topic, url)
            made.append(_subscription(hook))
        return made

    async def remove(self, url: str) -> int:
        """Take away every hook that delivers to `url`, whatever it tells."""
        hooks = [hook for hook in await self._all() if hook["destination"] == url]
        for hook in hooks:
            action = f"remove webhook {hook['scope']}"
            path = f"{HOOKS}/{hook['id']}"
            await self._store.send("DELETE", path, b"", action, SCOPE, (404,))  # 404: it is gone already
        return len(hooks)

    def _check(self, url: str) -> None:
        trouble = url_trouble(url)
        if trouble:
            advice = "Give the web app an address with https on port 443, as buyers' browsers would reach it."
            raise RowRejected(self._store.channel, f"subscribe {url}", f"not sent, {trouble}", advice=advice)
        if not self._secrets:
            said = "not sent, the channel has no webhook secret"
            advice = (
                "Set webhook_secret_envs: without it nobody could tell BigCommerce's deliveries from others."
            )
            raise RowRejected(self._store.channel, f"subscribe {url}", said, advice=advice)

    async def _all(self) -> list[Hook]:
        hooks: list[Hook] = []
        page = pages = 1
        while page <= pages:
            action = f"list webhooks, page {page}"
            body = await self._store.get(f"{HOOKS}?page={page}&limit={PAGE_MAX}", action, SCOPE)
            try:
                hooks += [_checked(hook) for hook in body["data"]]
                pages = int((body["meta"].get("pagination") or {}).get("total_pages") or 1)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise self._another_shape(action, error) from error
            page += 1
        return hooks

    async def _write(self, method: str, path: str, topic: str, url: str) -> Hook:
        action = f"subscribe {url} to {topic}"
        hook = {
            "scope": topic,
            "destination": url,
            "is_active": True,
            "headers": {SECRET_HEADER: self._secrets[0]},
        }
        response = await self._store.send(method, path, orjson.dumps(hook), action, SCOPE, REFUSED)
        if response.status_code in REFUSED:
            advice = (
                "BigCommerce takes https on port 443 only, and ten webhooks of a topic from an API account."
            )
            said, status = self._unspoken(said_by(response)), response.status_code
            raise RowRejected(self._store.channel, action, said, advice=advice, status=status)
        body = json_body(response, self._store.channel, action)
        try:
            return _checked(body["data"])
        except (KeyError, TypeError) as error:
            raise self._another_shape(action, error) from error

    def _unspoken(self, text: str) -> str:
        """The text without our secrets, should a refusal repeat what was sent."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def _another_shape(self, action: str, error: Exception) -> ChannelDown:
        return another_shape(self._store.channel, action, type(error).__name__)


def url_trouble(url: str) -> str:
    """Why BigCommerce would not deliver to the address; "" where it would. A loopback address is a sandbox's."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        return "its port is no number"
    if parts.scheme in ("http", "https") and _is_loopback(parts.hostname or ""):
        return ""
    if parts.scheme != "https" or not parts.hostname:
        return "BigCommerce delivers to https addresses only"
    return "" if port in (None, 443) else f"BigCommerce delivers to port 443 only, not to {port}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _checked(hook: Hook) -> Hook:
    """The hook, which has what is used of it; raises KeyError or TypeError."""
    return {name: hook[name] for name in ("id", "scope", "destination", "is_active")} | {
        "headers": hook.get("headers") or {}
    }


def _secret_in(hook: Hook) -> str | None:
    wanted = SECRET_HEADER.lower()
    return next((str(text) for name, text in hook["headers"].items() if name.lower() == wanted), None)


def _subscription(hook: Hook) -> Subscription:
    active = bool(hook["is_active"])
    problem = "" if active else SWITCHED_OFF
    return Subscription(str(hook["id"]), str(hook["scope"]), str(hook["destination"]), active, problem)
