"""One shop's REST API: every call goes through here, is let in by the gate, and its answer is sorted."""

import asyncio
import base64
import ipaddress
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import orjson

from onhand.channels.base import Meter
from onhand.channels.concurrency import Gate
from onhand.channels.errors import ChannelError, SameKeyRetry
from onhand.channels.http import kind_of, make_client, send, words_of
from onhand.channels.woocommerce.verdicts import refusal, retry_after

Json = Any
"""Decoded JSON of a shop; nothing in it is taken for granted."""

API_PATH = "/wp-json/wc/v3"
ROWS_MAX = 100
"""Entries of one batch, rows of one page, ids of one `include`: the platform's maximum for each."""
STRUGGLING = frozenset((403, 406, 408, 429))
"""Beside every 5xx, answers after which we ask less: firewalls and hosts count our calls."""
PAUSE_START_SECONDS = 1.0
PAUSE_MAX_SECONDS = 60.0
WAIT_MAX_SECONDS = 60.0
"""Seconds one call waits in all for a host that limits us: a turn of the publisher outlasts it. Then whoever called
decides, and its breaker says what is wrong."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer: its decoded body, its headers, and how long it took."""

    body: Json
    headers: httpx.Headers
    seconds: float


class Site:
    """One shop: its address, our key, and what it bears.

    `variations_route`: whether GET /variations exists (core 10.3.0); None until it was tried. `webhook_secret` is kept
    out of what is told of answers, as the key is.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        consumer_key: str,
        consumer_secret: str,
        *,
        webhook_secret: str = "",
        max_concurrency: int,
        meter: Meter,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self.gate = Gate(max_concurrency, meter, clock, sleep)
        self.sleep = sleep
        self.variations_route: bool | None = None
        self._meter = meter
        self._clock = clock
        credentials = base64.b64encode(f"{consumer_key}:{consumer_secret}".encode()).decode()
        self._client = make_client(
            safe_root(base_url) + API_PATH,
            {"Authorization": f"Basic {credentials}", "Cache-Control": "no-cache"},
            connections=max_concurrency,
            transport=transport,
        )
        self._secrets = [one for one in (consumer_key, consumer_secret, credentials, webhook_secret) if one]
        self._numbers = count(int(time.time() * 1000))

    async def get(
        self, action: str, path: str, params: Mapping[str, str | int] | None = None, *, urgent: bool = False
    ) -> Answer:
        """Read; the throwaway parameter keeps a page cache from answering in the shop's stead.

        `urgent` calls are let in before all others that wait, here and in `post`.
        """
        query = {"_": next(self._numbers), **(params or {})}
        return await self._call(action, "GET", path, {"params": query}, urgent=urgent)

    async def post(self, action: str, path: str, body: Json, *, urgent: bool = False) -> Answer:
        """Write; only what may be sent twice (absolute levels), or is looked for before it is sent again (webhooks)."""
        content = {"content": orjson.dumps(body), "headers": {"Content-Type": "application/json"}}
        return await self._call(action, "POST", path, content, urgent=urgent)

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.aclose()

    def clean(self, text: str) -> str:
        """A text without our key and webhook secret, should a shop repeat them."""
        for secret in self._secrets:
            text = text.replace(secret, "[hidden]")
        return text

    async def _call(
        self, action: str, method: str, path: str, content: dict[str, Any], *, urgent: bool
    ) -> Answer:
        """One exchange, repeated while the host says "not now"; raises what any other refusal means."""
        waited = 0.0
        for turn in count():
            started, response = await self._exchange(action, method, path, content, urgent=urgent)
            if response.is_success:
                return self._good(action, response, started)
            if response.status_code in STRUGGLING or response.status_code >= 500:
                self.gate.struggled(started)
            pause = self._pause(response, turn)
            if pause is None or waited + pause > WAIT_MAX_SECONDS:
                break
            self.gate.silence(pause)
            waited += pause
        raise refusal(self.name, action, response, self.clean)

    async def _exchange(
        self, action: str, method: str, path: str, content: dict[str, Any], *, urgent: bool
    ) -> tuple[float, httpx.Response]:
        async with self.gate.place(urgent=urgent):
            started = self._clock()
            request = self._client.build_request(method, path, **content)
            self._meter.reads += method == "GET"
            self._meter.writes += method == "POST"
            try:
                return started, await send(self._client, self.name, action, request)
            except ChannelError:
                self.gate.struggled(started)
                raise

    def _pause(self, response: httpx.Response, turn: int) -> float | None:
        """Seconds to wait before the same call again: for a 429, and for a 503 that says until when.

        Longer each time even where the answer asks for less, so that the turns are bounded.
        """
        asked = retry_after(response)
        throttled = response.status_code == 429
        self._meter.throttled += throttled
        if not throttled and not (response.status_code == 503 and asked is not None):
            return None
        return max(asked or 0.0, min(PAUSE_START_SECONDS * 2.0**turn, PAUSE_MAX_SECONDS))

    def _good(self, action: str, response: httpx.Response, started: float) -> Answer:
        """Decode an answer that is said to be good; a challenge page or a PHP notice arrives with a 200, too."""
        seconds = self._clock() - started
        try:
            body = orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            self.gate.struggled(started)
            raise SameKeyRetry(
                self.name,
                action,
                f"the answer is not JSON ({kind_of(response)}): {words_of(self.clean(response.text))!r}",
                status=response.status_code,
                advice="A firewall's challenge page, a cache, or PHP notices in the output (WP_DEBUG_DISPLAY off).",
            ) from error
        self.gate.answered(seconds)
        return Answer(body, response.headers, seconds)


def safe_root(base_url: str) -> str:
    """The site root without a trailing slash; raises ValueError where the key would travel in the clear.

    Over plain http WooCommerce wants OAuth 1.0a, and a shop without TLS is not worth it: only a loopback
    address (the sandbox) may do without.
    """
    url = httpx.URL(base_url)
    if url.userinfo or url.query or url.fragment or not url.host:
        raise ValueError(
            "A WooCommerce base_url is the site root alone, like https://shop.example: no key, no query."
        )
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.host)):
        raise ValueError(
            f"WooCommerce at {url.scheme}://{url.host} would send the key unencrypted: give the https address. "
            "Plain http is taken for loopback addresses only."
        )
    return str(url).rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
