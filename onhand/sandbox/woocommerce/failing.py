"""How a WooCommerce shop fails (apis/woocommerce.md, sections 3 and 5): by PHP, the host, or whatever stands before."""

import math

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from onhand.sandbox.woocommerce.problems import Problem, json_answer, no_route, unauthenticated
from onhand.sandbox.words import Words, page

FATAL = "<p>There has been a critical error on this website.</p>"


def words() -> Words:
    """How this shop words its failures."""
    return WooWords()


class WooWords:
    """The words of one shop."""

    falls_forward = False

    async def is_write(self, request: Request) -> bool:
        """Whatever is not a GET."""
        return request.method not in ("GET", "HEAD")

    def throttled(self, request: Request, retry_after_seconds: float | None, *, as_http: bool) -> Response:
        """The host's page, mostly without a Retry-After, which counts whole seconds."""
        headers = {} if retry_after_seconds is None else {"Retry-After": str(math.ceil(retry_after_seconds))}
        return HTMLResponse("<html><body><h1>429 Too Many Requests</h1></body></html>", 429, headers)

    def server_error(self, request: Request, status: int) -> Response:
        """WordPress' account of a PHP fatal error."""
        return _problem(Problem("internal_server_error", FATAL, 500 if status == 200 else status))

    def html_page(self, request: Request, status: int) -> Response:
        """The web server's page, or a firewall's."""
        return page(status, "nginx")

    def revoked(self, request: Request, status: int) -> Response:
        """The key was revoked, or its user may no longer do this."""
        if status == 401:
            return _problem(unauthenticated("Consumer key is invalid."))
        code = f"woocommerce_rest_cannot_{'view' if request.method == 'GET' else 'batch'}"
        return _problem(Problem(code, "Sorry, you are not allowed to do this.", 403))

    def retired(self, request: Request, answer: Response | None) -> Response:
        """wc/v3 is not registered (any more, or because the plugin is off)."""
        return _problem(no_route())


def _problem(problem: Problem) -> Response:
    return json_answer(problem.body(), problem.status)
