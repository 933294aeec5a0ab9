"""One HTTP exchange with a channel: bounded in time, network failures sorted, nothing secret in errors."""

import asyncio
import re
from collections.abc import Mapping
from html import unescape
from typing import Any

import httpx
import orjson

from onhand.channels.errors import ChannelDown, SameKeyRetry

CONNECT_TIMEOUT_SECONDS = 5.0
ANSWER_TIMEOUT_SECONDS = 60.0
EXCHANGE_SECONDS_MAX = 90.0
"""For the whole exchange. The time-outs above begin anew with every byte, so an answer that drips would never end."""
SAID_MAX = 300
"""Characters of an answer that are worth repeating to a person."""
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
        async with asyncio.timeout(EXCHANGE_SECONDS_MAX):
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
    except TimeoutError as error:
        said = f"the answer was not complete after {EXCHANGE_SECONDS_MAX:g} s"
        advice = "The platform or the way to it is very slow; Onhand tries again."
        raise SameKeyRetry(channel, action, said, advice=advice) from error


def json_body(response: httpx.Response, channel: str, action: str) -> Any:
    """The decoded body; a page of HTML or cut JSON where JSON belongs raises SameKeyRetry."""
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        kind = kind_of(response)
        raise SameKeyRetry(
            channel,
            action,
            f"the answer is not JSON ({kind}): {words_of(response.text)!r}",
            status=response.status_code,
        ) from error


def kind_of(response: httpx.Response) -> str:
    """What an answer says it is, without its character set."""
    kind: str = response.headers.get("content-type", "no content type")
    return kind.partition(";")[0]


def without_tags(text: str) -> str:
    """A message that is marked up for a page, as plain text."""
    return unescape(_TAG.sub("", text))


def is_page(text: str) -> bool:
    """Whether a body is a page for people, as proxies, firewalls and web servers answer in a platform's stead."""
    return _PAGE.match(text) is not None


def words_of(text: str) -> str:
    """A body in words for a person, on one line: of a page its title or first heading, else its text without tags."""
    if is_page(text):
        found = _TITLE.search(text)
        text = unescape(_TAG.sub(" ", found[2] if found else text))
    return " ".join(text.split())[:SAID_MAX]


_PAGE = re.compile(r"\s*<(!doctype\s+html|html|head|body|h[1-6]|p|center)\b", re.IGNORECASE)
_TITLE = re.compile(r"<(title|h1)\b[^>]*>(.*?)</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]{0,1000}>")
