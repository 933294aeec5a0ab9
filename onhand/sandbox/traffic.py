"""What one sandbox platform was asked, and the seam where faults are put between a caller and the shop."""

from collections import Counter
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

Hook = Callable[[Request], Awaitable[Response | None]]
"""Consulted before a request is handled. None lets it pass; a response answers in the platform's stead.

A hook may also sleep (a slow answer) or raise (a dropped connection).
"""

Handler = Callable[[Request], Awaitable[Response]]

Around = Callable[[Request, Handler], Awaitable[Response]]
"""Stands between a caller and the handler: may answer in its stead, spoil its answer, or cut the connection."""


class Traffic:
    """Counts of the calls to one platform by operation name, and the hooks that come first.

    `calls` counts every operation handled, `throttled` those refused by a limit, `rejected` those
    refused for another reason (credentials, malformed, a row the shop refuses).
    """

    def __init__(self, platform: str) -> None:
        self.platform = platform
        self.calls: Counter[str] = Counter()
        self.throttled: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.hooks: list[Hook] = []
        self.around: Around | None = None

    def guarded(self, handler: Handler) -> Handler:
        """The handler with the hooks before it: the first hook that answers wins, in the order of the list. What
        stands `around` it comes next."""

        async def handle(request: Request) -> Response:
            for hook in tuple(self.hooks):
                if (answer := await hook(request)) is not None:
                    return answer
            return await (handler(request) if self.around is None else self.around(request, handler))

        return handle

    def stats(self) -> dict[str, dict[str, int]]:
        """The counts as plain JSON data."""
        return {
            "calls": dict(self.calls),
            "throttled": dict(self.throttled),
            "rejected": dict(self.rejected),
        }

    def clear(self) -> None:
        """Forget the counts. Hooks stay: a fault ends when whoever planned it says so."""
        for counts in (self.calls, self.throttled, self.rejected):
            counts.clear()
