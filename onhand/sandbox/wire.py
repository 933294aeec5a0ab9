"""The seam between a sandbox shop's happenings and the webhooks its platform makes of them."""

from dataclasses import dataclass, field
from typing import Protocol

from onhand.sandbox.orders import Happening


@dataclass(slots=True)
class Subscription:
    """Somebody wants to be told of `topic` (the platform's word) at `url`.

    `secret` signs where the platform signs per subscription; `headers` are sent along where the platform lets
    subscribers choose some. `failures` counts deliveries that failed one after the other. `name` is what a person
    sees, where the platform has such names.
    """

    subscription_id: str
    topic: str
    url: str
    secret: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    active: bool = True
    failures: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """One webhook request, signed and ready to be sent."""

    url: str
    headers: dict[str, str]
    body: bytes


class Wire(Protocol):
    """What a platform makes of a happening. Pure but for the clock and the numbers it draws."""

    def post(self, happening: Happening, subscription: Subscription) -> Post | None:
        """The request this subscription gets, signed as the platform signs; None where its topic is another."""
        ...

    def stamped(self, post: Post) -> Post:
        """The request as it goes out now, at first or once more: another only where a signature tells its time."""
        ...


@dataclass(slots=True)
class Subscriptions:
    """Every subscription of one shop, by id; the platform's own API adds, lists and removes them."""

    by_id: dict[str, Subscription] = field(default_factory=dict)
    next_number: int = 1

    def add(
        self, topic: str, url: str, *, secret: str = "", headers: dict[str, str] | None = None
    ) -> Subscription:
        """A new one; the platform's module has checked what it allows."""
        made = Subscription(str(self.next_number), topic, url, secret, headers or {})
        self.next_number += 1
        self.by_id[made.subscription_id] = made
        return made

    def wanting(self) -> list[Subscription]:
        """Those that are switched on."""
        return [each for each in self.by_id.values() if each.active]
