"""What a channel says of its own accord: webhooks, checked over their raw bytes and reduced at the door.

Nothing here does I/O: a receiver is given headers and bytes and answers what they mean, or refuses them.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from onhand.domain.sales import ChannelOrder


class DeliveryKind(StrEnum):
    """What a delivery is to us."""

    ORDER = "order"
    """A whole order; `Delivery.order` holds it."""
    ORDER_HINT = "order_hint"
    """An order has changed, and only its id was told (`Delivery.subject`): it has to be fetched."""
    LEVEL = "level"
    """A level has changed on the channel: by a sale, by a person, or by our own push; `Delivery.level` holds it."""
    PING = "ping"
    """The platform tries whether somebody is there; answered and forgotten."""
    OTHER = "other"
    """A topic we do not use; answered, counted and forgotten."""


@dataclass(frozen=True, slots=True)
class LevelNotice:
    """A level as the channel states it now. `quantity` None: told that it changed, not to what.

    `ref` is the channel's id of the item (that of `ItemRef.item_id`); `place` as in `LevelKey.place`. `tracking` as in
    `ItemRef.tracking`: where it is given, only an item tracked so is meant (BigCommerce's variants and products share
    numbers).
    """

    ref: str
    place: str
    quantity: int | None
    changed_at: datetime | None = None
    tracking: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One accepted webhook, reduced.

    `delivery_id` is the platform's own id of this delivery, empty where it gives none worth the name; what is
    inside tells duplicates apart as well. `topic` is the platform's word. `subject` is the id of the order or
    item it is about.
    """

    kind: DeliveryKind
    topic: str
    delivery_id: str = ""
    subject: str = ""
    order: ChannelOrder | None = None
    level: LevelNotice | None = None


class DeliveryRefusedError(Exception):
    """A request at the door is no delivery of this channel; the message is for our log, never for the caller."""


class SignatureRefusedError(DeliveryRefusedError):
    """It is not signed by the channel (401): a wrong secret, a changed body, or somebody else."""


class BodyRefusedError(DeliveryRefusedError):
    """It is signed by the channel and cannot be understood; it is kept as poison, so that nothing is lost.

    `delivery` says what is known of it, `problem` what is wrong, in words for an operator.
    """

    def __init__(self, delivery: Delivery, problem: str) -> None:
        self.delivery = delivery
        self.problem = problem
        super().__init__(problem)


class Receiver(Protocol):
    """The way in of one channel."""

    @property
    def body_bytes_max(self) -> int:
        """The largest body this platform has reason to send; what is larger is refused unread."""
        ...

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Delivery:
        """What this request means. `headers` have lower-case names.

        Raises SignatureRefusedError before anything of the body is looked at, and BodyRefusedError where the body is
        signed and makes no sense. Cheap: it runs for every delivery, on the event loop.
        """
        ...


def signed_by_any(signature: bytes, expected: Iterable[bytes]) -> bool:
    """Whether the signature is one of those expected (several secrets while one is being replaced), in constant time.

    Every candidate is compared, so that the time tells nothing of which one matched.
    """
    matched = False
    for candidate in expected:
        matched |= hmac.compare_digest(signature, candidate)
    return matched
