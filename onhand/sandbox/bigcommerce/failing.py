"""How a BigCommerce store fails (apis/bigcommerce.md, sections 3 and 6)."""

import math

from starlette.requests import Request
from starlette.responses import Response

from onhand.sandbox.bigcommerce.options import BigCommerceOptions
from onhand.sandbox.bigcommerce.replies import Refused
from onhand.sandbox.words import REASONS, Words, page


def words(options: BigCommerceOptions) -> Words:
    """How this shop words its failures."""
    return BigCommerceWords(options)


class BigCommerceWords:
    """The words of one store."""

    falls_forward = False

    def __init__(self, options: BigCommerceOptions) -> None:
        self._options = options

    async def is_write(self, request: Request) -> bool:
        """Whatever is not a GET."""
        return request.method not in ("GET", "HEAD")

    def throttled(self, request: Request, retry_after_seconds: float | None, *, as_http: bool) -> Response:
        """The window is used up; without a word on it, the platform itself has too much to do."""
        response = _refused(request, 429, "Too many requests")
        if retry_after_seconds is not None:
            response.headers.update(
                {
                    "X-Rate-Limit-Requests-Quota": str(self._options.quota),
                    "X-Rate-Limit-Requests-Left": "0",
                    "X-Rate-Limit-Time-Window-Ms": str(round(self._options.window_seconds * 1_000)),
                    "X-Rate-Limit-Time-Reset-Ms": str(math.ceil(retry_after_seconds * 1_000)),
                    "X-Retry-After": str(math.ceil(retry_after_seconds)),
                }
            )
        return response

    def server_error(self, request: Request, status: int) -> Response:
        """Its error shape."""
        status = 500 if status == 200 else status
        return _refused(request, status, REASONS.get(status, "500 Internal Server Error")[4:])

    def html_page(self, request: Request, status: int) -> Response:
        """A page of the store's, in maintenance, or of what stands before it."""
        return page(status, "bigcommerce")

    def revoked(self, request: Request, status: int) -> Response:
        """The API account was deleted, or may do nothing any more."""
        if status == 401:
            return _refused(request, 401, "Unauthorized: the access token is not valid for this store")
        return _refused(request, 403, "You don't have a required scope to access the endpoint")

    def retired(self, request: Request, answer: Response | None) -> Response:
        """The path is no more. Its versions carry no date, so the platform documents no other way."""
        return _refused(request, 404, "The requested resource was not found.")


def _refused(request: Request, status: int, title: str) -> Response:
    return Refused(status, title).response(2 if "/v2/" in request.url.path else 3)
