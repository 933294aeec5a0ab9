"""A shop's orders, read by id or by their last change; names and addresses are not even asked for.

What is asked for (`FIELDS`) holds no name, address or payment. A line's metas come whole, and may hold a text that
the buyer had engraved; nothing of it is kept.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from onhand.channels.errors import RowRejected
from onhand.channels.together import each
from onhand.channels.woocommerce.orders import channel_order, modified_at
from onhand.channels.woocommerce.reads import rows_of
from onhand.channels.woocommerce.rows import Row, is_number
from onhand.channels.woocommerce.site import ROWS_MAX, Answer, Site
from onhand.domain.sales import ChannelOrder, OrderRefusedError

FIELDS = "id,status,date_created_gmt,date_modified_gmt,date_completed_gmt,line_items"
PAGES_MAX = 100_000
"""Pages of one sweep: ten million orders; a shop that never ends is broken."""
SETTLE_SECONDS = 2.0
"""After the last change's second begins: that second itself, and one for the notes on lines, saved after the order."""
ADVICE = (
    "Look at the order in the shop; a plugin may have written to it. It is asked for again at the next sweep."
)

Asked = dict[str, str | int]
Seen = tuple[datetime, str, int]
"""A state that was given already: when it was changed, the order, its version."""


class WooCommerceOrders:
    """The `Orders` of one shop."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def read(self, order_ids: Sequence[str]) -> list[ChannelOrder]:
        """These orders as they now stand; one that is deleted or in the trash is left out.

        Raises RowRejected, naming the order, where one cannot be understood: ask for the others without it.
        """
        numbers = sorted({one for one in order_ids if is_number(one)}, key=int)
        chunks = [numbers[start : start + ROWS_MAX] for start in range(0, len(numbers), ROWS_MAX)]
        pages = await each(chunks, self._by_ids, at_once=self._site.gate.limit_max)
        return [order for page in pages for order in page]

    async def changed(self, since: datetime) -> AsyncIterator[list[ChannelOrder]]:
        """Every order changed at or after `since`, oldest change first.

        Goes on from the last change it saw, not from page to page: an order that changes meanwhile moves to the end
        and would draw the first of the next page out of sight. Only within one second pages are counted; an order
        missed there is found by the next sweep's overlap. Raises RowRejected at the end for an order that cannot be
        understood: the others were given before.
        """
        second, page = since.astimezone(UTC).replace(microsecond=0), 1
        seen: set[Seen] = set()
        refused: list[OrderRefusedError] = []
        for _ in range(PAGES_MAX):
            answer = await self._listed(
                f"orders changed since {second:%Y-%m-%dT%H:%M:%SZ}", _since(second, page)
            )
            rows = rows_of(self._site.name, "sweeping orders", answer)
            orders = [one for one in self._understood(answer, rows, refused) if _key(one) not in seen]
            if orders:
                yield orders
            seen.update(map(_key, orders))
            if _is_last(answer, page, len(rows)):
                break
            latest = max((order.updated_at for order in orders), default=second)
            second, page = (latest, 1) if latest > second else (second, page + 1)
            seen = {key for key in seen if key[0] >= second}
        if refused:
            raise self._rejection("sweeping orders", refused[0])

    async def _by_ids(self, numbers: Sequence[str]) -> list[ChannelOrder]:
        doing = f"reading {len(numbers)} orders ({numbers[0]} to {numbers[-1]})"
        asked: Asked = {
            "include": ",".join(numbers),
            "status": "any",
            "per_page": ROWS_MAX,
            "_fields": FIELDS,
        }
        answer = await self._listed(doing, asked, urgent=True)
        refused: list[OrderRefusedError] = []
        orders = self._understood(answer, rows_of(self._site.name, doing, answer), refused)
        if refused:
            raise self._rejection(doing, refused[0])
        return orders

    async def _listed(self, doing: str, asked: Asked, *, urgent: bool = False) -> Answer:
        return await self._site.get(f"{doing} by GET /orders", "/orders", asked, urgent=urgent)

    def _understood(
        self, answer: Answer, rows: Sequence[Row], refused: list[OrderRefusedError]
    ) -> list[ChannelOrder]:
        """The orders of a page; what cannot be understood is added to `refused`."""
        asked_at = _asked_at(answer)
        orders = []
        for row in rows:
            try:
                orders.append(channel_order(row, settled=_is_settled(row, asked_at)))
            except OrderRefusedError as error:
                refused.append(error)
        return orders

    def _rejection(self, doing: str, error: OrderRefusedError) -> RowRejected:
        return RowRejected(self._site.name, doing, str(error), advice=ADVICE)


def _since(second: datetime, page: int) -> Asked:
    """The question for one page. `modified_after` leaves the moment itself out, so the second before is given."""
    return {
        "modified_after": (second - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S"),
        "dates_are_gmt": "true",
        "orderby": "modified",
        "order": "asc",
        "status": "any",
        "page": page,
        "per_page": ROWS_MAX,
        "_fields": FIELDS,
    }


def _key(order: ChannelOrder) -> Seen:
    return order.updated_at, order.order_id, order.version


def _is_last(answer: Answer, page: int, rows: int) -> bool:
    """Whether nothing follows. A page may be short although more does: what our key may not see is left out of it."""
    pages = answer.headers.get("x-wp-totalpages", "")
    return page >= int(pages) if pages.isdecimal() else rows < ROWS_MAX


def _asked_at(answer: Answer) -> datetime | None:
    """When the shop was asked at the earliest, by its own clock: its answer's date less the time the call took."""
    try:
        answered_at = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return answered_at.astimezone(UTC) - timedelta(seconds=answer.seconds)


def _is_settled(row: Row, asked_at: datetime | None) -> bool:
    """Whether the row was read when nothing could happen any more in the second of its last change."""
    return asked_at is not None and modified_at(row) + timedelta(seconds=SETTLE_SECONDS) <= asked_at
