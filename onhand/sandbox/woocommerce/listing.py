"""Collections: which items a GET lists, in which order, which page of them, and which of their fields."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar

from starlette.datastructures import QueryParams

from onhand.sandbox.shop import Item, Shop
from onhand.sandbox.woocommerce.options import WooOptions
from onhand.sandbox.woocommerce.problems import invalid_param
from onhand.sandbox.woocommerce.stock import Row, managing, row_of, status_of

PER_PAGE_MAX = 100
PER_PAGE_DEFAULT = 10
ORDERS = frozenset(("date", "id", "modified", "include", "title", "slug"))
"""Orders this sandbox knows; "date" (the default) is the order of creation, as ids are."""

Keep = Callable[[Item], bool]
Listed = TypeVar("Listed")


class Catalogue:
    """A shop's items by kind, sorted by id; renewed when the catalogue changes, so that a page costs only itself."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._version = -1
        self._products: list[Item] = []
        self._variations: list[Item] = []
        self._children: dict[str, list[Item]] = {}

    def products(self) -> list[Item]:
        """Everything that is a product of its own: simple, variable, grouped, external."""
        self._renew()
        return self._products

    def variations(self, parent_id: str | None = None) -> list[Item]:
        """All variations, or one product's."""
        self._renew()
        return self._variations if parent_id is None else self._children.get(parent_id, [])

    def _renew(self) -> None:
        if self._version == self._shop.catalogue_version:
            return
        everything = sorted(self._shop.items.values(), key=lambda item: int(item.item_id))
        self._products = [item for item in everything if item.kind != "variation"]
        self._variations = [item for item in everything if item.kind == "variation"]
        self._children = {}
        for item in self._variations:
            self._children.setdefault(item.parent_id, []).append(item)
        self._version = self._shop.catalogue_version


class Page(Generic[Listed]):
    """One page of a collection: its rows, and how many there are in all."""

    def __init__(self, items: Sequence[Listed], query: QueryParams) -> None:
        self.total = len(items)
        per_page = whole_number(query, "per_page", PER_PAGE_DEFAULT, 1, PER_PAGE_MAX)
        page = whole_number(query, "page", 1, 1, None)
        start = whole_number(query, "offset", (page - 1) * per_page, 0, None)
        self.items = items[start : start + per_page]
        self.pages = -(-self.total // per_page)

    def headers(self) -> dict[str, str]:
        """The totals, as WordPress states them."""
        return {"X-WP-Total": str(self.total), "X-WP-TotalPages": str(self.pages)}


def page_of(
    items: list[Item], shop: Shop, options: WooOptions, query: QueryParams
) -> tuple[list[Row], dict[str, str]]:
    """The rows of the page a query asks for, and its headers; raises Problem where a parameter is refused."""
    page = Page(_ordered(_filtered(items, shop, options, query), query), query)
    fields = query.get("_fields")
    rows = [row_of(item, shop, options) for item in page.items]
    return (rows if fields is None else trimmed(rows, fields)), page.headers()


def trimmed(rows: Iterable[Row], fields: str) -> list[Row]:
    """`_fields`: only what was asked for."""
    names = {name.strip() for name in fields.split(",")}
    return [{name: value for name, value in row.items() if name in names} for row in rows]


def _filtered(items: list[Item], shop: Shop, options: WooOptions, query: QueryParams) -> list[Item]:
    if query.get("include"):
        items = _included(items, ids_of(query, "include"))
    for keep in _conditions(shop, options, query):
        items = [item for item in items if keep(item)]
    return items


def _included(items: list[Item], wanted: set[int]) -> list[Item]:
    """Those of the items (sorted by id) whose id is wanted: looked up, not searched for."""
    found = []
    for number in sorted(wanted):
        at = bisect_left(items, number, key=lambda item: int(item.item_id))
        if at < len(items) and int(items[at].item_id) == number:
            found.append(items[at])
    return found


def _conditions(shop: Shop, options: WooOptions, query: QueryParams) -> list[Keep]:
    conditions: list[Keep] = []
    if skus := query.get("sku"):
        names = {*skus.split(","), skus}
        conditions.append(lambda item: item.sku in names)
    if (status := query.get("status", "any")) != "any":
        conditions.append(lambda item: status_of(item) == status)
    if kind := query.get("type"):
        conditions.append(lambda item: item.kind == kind)
    if stock := query.get("stock_status"):
        conditions.append(lambda item: row_of(item, shop, options)["stock_status"] == stock)
    if "manage_stock" in query:
        wanted = query["manage_stock"] == "true"
        conditions.append(lambda item: bool(managing(item, shop, options.manage_stock_option)) is wanted)
    if after := query.get("modified_after"):
        since = seconds_of(after)
        conditions.append(lambda item: int(item.updated_at) > since)
    return conditions


def _ordered(items: list[Item], query: QueryParams) -> list[Item]:
    by, order = query.get("orderby", "date"), query.get("order", "desc")
    if by not in ORDERS:
        raise invalid_param("orderby", f"orderby is not one of {', '.join(sorted(ORDERS))}.")
    if order not in ("asc", "desc"):
        raise invalid_param("order", "order is not one of asc and desc.")
    if by == "include":
        place = {text: at for at, text in enumerate(query.get("include", "").split(","))}
        return sorted(items, key=lambda item: place.get(item.item_id, 0))
    if by == "modified":
        items = sorted(items, key=lambda item: (int(item.updated_at), int(item.item_id)))
    elif by in ("title", "slug"):
        items = sorted(items, key=lambda item: (item.title, int(item.item_id)))
    return items if order == "asc" else items[::-1]


def whole_number(query: QueryParams, name: str, default: int, least: int, most: int | None) -> int:
    """A parameter that is a number within bounds, as WordPress checks it."""
    text = query.get(name)
    if text is None:
        return default
    if not text.lstrip("-").isdecimal():
        raise invalid_param(name, f"{name} is not of type integer.")
    number = int(text)
    if number < least or (most is not None and number > most):
        raise invalid_param(
            name, f"{name} must be between {least} (inclusive) and {most or 'more'} (inclusive)"
        )
    return number


def ids_of(query: QueryParams, name: str) -> set[int]:
    """A parameter that is a comma list of ids."""
    texts = [text.strip() for text in query[name].split(",")]
    if not all(text.isdecimal() for text in texts):
        raise invalid_param(name, f"{name}[0] is not of type integer.")
    return {int(text) for text in texts}


def seconds_of(moment: str) -> float:
    """A moment as seconds; the sandbox shop lives in UTC, so dates_are_gmt makes no difference."""
    try:
        when = datetime.fromisoformat(moment)
    except ValueError as error:
        raise invalid_param("modified_after", "Invalid date.") from error
    return when.replace(tzinfo=when.tzinfo or UTC).timestamp()
