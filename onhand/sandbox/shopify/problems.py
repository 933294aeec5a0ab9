"""The shapes in which the GraphQL Admin API says no at the top level of an answer."""

from typing import Any

BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"


class Problem(Exception):
    """A top-level error: the message, the platform's code, and whatever else the platform puts beside it.

    `fatal` errors leave the answer without `data`; others belong to one root field, which becomes null.
    """

    def __init__(self, message: str, code: str, *, fatal: bool = True, **extensions: Any) -> None:
        self.code = code
        self.fatal = fatal
        self.extensions = extensions
        super().__init__(message)

    def error(self, path: list[str] | None = None) -> dict[str, Any]:
        """The entry of `errors`."""
        entry: dict[str, Any] = {
            "message": str(self),
            "locations": [{"line": 1, "column": 1}],
            "extensions": {"code": self.code, **self.extensions},
        }
        return entry if path is None else {**entry, "path": path}


def invalid_variable(variable: str, kind: str, path: list[str | int], explanation: str) -> Problem:
    """A variable that does not fit its declared type."""
    where = ".".join(str(step) for step in path)
    return Problem(
        f"Variable ${variable} of type {kind} was provided invalid value for {where} ({explanation})",
        "INVALID_VARIABLE",
        problems=[{"path": path, "explanation": explanation}],
    )
