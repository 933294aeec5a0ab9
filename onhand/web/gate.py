"""The gate before every address but the few that are open: who asks, and may they?

Whatever is added to the app is behind it without a word: reading wants the scope `read`, everything else `operate`.
Open are the health of the process, the login, and two addresses that check by themselves: the webhooks, which are
signed by their channel, and /events, whose signature covers the body.
"""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from onhand.settings import Scope as Right
from onhand.settings import WebSettings
from onhand.web import errors, login, pages
from onhand.web.bodies import headers_of
from onhand.web.clients import Caller, Clients, NotAuthenticatedError
from onhand.web.errors import ApiError

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/login", "/logout"})
"""Probes know no token, and whoever logs in has none yet."""
SELF_CHECKED = ("/webhooks/", "/events")
READING = frozenset({"GET", "HEAD"})

EVERYBODY = "local"
"""The name of whoever asks where no client is configured."""

_PROXIED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "cf-connecting-ip")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # A name may lead anywhere.
        return False


class Gate:
    """Decides, for one app. Without any client the app is for this machine alone, and asks nobody there for a name."""

    def __init__(self, clients: Clients, web: WebSettings) -> None:
        self.clients = clients
        self._proxy_has_login = web.allow_unauthenticated

    def require(self, caller: Caller | None, right: Right) -> Caller:
        """The caller, who has that right. Raises ApiError (401 unknown, 403 known and not allowed)."""
        if caller is None:
            raise ApiError(
                401,
                "not_authenticated",
                "this needs a client's token",
                "Send it as 'Authorization: Bearer ...', or log in at /login. Clients are configured in [clients].",
            )
        if right not in caller.scopes:
            raise ApiError(
                403,
                "not_allowed",
                f"the client {caller.name!r} lacks the scope {right.value!r}",
                f"Add it to clients.{caller.name}.scopes, and start the app again.",
            )
        return caller

    def caller(self, headers: Mapping[str, str], body: bytes | None = None) -> Caller | None:
        """Whoever sent a request: by token, by signature where the body is given, by login. Raises ApiError."""
        if not self.clients:
            return self._anybody(headers)
        try:
            found = self.clients.by_token(headers)
            if found is None and body is not None:
                found = self.clients.by_signature(headers, body)
        except NotAuthenticatedError as error:
            raise ApiError(
                401, "not_authenticated", str(error), "Clients are configured in [clients]."
            ) from error
        return found or login.logged_in(self.clients, headers)

    def _anybody(self, headers: Mapping[str, str]) -> Caller | None:
        if self._proxy_has_login:
            return Caller(EVERYBODY, frozenset({Right.READ}))
        if _came_directly(headers):
            return Caller(EVERYBODY, frozenset(Right))
        return None


def operator_of(request: Request) -> Caller:
    """Who asks to change something. Raises ApiError."""
    gate: Gate = request.app.state.gate
    return gate.require(gate.caller(headers_of(request.scope)), Right.OPERATE)


def require_own_page(headers: Mapping[str, str]) -> None:
    """Refuse what another site made a browser send; browsers say so, and programs say nothing. Raises ApiError."""
    fetch = headers.get("sec-fetch-site")
    if fetch is not None:
        own = fetch in ("same-origin", "none")
    else:
        origin = headers.get("origin")
        own = origin is None or urlsplit(origin).netloc == headers.get("host", "")
    if not own:
        raise ApiError(403, "foreign_page", "another site asked for this", "Use the app's own pages.")


def _came_directly(headers: Mapping[str, str]) -> bool:
    """Whether this machine asks itself: under a loopback name, and through no proxy or tunnel that opened it to others.

    A page whose name was made to lead here (DNS rebinding) is told by the name it asks for.
    """
    host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
    return is_loopback(host) and not any(name in headers for name in _PROXIED)


class Guard:
    """The gate as middleware: nothing behind it is reached by whoever may not."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it here."""
        if scope["type"] == "http" and not scope["path"].startswith(SELF_CHECKED[0]):
            pages.visitor.set(self._visitor(scope))
            try:
                self._check(scope)
            except ApiError as error:
                request = Request(scope, receive)
                await self._turned_away(request, error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _visitor(self, scope: Scope) -> str | None:
        """Whom a page is shown to, where a person asks for one and there is a login."""
        headers = headers_of(scope)
        if not self._gate.clients or "text/html" not in headers.get("accept", ""):
            return None
        known = login.logged_in(self._gate.clients, headers)
        return "" if known is None else known.name

    def _check(self, scope: Scope) -> None:
        headers = headers_of(scope)
        reading = scope["method"] in READING
        if not reading:
            require_own_page(headers)
        if scope["path"] in OPEN_PATHS or scope["path"] == SELF_CHECKED[1]:
            return
        caller = self._gate.caller(headers)
        self._gate.require(caller, Right.READ if reading else Right.OPERATE)

    def _turned_away(self, request: Request, error: ApiError) -> ASGIApp:
        if error.status == 401 and self._gate.clients and errors.for_a_person(request):
            return login.to_login()
        answer = errors.answer(request, error)
        if error.status == 401:
            answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
