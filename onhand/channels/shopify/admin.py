"""One GraphQL call to a shop: paced by its cost reports, with a token that can be renewed, its failures sorted."""

import asyncio
import time
from collections.abc import AsyncGenerator
from itertools import count
from typing import Any, Final

import httpx
import orjson

from onhand.channels.base import Meter
from onhand.channels.errors import ChannelError, SameKeyRetry
from onhand.channels.http import EXCHANGE_SECONDS_MAX, json_body, make_client, send
from onhand.channels.pacing import BucketState, Clock, CostBucket, Sleep
from onhand.channels.shopify import verdicts
from onhand.channels.shopify.documents import Operation
from onhand.channels.shopify.tokens import TokenProvider

CONNECTIONS_MAX = 16
"""Room for a full sync (writes and reads) and for the sales that go before it."""
CALLS_AT_ONCE = 4
"""Calls of one kind under way at the same time; the shop's budget usually allows fewer."""
THROTTLED_ATTEMPTS_MAX = 6
THROTTLED_WAIT_SECONDS_MIN = 1.0
WAIT_MAX_SECONDS = 60.0
"""Seconds one call waits in all where the shop says how long (Retry-After); then whoever called decides, as after the
last attempt."""
STANDARD_PLAN: Final = BucketState(maximum=2_000, available=2_000, per_second=100)
"""Believed until the first answer: the standard plan's bucket, full."""

Json = dict[str, Any]


class Admin:
    """The GraphQL Admin API of one shop. Safe for concurrent use in one event loop."""

    def __init__(
        self,
        channel: str,
        base_url: str,
        api_version: str,
        token: TokenProvider,
        *,
        meter: Meter,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.channel = channel
        self.api_version = api_version
        self.served_version = ""
        """The version that answered last; another than asked for means ours was retired."""
        self.shop = f"{httpx.URL(base_url).host}{httpx.URL(base_url).path}"
        self.sleep = sleep
        self._path = f"/admin/api/{api_version}/graphql.json"
        self._token = token
        self._meter = meter
        self._client = make_client(
            base_url, {"Content-Type": "application/json"}, connections=CONNECTIONS_MAX, transport=transport
        )
        self._bucket = CostBucket(meter, STANDARD_PLAN, clock=clock, sleep=sleep)
        self._points: dict[tuple[str, int], float] = {}
        """What the shop asked for each operation and size, to reserve the same the next time."""
        self._last_token = ""

    async def run(
        self, operation: Operation, variables: Json, action: str, *, units: int = 1, urgent: bool = False
    ) -> Json:
        """The answer's `data`. `units` scales the expected cost (ids asked for); `action` says in an error what
        was attempted. Waits for the shop's budget, before calls that are not `urgent`; throttled nevertheless,
        sends the very same again.
        """
        body = orjson.dumps({"query": operation.text, "variables": variables})
        waited = 0.0
        for attempt in count(1):
            response, answer = await self._paced(operation, body, action, units, urgent)
            if not _throttled(response, answer):
                return self._data(response, answer, action)
            self._meter.throttled += 1
            # At least a second, as the platform asks; points that come meanwhile are not lost.
            seconds = max(verdicts.retry_after(response) or 0.0, THROTTLED_WAIT_SECONDS_MIN)
            if attempt == THROTTLED_ATTEMPTS_MAX or waited + seconds > WAIT_MAX_SECONDS:
                break
            waited += seconds
            self._meter.waited_seconds += seconds
            await self.sleep(seconds)
        verdict = verdicts.of_code(verdicts.THROTTLED_CODE)
        raise self._error(verdict, action, f"throttled {attempt} times in a row", response)

    async def lines(self, url: str, action: str) -> AsyncGenerator[str, None]:
        """The lines of a file that the shop has put down somewhere, as they come. The address is the key to it: our
        token stays at home, and the address out of every error. Raises SameKeyRetry where it does not arrive whole."""
        self._meter.reads += 1
        try:
            async with self._client.stream("GET", url) as response:
                if response.status_code != 200:
                    said = "the file was refused"
                    raise SameKeyRetry(self.channel, action, said, status=response.status_code)
                lines = response.aiter_lines()
                while True:
                    async with asyncio.timeout(EXCHANGE_SECONDS_MAX):
                        line = await anext(lines, None)
                    if line is None:
                        return
                    yield line
        except (httpx.TransportError, TimeoutError) as error:
            said = f"the file did not arrive whole: {type(error).__name__}"
            raise SameKeyRetry(self.channel, action, said) from error

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.aclose()
        await self._token.aclose()

    async def _paced(
        self, operation: Operation, body: bytes, action: str, units: int, urgent: bool
    ) -> tuple[httpx.Response, Json | None]:
        size = (operation.name, units)
        reserved = self._points.get(size, operation.points * units)
        await self._bucket.reserve(reserved, urgent=urgent)
        try:
            response = await self._send(operation, body, action)
            answer = self._decoded(response, action)
        except BaseException:
            self._bucket.settle(reserved, None, None)
            raise
        cost = ((answer or {}).get("extensions") or {}).get("cost") or {}
        if cost:
            self._points[size] = float(cost["requestedQueryCost"])
        state = self._bucket_state(cost)
        if _throttled(response, answer):
            self._bucket.refused(reserved, state)
        else:
            self._bucket.settle(reserved, cost.get("actualQueryCost"), state)
        return response, answer

    def _bucket_state(self, cost: Json) -> BucketState | None:
        status = cost.get("throttleStatus")
        if status is None:
            return None
        self._meter.remaining["points"] = float(status["currentlyAvailable"])
        return BucketState(
            maximum=float(status["maximumAvailable"]),
            available=float(status["currentlyAvailable"]),
            per_second=float(status["restoreRate"]),
        )

    async def _send(self, operation: Operation, body: bytes, action: str) -> httpx.Response:
        token = await self._token()
        response = await self._post(operation, body, action, token)
        if response.status_code == 401 and (renewed := await self._token(refused=token)) != token:
            response = await self._post(operation, body, action, renewed)
        return response

    async def _post(self, operation: Operation, body: bytes, action: str, token: str) -> httpx.Response:
        if operation.writes:
            self._meter.writes += 1
        else:
            self._meter.reads += 1
        self._last_token = token
        headers = {"X-Shopify-Access-Token": token}
        request = self._client.build_request("POST", self._path, content=body, headers=headers)
        response = await send(self._client, self.channel, action, request)
        self.served_version = response.headers.get("x-shopify-api-version", "")
        return response

    def _decoded(self, response: httpx.Response, action: str) -> Json | None:
        """The body of an answer that is one; None where the status alone decides."""
        if response.status_code != 200:
            return None
        answer = json_body(response, self.channel, action)
        return answer if isinstance(answer, dict) else {"errors": "the answer is not a JSON object"}

    def _data(self, response: httpx.Response, answer: Json | None, action: str) -> Json:
        verdict = verdicts.of_response(response)
        if verdict is not None or answer is None:
            said = verdicts.said_by(response)
            raise self._error(verdict or verdicts.of_code(""), action, said, response)
        if errors := answer.get("errors"):
            known = [code for code in verdicts.error_codes(errors) if code in verdicts.CODES]
            verdict = verdicts.of_code(known[0] if known else "")
            raise self._error(verdict, action, verdicts.error_text(errors), response)
        data: Json = answer["data"]
        return data

    def _error(
        self, verdict: verdicts.Verdict, action: str, said: str, response: httpx.Response
    ) -> ChannelError:
        said = said.replace(self._last_token, "***") if self._last_token else said
        number = response.headers.get("x-request-id")
        return verdict.error(
            self.channel,
            action,
            f"{said} (request {number})" if number else said,
            advice=verdict.advice,
            status=response.status_code if response.status_code != 200 else None,
            retry_after_seconds=verdicts.retry_after(response) or verdict.retry_after_seconds,
        )


def _throttled(response: httpx.Response, answer: Json | None) -> bool:
    """Whether the call was refused for want of points; usually HTTP 200, by some accounts 429."""
    if response.status_code == 429:
        return True
    codes = verdicts.error_codes((answer or {}).get("errors") or [])
    return verdicts.THROTTLED_CODE in codes
