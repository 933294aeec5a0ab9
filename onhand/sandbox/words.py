"""How a platform words its failures: what `<platform>/failing.py` keeps to."""

from html import escape
from typing import Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

REASONS = {
    200: "Just a moment...",
    403: "403 Forbidden",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}


class Words(Protocol):
    """One platform's own answers when something is wrong. `falls_forward`: whether it serves another API version
    in the stead of a retired one."""

    falls_forward: bool

    async def is_write(self, request: Request) -> bool:
        """Whether a call would change something."""
        ...

    def throttled(self, request: Request, retry_after_seconds: float | None, *, as_http: bool) -> Response:
        """Too many calls."""
        ...

    def server_error(self, request: Request, status: int) -> Response:
        """Something broke on their side; JSON."""
        ...

    def html_page(self, request: Request, status: int) -> Response:
        """A page for people where JSON belongs."""
        ...

    def revoked(self, request: Request, status: int) -> Response:
        """Nobody is let in."""
        ...

    def retired(self, request: Request, answer: Response | None) -> Response:
        """The API version is no more. `answer`: what the version served in its stead says, None where none is."""
        ...


def page(status: int, server: str) -> Response:
    """A page as web servers and firewalls make them."""
    reason = escape(REASONS[status])
    return HTMLResponse(
        f"<!DOCTYPE html>\n<html><head><title>{reason}</title></head>\n<body><center><h1>{reason}</h1></center>"
        f"<hr><center>{escape(server)}</center></body></html>\n",
        status,
    )
