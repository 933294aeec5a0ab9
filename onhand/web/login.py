"""The login of the pages: a client's token, once, for a cookie that no script sees and no other site can use.

The cookie is signed with a key made of the very token that was given, so nothing is kept here: it holds in every
process of the app and after a restart, and it ends with its time or with the token.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.responses import RedirectResponse, Response

from onhand.channels.inbound import signed_by_any
from onhand.settings import Scope
from onhand.web.clients import Caller, Client, Clients
from onhand.web.html import tag
from onhand.web.pages import page

COOKIE = "onhand_login"
LOGIN_SECONDS = 12 * 3_600
FORM_BYTES_MAX = 4_096
_CONTEXT = b"onhand login\n"


def logged_in(clients: Clients, headers: Mapping[str, str]) -> Caller | None:
    """Whose login the request's cookie proves, if anybody's."""
    try:
        given = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    if given is None:
        return None
    name, _, rest = given.value.partition(".")
    until, _, signature = rest.partition(".")
    client = clients.named(name)
    if client is None or not until.isdigit() or int(until) < time.time():
        return None
    expected = [_signature(digest, name, until).encode() for digest in client.token_digests]
    return client.caller if signed_by_any(signature.encode(), expected) else None


def log_in(clients: Clients, form: bytes, *, secure: bool) -> Response:
    """The answer to a filled-in form: the overview with a cookie, or the form again. `secure`: reached by https."""
    token = parse_qs(form.decode("latin-1")).get("token", [""])[0].strip()
    client = clients.holder_of(token)
    if client is None:
        return form_page("This token is nobody's.", status=401)
    if Scope.READ not in client.caller.scopes:
        return form_page("This token's client lacks the scope read.", status=403)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        COOKIE,
        _value(client, token),
        max_age=LOGIN_SECONDS,
        httponly=True,
        samesite="strict",
        secure=secure,
    )
    return answer


def log_out() -> Response:
    """Back to the form, without the cookie."""
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def to_login() -> Response:
    """Where a person without a login is sent."""
    return RedirectResponse("/login", 303)


def form_page(problem: str = "", *, status: int = 200) -> Response:
    """The form."""
    field = tag(
        "input",
        name="token",
        type="password",
        required="",
        autocomplete="current-password",
        aria_label="Token",
    )
    return page(
        "Log in",
        tag("h1", "Log in"),
        tag("p", problem, class_="bad") if problem else None,
        tag("p", "The token of a client with the scope read, as configured in [clients].", class_="soft"),
        tag("form", field, " ", tag("button", "Log in"), method="post", action="/login"),
        status=status,
    )


def known_page(caller: Caller) -> Response:
    """Who is logged in, and the way out."""
    return page(
        "Logged in",
        tag("h1", "Logged in"),
        tag("p", f"as {caller.name}; it ends after {LOGIN_SECONDS // 3_600} hours.", class_="soft"),
        tag("form", tag("button", "Log out"), method="post", action="/logout"),
    )


def _value(client: Client, token: str) -> str:
    name, until = client.caller.name, str(int(time.time()) + LOGIN_SECONDS)
    digest = hashlib.sha256(token.encode()).digest()
    return f"{name}.{until}.{_signature(digest, name, until)}"


def _signature(token_digest: bytes, name: str, until: str) -> str:
    message = _CONTEXT + f"{name}.{until}".encode()
    return hmac.new(token_digest, message, hashlib.sha256).hexdigest()
