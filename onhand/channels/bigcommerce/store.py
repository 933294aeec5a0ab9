"""Calls to one BigCommerce store: paced by its answers, told to stay away and obeying, errors sorted."""

import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import orjson

from onhand.channels.base import Meter
from onhand.channels.bigcommerce.sorting import REPORT, said_by, sorted_error
from onhand.channels.errors import ChannelDown, SameKeyRetry
from onhand.channels.http import json_body, make_client, send
from onhand.channels.quota import SharedQuota
from onhand.redaction import MASK

CONNECTIONS = 4
"""Open at once per store: one writer, and readers beside it (a few: the quota is shared)."""

THROTTLES_MAX = 4
"""Answers 429 to one call before it is given up, and the breaker is told: after three windows at most, which a turn of
the publisher outlasts."""

BACKOFF_FIRST_SECONDS = 1.0
BACKOFF_MAX_SECONDS = 60.0
"""Waits after a 429 that says nothing (platform load): 1, 2, 4 … seconds, no longer than this."""

WAIT_MAX_SECONDS = 60.0
"""A store that sends us away for longer (its window is 30 s) is closed to us: the breaker takes over."""

WINDOW_SECONDS = 30.0
"""The documented window, where an answer tells the quota but not when it is renewed."""

PLAIN_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")

JSON_SENT = {"Content-Type": "application/json"}

ABOUT_THE_BODY = ("content-encoding", "content-length", "transfer-encoding")


class Store:
    """One store's API: `base_url` is https://api.bigcommerce.com/stores/{hash}, or a sandbox's address."""

    def __init__(
        self,
        channel: str,
        base_url: str,
        access_token: str,
        meter: Meter,
        *,
        reserved_share: float,
        transport: httpx.AsyncBaseTransport | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.channel = channel
        self.sleep = sleep
        self._meter = meter
        self._access_token = access_token
        self._quota = SharedQuota(reserved_share=reserved_share, clock=clock, sleep=sleep)
        self._client = make_client(
            base_url, {"X-Auth-Token": access_token}, connections=CONNECTIONS, transport=transport
        )

    @property
    def path_chars(self) -> int:
        """Length of the address's own path, which stands before every call's."""
        return len(self._client.base_url.raw_path)

    async def get(self, path: str, action: str, scope: str) -> Any:
        """The JSON of a GET; `path` with its query, already in URL form. Raises ChannelError."""
        request = self._client.build_request("GET", path)
        return json_body(await self._ask(request, action, scope, ()), self.channel, action)

    async def rows(self, path: str, action: str, scope: str, *, urgent: bool = False) -> list[dict[str, Any]]:
        """The list that a GET of v2 answers, which says "none" by 204 without a body.

        Orders come this way, which are full of people: nothing of the body is ever quoted.
        """
        # v2 wants the header of calls without a body, too (OpenAPI: "List Order Products").
        request = self._client.build_request("GET", path, headers=JSON_SENT)
        response = await self._ask(request, action, scope, (), urgent=urgent)
        if response.status_code == 204:
            return []
        try:
            body = orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            said = f"the answer is not JSON ({len(response.content)} bytes)"
            raise SameKeyRetry(self.channel, action, said, status=response.status_code) from error
        if not isinstance(body, list) or not all(isinstance(each, dict) for each in body):
            raise ChannelDown(self.channel, action, "the answer is no list of objects", advice=REPORT)
        return body

    async def send(
        self,
        method: str,
        path: str,
        content: bytes,
        action: str,
        scope: str,
        refusals: tuple[int, ...],
        *,
        urgent: bool = False,
    ) -> httpx.Response:
        """The answer to a PUT, POST or DELETE: a 2xx, or a status in `refusals`, which the caller judges itself."""
        request = self._client.build_request(method, path, content=content, headers=JSON_SENT)
        return await self._ask(request, action, scope, refusals, urgent=urgent)

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def _ask(
        self,
        request: httpx.Request,
        action: str,
        scope: str,
        judged: tuple[int, ...],
        *,
        urgent: bool = False,
    ) -> httpx.Response:
        for throttles in range(THROTTLES_MAX):
            response = await self._exchange(request, action, urgent=urgent)
            if response.is_success or response.status_code in judged:
                return response
            if response.status_code != 429:
                raise sorted_error(self.channel, action, response, scope)
            self._meter.throttled += 1
            self._stay_away(response, throttles, action)
        raise SameKeyRetry(
            self.channel,
            action,
            f"throttled {THROTTLES_MAX} times in a row: {said_by(response)}",
            advice="Another app may be using up the store's quota; Onhand tries again.",
            status=429,
            retry_after_seconds=WINDOW_SECONDS,
        )

    async def _exchange(self, request: httpx.Request, action: str, *, urgent: bool) -> httpx.Response:
        self._meter.waited_seconds += await self._quota.enter(urgent=urgent)
        if request.method == "GET":
            self._meter.reads += 1
        else:
            self._meter.writes += 1
        try:
            response = await send(self._client, self.channel, action, request)
        finally:
            self._quota.leave()
        self._learn(response.headers)
        return _without(self._access_token, response)

    def _learn(self, headers: httpx.Headers) -> None:
        quota = _number(headers, "X-Rate-Limit-Requests-Quota")
        left = _number(headers, "X-Rate-Limit-Requests-Left")
        if not quota or left is None:  # enterprise plans may tell nothing: then nothing is slowed down
            return
        reset_ms = _number(headers, "X-Rate-Limit-Time-Reset-Ms")
        reset = WINDOW_SECONDS if reset_ms is None else reset_ms / 1000
        self._quota.learn(int(quota), int(left), min(reset, WAIT_MAX_SECONDS))
        self._meter.remaining = {"requests": left}

    def _stay_away(self, response: httpx.Response, throttles: int, action: str) -> None:
        seconds = _told_to_wait(response.headers)
        if not seconds:  # nothing was said, or a window that is just ending
            seconds = min(BACKOFF_FIRST_SECONDS * 2**throttles, BACKOFF_MAX_SECONDS)
        if seconds > WAIT_MAX_SECONDS:
            raise ChannelDown(
                self.channel,
                action,
                f"the quota is closed for {seconds:.0f} s: {said_by(response)}",
                advice="Onhand probes again by then; which other app uses this store's quota?",
                status=429,
                retry_after_seconds=seconds,
            )
        self._quota.block(seconds)


def _without(secret: str, response: httpx.Response) -> httpx.Response:
    """The response; where its body repeats the secret (a proxy's error page may), that is masked."""
    if secret.encode() not in response.content:
        return response
    headers = {name: text for name, text in response.headers.items() if name not in ABOUT_THE_BODY}
    content = response.content.replace(secret.encode(), MASK.encode())
    return httpx.Response(response.status_code, headers=headers, content=content, request=response.request)


def _told_to_wait(headers: httpx.Headers) -> float | None:
    reset_ms = _number(headers, "X-Rate-Limit-Time-Reset-Ms")
    if reset_ms is not None:
        return reset_ms / 1000
    told = _number(headers, "X-Retry-After")
    return _number(headers, "Retry-After") if told is None else told


def _number(headers: httpx.Headers, name: str) -> float | None:
    """A header's number, never negative; None where it is absent or no plain number (a date, "unlimited")."""
    text = headers.get(name, "")
    return float(text) if PLAIN_NUMBER.fullmatch(text) else None
