"""Access tokens: one that never changes, and one that an app fetches with its own credentials every day."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

import httpx

from onhand.channels.errors import CredentialsBad
from onhand.channels.http import json_body, make_client, send

GRANT_PATH = "/admin/oauth/access_token"
RENEW_BEFORE_SECONDS = 600.0
"""A granted token lives 24 hours; the next one is fetched this long before its end."""

ACTION = "fetch an access token"


class TokenProvider(Protocol):
    """Hands out the token to send. Raises CredentialsBad when there is none to be had."""

    async def __call__(self, refused: str | None = None) -> str:
        """The current token; `refused` is one that the shop did not accept, so that another is fetched."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


class StaticToken:
    """The token of a custom app made in the shop's admin (`shpat_...`), which does not expire."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def __call__(self, refused: str | None = None) -> str:
        """Always the same token: there is no other."""
        return self._token

    async def aclose(self) -> None:
        """Nothing is open."""


class ClientCredentials:
    """The client-credentials grant of an own-organisation app: a token for 24 hours, fetched again in time.

    `clock` is monotonic seconds.
    """

    def __init__(
        self,
        channel: str,
        base_url: str,
        client_id: str,
        client_secret: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._channel = channel
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
        }
        self._client = make_client(base_url, {}, connections=1, transport=transport)
        self._clock = clock
        self._token = ""
        self._renew_at = 0.0
        self._fetching = asyncio.Lock()

    async def __call__(self, refused: str | None = None) -> str:
        """The current token, fetched when there is none, when it is about to end, or when it was refused."""
        async with self._fetching:
            if not self._token or self._token == refused or self._clock() >= self._renew_at:
                await self._fetch()
            return self._token

    async def _fetch(self) -> None:
        request = self._client.build_request("POST", GRANT_PATH, data=self._form)
        response = await send(self._client, self._channel, ACTION, request)
        if 400 <= response.status_code < 500:
            raise CredentialsBad(
                self._channel,
                ACTION,
                f"the shop refused the app's client id and secret: {_error_word(response)}",
                status=response.status_code,
                advice="Check that the app is installed in this shop and that its secret was not rotated.",
            )
        granted = json_body(response, self._channel, ACTION)
        self._token = str(granted["access_token"])
        self._renew_at = self._clock() + float(granted["expires_in"]) - RENEW_BEFORE_SECONDS

    async def aclose(self) -> None:
        """Close the connection to the grant's endpoint."""
        await self._client.aclose()


def _error_word(response: httpx.Response) -> str:
    """The OAuth error code, and nothing else of the body: it may repeat what was sent."""
    try:
        body: Any = response.json()
    except ValueError:
        return "no reason given"
    return str(body.get("error", "no reason given"))[:100] if isinstance(body, dict) else "no reason given"
