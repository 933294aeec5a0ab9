"""The shapes of v3 answers: JSON, errors and pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.responses import Response

ERROR_TYPE = "https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes"

JSON = "application/json"

Json = dict[str, Any]


class Refused(Exception):
    """A request the store does not accept; `title` and `errors` become its error body."""

    def __init__(self, status: int, title: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.errors = dict(errors or {})

    def response(self, version: int = 3) -> Response:
        """The documented error shape; v2's is a list of messages."""
        if version == 2:
            said = "; ".join([self.title, *(f"{name} {text}" for name, text in self.errors.items())])
            return Response(
                orjson.dumps([{"status": self.status, "message": said}]), self.status, media_type=JSON
            )
        body = {"status": self.status, "title": self.title, "type": ERROR_TYPE, "errors": self.errors}
        return Response(orjson.dumps(body), self.status, media_type="application/problem+json")


def invalid(field: str, text: str) -> Refused:
    """A 422 over one field."""
    return Refused(422, "Payload contains invalid fields", {field: text})


def json_response(body: Json) -> Response:
    """A 200."""
    return Response(orjson.dumps(body), media_type=JSON)


def list_response(rows: list[Json]) -> Response:
    """A list of v2, which says "none" by 204 without a body."""
    return Response(orjson.dumps(rows), media_type=JSON) if rows else Response(status_code=204)


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page of how many per page was asked for."""

    page: int
    limit: int

    @property
    def slice(self) -> slice:
        """The page's part of a whole list."""
        return slice((self.page - 1) * self.limit, self.page * self.limit)

    def meta(self, total: int, count: int) -> Json:
        """The `meta` of a page of `count` among `total`."""
        pages = -(-total // self.limit)
        links = {"current": f"?page={self.page}&limit={self.limit}"}
        if self.page < pages:
            links["next"] = f"?page={self.page + 1}&limit={self.limit}"
        pagination = {
            "total": total,
            "count": count,
            "per_page": self.limit,
            "current_page": self.page,
            "total_pages": pages,
            "links": links,
        }
        return {"pagination": pagination}


def paging(query: QueryParams, *, limit_max: int, limit_default: int) -> Paging:
    """The page asked for. More than the maximum is refused, where the platform may cut it silently."""
    page = _natural(query.get("page", "1"), "page")
    limit = _natural(query.get("limit", str(limit_default)), "limit")
    if limit > limit_max:
        raise invalid("limit", f"must not be greater than {limit_max}")
    return Paging(page, limit)


def numbers(query: QueryParams, name: str) -> set[int] | None:
    """The ids of a filter such as `variant_id:in`; None where it is not used."""
    text = query.get(name)
    if text is None:
        return None
    try:
        return {int(number) for number in text.split(",")}
    except ValueError:
        raise invalid(name, "must be comma-separated integers") from None


def _natural(text: str, name: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise invalid(name, "must be a positive integer")
    return int(text)
