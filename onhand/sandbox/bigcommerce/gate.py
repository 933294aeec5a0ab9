"""What stands before every path: address length, token, store, quota window, scope."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from onhand.sandbox.bigcommerce.options import BigCommerceOptions
from onhand.sandbox.bigcommerce.replies import Refused
from onhand.sandbox.traffic import Traffic

Handler = Callable[[Request], Awaitable[Response]]

READ_ONLY = "_read_only"
NO_SCOPE = "You don't have a required scope to access the endpoint"


class Window:
    """A fixed window of requests that begins with the first request after the last one ended."""

    def __init__(self, quota: int, seconds: float, clock: Callable[[], float]) -> None:
        self._quota = quota
        self._seconds = seconds
        self._clock = clock
        self._used = 0
        self._ends_at = clock()

    def take(self) -> bool:
        """Use one request of the window; False where none is left."""
        now = self._clock()
        if now >= self._ends_at:
            self._used, self._ends_at = 0, now + self._seconds
        if self._used >= self._quota:
            return False
        self._used += 1
        return True

    def headers(self) -> dict[str, str]:
        """The window as each answer tells it."""
        reset_ms = max(0.0, self._ends_at - self._clock()) * 1000
        return {
            "X-Rate-Limit-Requests-Quota": str(self._quota),
            "X-Rate-Limit-Requests-Left": str(self._quota - self._used),
            "X-Rate-Limit-Time-Window-Ms": str(round(self._seconds * 1000)),
            "X-Rate-Limit-Time-Reset-Ms": str(-int(-reset_ms // 1)),
        }


class Gate:
    """Lets requests of one store through to their handlers, or refuses them in the platform's shape."""

    def __init__(self, options: BigCommerceOptions, traffic: Traffic) -> None:
        self._options = options
        self._traffic = traffic
        self._window = Window(options.quota, options.window_seconds, options.clock)

    def before(self, operation: str, scope: str, handler: Handler, *, version: int = 3) -> Handler:
        """The handler behind the gate; `operation` is its name in the counts, `scope` empty where none is needed."""

        async def handle(request: Request) -> Response:
            try:
                self._admit(request)
                if self._options.limits and not self._window.take():
                    self._traffic.throttled[operation] += 1
                    raise Refused(429, "Too many requests: the store's quota for this window is used up")
                self._traffic.calls[operation] += 1
                if not self._granted(scope):
                    raise Refused(403, NO_SCOPE)
                response = await handler(request)
            except Refused as refused:
                self._traffic.rejected[operation] += refused.status != 429
                response = refused.response(version)
            if self._options.limits:
                response.headers.update(self._window.headers())
            return response

        return self._traffic.guarded(handle)

    def _admit(self, request: Request) -> None:
        if len(request.url.path) + len(request.url.query) + 1 > self._options.url_max_chars:
            raise Refused(414, "Request-URI Too Long")
        accept = request.headers.get("accept", "")
        if "application/json" not in accept:
            raise Refused(406, "Not Acceptable: this endpoint answers application/json")
        if request.headers.get("x-auth-token") != self._options.access_token:
            raise Refused(401, "X-Auth-Token header is required and must be a valid access token")
        if request.path_params["store"] != self._options.store_hash:
            raise Refused(404, "The requested store could not be found")

    def _granted(self, scope: str) -> bool:
        scopes = self._options.scopes
        return not scope or scope in scopes or scope.removesuffix(READ_ONLY) in scopes
