"""What an answer that is none is told as."""

import asyncio

import httpx
import pytest

from onhand.channels import http
from onhand.channels.errors import ChannelDown, SameKeyRetry

GATEWAY = (
    "<!DOCTYPE html>\n<html><head><title>502\n Bad Gateway</title></head><body><h1>Sorry</h1></body></html>"
)


@pytest.mark.parametrize(
    ("text", "page", "words"),
    [
        (GATEWAY, True, "502 Bad Gateway"),
        ("<h1>Something went wrong</h1>", True, "Something went wrong"),
        ("<h1><b>Server</b><br>Error &amp; more</h1>", True, "Server Error & more"),
        ("<html>Just a moment...</html>", True, "Just a moment..."),
        ("  <HTML><BODY><H1 class=x>503</H1></BODY></HTML>", True, "503"),
        ('{"errors": "<p>not a page</p>"}', False, '{"errors": "<p>not a page</p>"}'),
        ("plain\n  words", False, "plain words"),
        ("x" * 1_000, False, "x" * 300),
        ("", False, ""),
    ],
)
def test_a_body_in_words(text: str, page: bool, words: str) -> None:
    """Goal: of a page its title or heading; of anything else its text, on one line, as long as is worth repeating."""
    assert (http.is_page(text), http.words_of(text)) == (page, words)


async def test_an_exchange_ends_in_time_however_it_is_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: an answer that never ends is given up, and nobody knows whether it was applied."""

    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        return httpx.Response(200)

    monkeypatch.setattr(http, "EXCHANGE_SECONDS_MAX", 0.05)
    client = http.make_client("https://shop.test", {}, connections=1, transport=httpx.MockTransport(never))
    with pytest.raises(SameKeyRetry) as failure:
        await http.send(client, "shop", "set 2 levels", client.build_request("GET", "/"))
    assert failure.value.sentence == "shop: set 2 levels failed: the answer was not complete after 0.05 s."
    await client.aclose()


async def test_a_cancelled_caller_is_no_slow_answer() -> None:
    """Goal: the limit's own time-out is told from a caller's: that one goes on up."""

    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        return httpx.Response(200)

    client = http.make_client("https://shop.test", {}, connections=1, transport=httpx.MockTransport(never))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await http.send(client, "shop", "wait", client.build_request("GET", "/"))
    await client.aclose()


async def test_nobody_there_is_no_doubt() -> None:
    """Goal: without a connection nothing was applied."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    client = http.make_client("https://shop.test", {}, connections=1, transport=httpx.MockTransport(refuse))
    with pytest.raises(ChannelDown, match=r"no connection to shop\.test"):
        await http.send(client, "shop", "wait", client.build_request("GET", "/"))
    await client.aclose()
