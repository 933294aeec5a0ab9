"""WordPress' error shape, and the errors a wc/v3 endpoint answers with."""

from typing import Any

import orjson
from starlette.responses import HTMLResponse, Response

JSON_TYPE = "application/json; charset=UTF-8"


class Problem(Exception):
    """A WP_Error: `code` and `message` for programs and people, and the HTTP `status`."""

    def __init__(self, code: str, message: str, status: int, **data: Any) -> None:
        self.code = code
        self.message = message
        self.status = status
        self.data = {"status": status, **data}
        super().__init__(f"{code}: {message}")

    def body(self) -> dict[str, Any]:
        """As it stands in an answer, or in an entry of a batch."""
        return {"code": self.code, "message": self.message, "data": self.data}


def json_answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer as WordPress sends it."""
    return Response(orjson.dumps(body), status, headers, JSON_TYPE)


def no_route() -> Problem:
    """What WordPress says where nothing is registered."""
    return Problem("rest_no_route", "No route was found matching the URL and request method.", 404)


def invalid_id(kind: str) -> Problem:
    """A write to an id that is not there. `kind`: "product" or "product_variation". The status is 400, not 404."""
    return Problem(f"woocommerce_rest_{kind}_invalid_id", "Invalid ID.", 400)


def invalid_param(name: str, reason: str) -> Problem:
    """A parameter WordPress' schema check does not let pass."""
    return Problem("rest_invalid_param", f"Invalid parameter(s): {name}", 400, params={name: reason})


def unauthenticated(message: str) -> Problem:
    """A key that is unknown, wrong or not allowed to do this."""
    return Problem("woocommerce_rest_authentication_error", message, 401)


def overloaded() -> Response:
    """The web server's own page when no PHP process comes free."""
    return HTMLResponse("<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>", 503)


def too_many() -> Response:
    """A host's rate limiter; no Retry-After, as with many hosts."""
    return HTMLResponse("<html><body><h1>429 Too Many Requests</h1></body></html>", 429)
