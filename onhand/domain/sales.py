"""An order as its channel tells it, reduced to what stock needs: ids, lines, pieces, places, times.

No name, address, e-mail, price or payment field has a place here, so none can be kept by mistake.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

LINES_MAX = 2_000
"""Most lines of one order; far above any real basket, and it bounds what one delivery can ask of the ledger."""


class OrderRefusedError(ValueError):
    """An order makes no sense as a snapshot; the message says in which order and line, and what was expected."""


@dataclass(frozen=True, slots=True)
class SoldLine:
    """One line of an order as it now stands, in pieces of the listing (a six-pack counts as one).

    `open`: pieces the channel has taken off its stock and not shipped yet. `fulfilled`: pieces gone to the
    buyer and not put back. Pieces that were cancelled, or put back on the shelf by the channel itself, are in
    neither. Never negative. `refs` are the ways this channel's orders name the listing, surest first (see
    `RemoteItem.order_ref`); `sku` is what the line says, which may be empty. `place` is the channel's location
    the pieces are taken from, empty where the order does not say. `returned`: pieces that were gone and that the
    channel itself put back on its shelf; of these, (place, pieces) `elsewhere` than at `place`.
    """

    line_id: str
    refs: tuple[str, ...]
    sku: str
    open: int
    fulfilled: int
    place: str = ""
    returned: int = 0
    elsewhere: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelOrder:
    """A whole order of a channel as it stood at `updated_at`.

    `version` grows with each change (microseconds since 1970 of the last update, by the channel's clock).
    `placed_at` is when it was placed: what was sold before a blind write was answered may be given back by it.
    `deducted` is False where the channel has promised the open pieces and still shows them (BigCommerce can be told to
    take them off when they are shipped): they are demand, and the level it shows has not fallen for them.
    """

    order_id: str
    version: int
    placed_at: datetime
    updated_at: datetime
    lines: tuple[SoldLine, ...]
    deducted: bool = True

    def __post_init__(self) -> None:
        if not self.order_id or len(self.order_id) > 200:
            raise OrderRefusedError(f"an order id has 1 to 200 characters, {self.order_id[:50]!r} was given")
        if len(self.lines) > LINES_MAX:
            raise OrderRefusedError(
                f"order {self.order_id} has {len(self.lines)} lines, {LINES_MAX} are accepted"
            )
        for line in self.lines:
            if line.open < 0 or line.fulfilled < 0:
                raise OrderRefusedError(
                    f"order {self.order_id}, line {line.line_id}: {line.open} open and {line.fulfilled} fulfilled "
                    "pieces; neither can be negative"
                )
            if line.returned < sum(pieces for _, pieces in line.elsewhere) or line.returned < 0:
                raise OrderRefusedError(
                    f"order {self.order_id}, line {line.line_id}: {line.returned} pieces are back, fewer than the "
                    f"places say: {line.elsewhere}"
                )


def version_of(moment: datetime) -> int:
    """Microseconds since 1970: how versions of orders are counted."""
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)


def as_json(order: ChannelOrder) -> dict[str, Any]:
    """The form in which an order waits in the inbox."""
    return {
        "order": order.order_id,
        "version": order.version,
        "placed_at": order.placed_at.isoformat(),
        "updated_at": order.updated_at.isoformat(),
        "lines": [
            [line.line_id, list(line.refs), line.sku, line.open, line.fulfilled, line.place]
            + ([line.returned, line.elsewhere] if line.returned else [])
            for line in order.lines
        ],
        **({} if order.deducted else {"deducted": False}),
    }


def from_json(kept: Mapping[str, Any]) -> ChannelOrder:
    """The order that `as_json` wrote down."""
    return ChannelOrder(
        order_id=kept["order"],
        version=kept["version"],
        placed_at=datetime.fromisoformat(kept["placed_at"]),
        updated_at=datetime.fromisoformat(kept["updated_at"]),
        lines=tuple(
            SoldLine(line_id, tuple(refs), sku, open_, fulfilled, place, *_back(back))
            for line_id, refs, sku, open_, fulfilled, place, *back in kept["lines"]
        ),
        deducted=kept.get("deducted", True),
    )


def _back(kept: list[Any]) -> tuple[Any, ...]:
    """What came back of a line; orders that were kept before returns were told have nothing there."""
    if not kept:
        return ()
    returned, elsewhere = kept
    return returned, tuple((place, pieces) for place, pieces in elsewhere)
