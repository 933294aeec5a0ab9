"""Levels to a shop: grouped by parent, in batches of a size the shop bears, each entry of the answer judged."""

from collections.abc import Sequence
from typing import Any

from onhand.channels.base import LevelWrite, Outcome, WriteResult
from onhand.channels.concurrency import BatchSize
from onhand.channels.errors import ChannelDown, ChannelError, RowRejected, SameKeyRetry
from onhand.channels.together import each
from onhand.channels.woocommerce.rows import action, judge, unsendable
from onhand.channels.woocommerce.site import Answer, Site

TRIES = 2
"""Times a batch that a 5xx answered is sent, at half the size, before the whole call fails."""
BREATH_SECONDS = 1.0
"""How long a shop that answered with a 5xx is left alone."""


class Delivery:
    """The levels of one call of set_levels, on their way; `urgent` ones go before others that wait."""

    def __init__(
        self, site: Site, size: BatchSize, writes: Sequence[LevelWrite], *, urgent: bool = False
    ) -> None:
        self._site = site
        self._urgent = urgent
        self._size = size
        self._writes = writes
        self._results: dict[int, WriteResult] = {}
        self._failed = False

    async def deliver(self) -> list[WriteResult]:
        """One result for each write, in the order given; raises when any batch failed as a whole."""
        groups: dict[str, list[int]] = {}
        for at, write in enumerate(self._writes):
            if bad := unsendable(self._site.name, write):
                self._results[at] = bad
            else:
                groups.setdefault(write.key.item.parent_id, []).append(at)
        await each(list(groups.items()), self._send_group, at_once=self._site.gate.limit_max)
        return [self._results[at] for at in range(len(self._writes))]

    async def _send_group(self, group: tuple[str, list[int]]) -> None:
        """All rows of one parent (simple products: of none), part by part; stops when another group has failed."""
        parent, rows = group
        path = f"/products/{parent}/variations/batch" if parent else "/products/batch"
        parts, tries = [rows], 0
        while parts and not self._failed:
            part = parts.pop()
            rest = part[self._size.rows :]
            part = part[: self._size.rows]
            if rest:
                parts.append(rest)
            try:
                await self._send(path, part)
                tries = 0
            except ChannelError as error:
                tries += 1
                parts.extend(reversed(self._after(error, part, tries)))

    async def _send(self, path: str, part: list[int]) -> None:
        # No _fields: WordPress applies it to the outermost object, which would strip "update" from the answer.
        writes = [self._writes[at] for at in part]
        doing = _doing(writes, path)
        body = {"update": [_entry(write) for write in writes]}
        answer = await self._site.post(doing, path, body, urgent=self._urgent)
        entries = _entries(self._site.name, doing, answer, len(part))
        self._size.answered(len(part), answer.seconds)
        for at, write, entry in zip(part, writes, entries, strict=True):
            self._results[at] = judge(self._site.name, write, entry)

    def _after(self, error: ChannelError, part: list[int], tries: int) -> list[list[int]]:
        """The parts to send instead of one that was refused as a whole; raises where there is no point."""
        if error.status == 413 and len(part) > 1:
            self._size.refuse(len(part))
            return _halves(part)
        if isinstance(error, RowRejected):
            return self._isolated(error, part)
        if isinstance(error, SameKeyRetry) and (error.status in (None, 408) or error.status >= 500):
            self._size.halve(len(part))
            if error.status is not None and tries < TRIES:
                self._site.gate.silence(BREATH_SECONDS)
                return [part]
        self._failed = True
        raise error

    def _isolated(self, error: RowRejected, part: list[int]) -> list[list[int]]:
        """A batch refused for what one row holds is halved until that row stands alone."""
        if len(part) > 1:
            return _halves(part)
        write = self._writes[part[0]]
        alone = RowRejected(
            error.channel, action(write), error.said, advice=error.advice, status=error.status
        )
        self._results[part[0]] = WriteResult(write, Outcome.REJECTED, None, alone)
        return []


def _entry(write: LevelWrite) -> dict[str, Any]:
    """Both fields, always: a quantity without manage_stock is silently blanked on an unmanaged product."""
    return {"id": int(write.key.item.item_id), "manage_stock": True, "stock_quantity": write.quantity}


def _entries(channel: str, doing: str, answer: Answer, sent: int) -> list[Any]:
    """The entries of a batch's answer, as many as were sent."""
    body = answer.body
    entries = body.get("update") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        raise ChannelDown(
            channel,
            doing,
            f"the answer holds no list of updates: {str(body)[:100]!r}",
            advice="A plugin or proxy strips our body or the shop's answer: let /wp-json/wc/v3 pass untouched.",
            status=200,
        )
    if len(entries) != sent:
        said = f"{sent} updates were sent and {len(entries)} answered"
        raise SameKeyRetry(channel, doing, said, status=200)
    return entries


def _doing(writes: Sequence[LevelWrite], path: str) -> str:
    first, last = writes[0].key.item.sku, writes[-1].key.item.sku
    which = f"SKU {first}" if len(writes) == 1 else f"{len(writes)} SKUs ({first} to {last})"
    return f"setting {which} by POST {path}"


def _halves(part: list[int]) -> list[list[int]]:
    middle = len(part) // 2
    return [part[:middle], part[middle:]]
