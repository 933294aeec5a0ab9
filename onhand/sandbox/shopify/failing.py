"""How Shopify fails (apis/shopify.md, sections 0, 3 and 5): mostly in an HTTP 200, and rarely in one shape."""

import math

import orjson
from starlette.requests import Request
from starlette.responses import Response

from onhand.sandbox.shopify.documents import operation
from onhand.sandbox.shopify.options import ShopifyOptions
from onhand.sandbox.shopify.problems import BAD_TOKEN, Problem
from onhand.sandbox.words import Words, page

NO_SCOPE = "[API] This action requires merchant approval for the scopes the app asks for."
GUIDE = "https://shopify.dev/api/usage/rate-limits"
GRANT = "/admin/oauth/access_token"

RESERVED_POINTS = 36
LEFT_POINTS = 11
"""What a throttled call is said to cost, and what is said to be left."""


def words(options: ShopifyOptions) -> Words:
    """How this shop words its failures."""
    return ShopifyWords(options)


class ShopifyWords:
    """The words of one shop."""

    falls_forward = True

    def __init__(self, options: ShopifyOptions) -> None:
        self._options = options

    async def is_write(self, request: Request) -> bool:
        """A mutation; the grant of a token changes nothing."""
        try:
            asked = orjson.loads(await request.body())
            return operation(asked["query"], asked.get("operationName")).kind == "mutation"
        except (orjson.JSONDecodeError, KeyError, TypeError, Problem):
            return False

    def throttled(self, request: Request, retry_after_seconds: float | None, *, as_http: bool) -> Response:
        """THROTTLED in a 200, by some accounts a 429."""
        if as_http or retry_after_seconds is not None:
            said = "Exceeded the rate limit of calls to the Admin API. Reduce request rates to resume."
            headers = {} if retry_after_seconds is None else {"Retry-After": f"{retry_after_seconds:.1f}"}
            return _json({"errors": said}, 429, headers)
        extensions = {"code": "THROTTLED", "documentation": GUIDE}
        status = {
            "maximumAvailable": float(self._options.points_max),
            "currentlyAvailable": LEFT_POINTS,
            "restoreRate": float(self._options.points_per_second),
        }
        cost = {"requestedQueryCost": RESERVED_POINTS, "actualQueryCost": None, "throttleStatus": status}
        error = {"message": "Throttled", "extensions": extensions}
        return _json({"errors": [error], "extensions": {"cost": cost}}, 200)

    def server_error(self, request: Request, status: int) -> Response:
        """A status with a plain string, or INTERNAL_SERVER_ERROR in a 200."""
        if status != 200:
            return _json({"errors": "Internal Server Error"}, status)
        said = "Internal error. Looks like something went wrong on our end."
        error = {"message": said, "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": "sandbox"}}
        return _json({"errors": [error]}, 200)

    def html_page(self, request: Request, status: int) -> Response:
        """A gateway's page."""
        return page(status, "cloudflare")

    def revoked(self, request: Request, status: int) -> Response:
        """The app was uninstalled, or lost its scopes; a new token is not granted either."""
        if request.url.path.endswith(GRANT):
            return _json({"error": "app_not_installed"}, 400)
        return _json({"errors": BAD_TOKEN if status == 401 else NO_SCOPE}, status)

    def retired(self, request: Request, answer: Response | None) -> Response:
        """Falls forward to the oldest version there still is; where nothing is served, 404."""
        if answer is None:
            return _json({"errors": "Not Found"}, 404)
        if "X-Shopify-API-Version" in answer.headers:
            answer.headers["X-Shopify-API-Version"] = following(request.path_params["version"])
        return answer


def following(version: str) -> str:
    """The version of the next quarter."""
    year, _, month = version.partition("-")
    quarter = math.ceil(int(month) / 3)
    return f"{int(year) + quarter // 4}-{quarter % 4 * 3 + 1:02}"


def _json(answer: object, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(answer), status, headers, "application/json; charset=utf-8")
