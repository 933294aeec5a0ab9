"""What POST /events takes of purchase orders: placed, put off, come, closed."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from onhand.domain.events import QUANTITY_MAX
from onhand.domain.purchase_orders import (
    LINES_MAX,
    Closing,
    Delivery,
    DueChange,
    PurchaseOrder,
    commitment,
)
from onhand.ledger.purchase_orders import PurchaseStatement
from onhand.web.strict import EXAMPLE_MOMENT, Code, Strict, Units

EXAMPLE_ORDER_CODE = "PO-2026-0417"
Reason = Annotated[
    str,
    Field(
        max_length=200,
        pattern=r"^[^\x00-\x1f]*$",
        description="A word for people, kept with the event; no personal data.",
        examples=["sold out there"],
    ),
]
Moment = Annotated[
    AwareDatetime, Field(description="When it happened, with its time zone.", examples=[EXAMPLE_MOMENT])
]
OrderCode = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        pattern=r"^[^\x00-\x1f]+$",
        description="The purchase order's code.",
        examples=[EXAMPLE_ORDER_CODE],
    ),
]


class PurchaseLine(Strict):
    """So many units of a SKU that are ordered."""

    sku: Code = Field(examples=["23321"])
    quantity: Units = Field(examples=[96])


class DeliveredLine(Strict):
    """So many units of a SKU that came."""

    sku: Code = Field(examples=["23321"])
    quantity: Annotated[int, Field(ge=-QUANTITY_MAX, le=QUANTITY_MAX)] = Field(
        description="Below 0: an earlier delivery was stated too high.", examples=[48]
    )


class PurchaseOrdered(Strict):
    """An order to a supplier is placed: its units are incoming at `location` from now on."""

    kind: Literal["purchase_order"]
    id: OrderCode
    supplier: Code = Field(description="Name of a supplier that Onhand knows.", examples=["Acme"])
    location: Code = Field(description="Where it is to come to.", examples=["leeds"])
    due: date = Field(description="The day it is to come.", examples=["2026-12-18"])
    lines: list[PurchaseLine] = Field(
        min_length=1, max_length=LINES_MAX, examples=[[{"sku": "23321", "quantity": 96}]]
    )
    occurred_at: Moment


class PurchaseDelivered(Strict):
    """Units of a purchase order came, all of it or a part; what is beyond it is taken in, too."""

    kind: Literal["purchase_receipt"]
    id: Code = Field(description="Yours, of this delivery and no other.", examples=["note-311"])
    purchase_order: OrderCode
    lines: list[DeliveredLine] = Field(
        min_length=1, max_length=LINES_MAX, examples=[[{"sku": "23321", "quantity": 48}]]
    )
    occurred_at: Moment
    reason: Reason = ""


class PurchasePutOff(Strict):
    """What is still to come of a purchase order comes on another day, later or sooner."""

    kind: Literal["purchase_due"]
    id: Code = Field(description="Yours, of this statement and no other.", examples=["note-313"])
    purchase_order: OrderCode
    due: date = Field(description="The day it is to come now.", examples=["2027-01-08"])
    occurred_at: Moment
    reason: Reason = ""


class PurchaseClosed(Strict):
    """No more of a purchase order will come: what is open is incoming no more."""

    kind: Literal["purchase_close"]
    id: Code = Field(description="Yours, of this statement and no other.", examples=["note-312"])
    purchase_order: OrderCode
    occurred_at: Moment
    reason: Reason = ""


Purchases = PurchaseOrdered | PurchaseDelivered | PurchasePutOff | PurchaseClosed
PURCHASE_KINDS = ("purchase_order", "purchase_receipt", "purchase_due", "purchase_close")


def purchase_of(stated: Purchases, source: str) -> PurchaseStatement:
    """What is stated of a purchase order, as the ledger takes it. Raises PurchaseOrderRefusedError."""
    match stated:
        case PurchaseOrdered():
            order = PurchaseOrder(
                source,
                stated.id,
                stated.supplier,
                stated.location,
                tuple((line.sku, line.quantity) for line in stated.lines),
                stated.occurred_at,
                stated.due,
            )
            commitment(order)
            return order
        case PurchaseDelivered():
            lines = tuple((line.sku, line.quantity) for line in stated.lines)
            return Delivery(
                source, stated.id, stated.purchase_order, lines, stated.occurred_at, stated.reason
            )
        case PurchasePutOff():
            return DueChange(
                source,
                stated.id,
                stated.purchase_order,
                stated.due,
                stated.occurred_at,
                source,
                stated.reason,
            )
        case PurchaseClosed():
            return Closing(source, stated.id, stated.purchase_order, stated.occurred_at, stated.reason)


EXAMPLE_PURCHASE = {
    "kind": "purchase_receipt",
    "id": "note-311",
    "purchase_order": EXAMPLE_ORDER_CODE,
    "lines": [{"sku": "23321", "quantity": 48}],
    "occurred_at": EXAMPLE_MOMENT,
}
"""A delivery as a warehouse system states it."""
