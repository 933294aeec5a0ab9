"""The addresses of the login: the form, where it leads, and the way out."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from onhand.web import api, login
from onhand.web.bodies import headers_of, read_body
from onhand.web.gate import Gate

router = APIRouter(include_in_schema=False)


@router.get("/login")
async def form(request: Request) -> Response:
    """Where a token is given; or who is logged in."""
    known = login.logged_in(_gate(request).clients, headers_of(request.scope))
    return login.form_page() if known is None else login.known_page(known)


@router.post("/login")
async def log_in(request: Request) -> Response:
    """Where the form leads."""
    given = await read_body(headers_of(request.scope), request.receive, bytes_max=login.FORM_BYTES_MAX)
    settings = api.settings_of(request)
    secure = request.url.scheme == "https" or settings.web.public_url.startswith("https:")
    return login.log_in(_gate(request).clients, given, secure=secure)


@router.post("/logout")
async def log_out() -> Response:
    """The end of a login in this browser."""
    return login.log_out()


def _gate(request: Request) -> Gate:
    found: Gate = request.app.state.gate
    return found
