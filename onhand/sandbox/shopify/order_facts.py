"""What the platform says of an order's lines, worked out from what happened to them; API and webhooks alike."""

from dataclasses import dataclass

from onhand.sandbox.orders import Line, Order

CANCEL, RETURN, NO_RESTOCK = "cancel", "return", "no_restock"


@dataclass(frozen=True, slots=True)
class RefundLine:
    """So many pieces of a line were refunded, and put back as the restock type says."""

    line: Line
    quantity: int
    restock_type: str


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund of an order."""

    number: str
    lines: tuple[RefundLine, ...]


def refunds_of(order: Order) -> list[Refund]:
    """The refunds of an order: of a cancellation, of pieces that came back, of pieces the buyer kept.

    An edit takes pieces out of a line and refunds nothing.
    """
    if not order.cancelled and not any(line.refunded for line in order.lines):
        return []
    made = {
        CANCEL: [RefundLine(line, line.cancelled, CANCEL) for line in order.lines if order.cancelled],
        RETURN: [RefundLine(line, line.restocked, RETURN) for line in order.lines],
        NO_RESTOCK: [RefundLine(line, line.refunded - line.restocked, NO_RESTOCK) for line in order.lines],
    }
    refunds = []
    for kind, lines in enumerate(made.values(), 1):
        some = tuple(line for line in lines if line.quantity)
        if some:
            refunds.append(Refund(f"{order.order_id}{kind}", some))
    return refunds


def current_quantity(line: Line) -> int:
    """Pieces ordered, less those refunded or taken out."""
    return line.quantity - line.cancelled - line.refunded


def fulfillment_status(order: Order) -> str | None:
    """The webhook's word for how much has left the house: null, `partial`, `fulfilled`."""
    if not any(line.shipped for line in order.lines):
        return None
    return "fulfilled" if order.shipped else "partial"
