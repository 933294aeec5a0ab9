"""Orders that a till or an ERP states: the whole order as it now stands, and nothing about the buyer."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from onhand.domain.orders import OrderLine, OrderSnapshot, SnapshotRefusedError
from onhand.domain.sales import LINES_MAX, version_of
from onhand.web.strict import EXAMPLE_MOMENT, Code, Strict, Units, UnitsOrNone


class OrderedLine(Strict):
    """One line of an order as it now stands, in units of the SKU. What is left of `ordered` waits to be shipped."""

    id: Code = Field(description="Of this line within its order, the same each time.", examples=["1"])
    sku: Code = Field(examples=["23321"])
    location: Code = Field(
        description="Where the units are taken from: the key of a location in the configuration.",
        examples=["leeds"],
    )
    ordered: Units = Field(description="Units the buyer ordered in the beginning.", examples=[3])
    cancelled: UnitsOrNone = Field(
        default=0, description="Of these, cancelled or refunded before they left: free to be sold again."
    )
    fulfilled: UnitsOrNone = Field(default=0, description="Of these, handed over or shipped.")
    returned: UnitsOrNone = Field(
        default=0, description="Of the fulfilled ones, back on the shelf: free to be sold again."
    )


class Ordered(Strict):
    """An order as it now stands: each time all of it. What differs from what was stated of it before is posted."""

    kind: Literal["order"]
    id: Code = Field(
        description="Yours, of this order: it stays the same while the order changes.",
        examples=["pos-7-00417"],
    )
    changed_at: AwareDatetime = Field(
        description="When it was placed or last changed, with its time zone. Of two statements of an order the later "
        "one is true, whichever comes first, unless `version` says otherwise.",
        examples=[EXAMPLE_MOMENT],
    )
    version: Annotated[int, Field(ge=0, le=2**62)] | None = Field(
        default=None,
        description="Grows with each change, where you have such a number; then it decides in place of `changed_at`. "
        "Give it with every statement of an order, or with none.",
        examples=[3],
    )
    placed_at: AwareDatetime | None = Field(
        default=None, description="When the buyer placed it, where you know that.", examples=[EXAMPLE_MOMENT]
    )
    lines: list[OrderedLine] = Field(
        max_length=LINES_MAX,
        description="Every line there is. One that is named no more counts as cancelled.",
        examples=[[{"id": "1", "sku": "23321", "location": "leeds", "ordered": 3, "fulfilled": 1}]],
    )


def snapshot_of(stated: Ordered, client: str) -> OrderSnapshot:
    """The order in the ledger's words, kept under the client's name. Raises SnapshotRefusedError."""
    return OrderSnapshot(
        channel=client,
        order_id=stated.id,
        version=version_of(stated.changed_at) if stated.version is None else stated.version,
        occurred_at=stated.changed_at,
        lines=tuple(_line(stated.id, line) for line in stated.lines),
        placed_at=stated.placed_at,
    )


def _line(order: str, line: OrderedLine) -> OrderLine:
    where = f"order {order}, line {line.id}"
    if line.cancelled + line.fulfilled > line.ordered:
        raise SnapshotRefusedError(
            f"{where}: {line.cancelled} cancelled and {line.fulfilled} fulfilled are more than {line.ordered} ordered"
        )
    if line.returned > line.fulfilled:
        raise SnapshotRefusedError(
            f"{where}: {line.returned} returned are more than the {line.fulfilled} fulfilled"
        )
    waiting = line.ordered - line.cancelled - line.fulfilled
    kept = line.fulfilled - line.returned
    return OrderLine(line.id, line.sku, line.location, waiting, kept, returned=line.returned)


EXAMPLE_ORDER = {
    "kind": "order",
    "id": "pos-7-00417",
    "changed_at": EXAMPLE_MOMENT,
    "lines": [
        {"id": "1", "sku": "23321", "location": "leeds", "ordered": 2, "fulfilled": 2},
        {"id": "2", "sku": "22423", "location": "leeds", "ordered": 3, "cancelled": 1},
    ],
}
"""Two handed over at the till, and two of three still to be sent from the warehouse."""
