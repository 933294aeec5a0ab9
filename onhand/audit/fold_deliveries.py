"""Deliveries against the ledger, order by order: what says that it was posted was, and nothing taken is missing."""

from onhand.audit.found import Found
from onhand.audit.streams import Sorted, keys_of
from onhand.ledger.audit import DeliveryRow, OrderEvent, Snapshot


async def fold_deliveries(snapshot: Snapshot, found: Found) -> None:
    """Every delivery that was taken, beside the events and the version of its order."""
    deliveries = Sorted(snapshot.deliveries(), lambda row: (row.channel, row.order_id))
    events = Sorted(snapshot.order_events(), lambda row: (row.channel, row.order_id))
    orders = Sorted(snapshot.orders(), lambda row: (row.channel, row.order_id))
    async for key in keys_of(deliveries, events, orders):
        posted = [event async for event in events.take(key)]
        versions = [order.version async for order in orders.take(key)]
        taken = max(versions, default=None)
        async for delivery in deliveries.take(key):
            told = {"channel": delivery.channel, "delivery": delivery.delivery, "order_id": delivery.order_id}
            if delivery.outcome == "posted" and not any(_is_of(event, delivery) for event in posted):
                found.add("posted", **told, kind=delivery.kind, version=delivery.version)
            if taken is None or taken < (delivery.version or 0):
                found.add("covered", **told, outcome=delivery.outcome, version=delivery.version, taken=taken)


def _is_of(event: OrderEvent, delivery: DeliveryRow) -> bool:
    """Whether the event can be what the delivery led to."""
    version, slash, _ = event.external_id.removeprefix(f"{delivery.order_id}@").partition("/")
    if not slash or not version.lstrip("-").isdigit():
        return False
    if delivery.kind == "order":
        return int(version) == delivery.version
    return (
        delivery.settled_at is not None and delivery.received_at <= event.recorded_at <= delivery.settled_at
    )
