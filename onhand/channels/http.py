"""One HTTP exchange with a channel: bounded in time and size, network failures sorted, nothing secret in errors."""

from collections.abc import Mapping
from typing import Any

import httpx
import orjson

from onhand.channels.errors import ChannelDown, SameKeyRetry

CONNECT_TIMEOUT_SECONDS = 5.0
ANSWER_TIMEOUT_SECONDS = 60.0
USER_AGENT = "Onhand/1 (+stock sync)"


def make_client(
    base_url: str,
    headers: Mapping[str, str],
    *,
    connections: int,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """A client for one channel account. `connections` bounds what is open at once; tests give a `transport`."""
    return httpx.AsyncClient(
        base_url=base_url,
        headers={"User-Agent": USER_AGENT, "Accept": "application/json", **headers},
        timeout=httpx.Timeout(ANSWER_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        follow_redirects=False,
        trust_env=False,
        transport=transport,
    )


async def send(
    client: httpx.AsyncClient, channel: str, action: str, request: httpx.Request
) -> httpx.Response:
    """Send and read the whole answer; raises ChannelDown when nobody was reached, SameKeyRetry when in doubt."""
    try:
        return await client.send(request)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise ChannelDown(
            channel,
            action,
            f"no connection to {request.url.host}: {error!r}",
            advice="Check the address, the network and the platform's status page.",
        ) from error
    except httpx.TransportError as error:
        raise SameKeyRetry(channel, action, f"the answer did not arrive: {error!r}") from error


def json_body(response: httpx.Response, channel: str, action: str) -> Any:
    """The decoded body; a page of HTML or cut JSON where JSON belongs raises SameKeyRetry."""
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        kind = response.headers.get("content-type", "no content type")
        raise SameKeyRetry(
            channel,
            action,
            f"the answer is not JSON ({kind}): {response.text[:200]!r}",
            status=response.status_code,
        ) from error
