"""Webhooks on their way: from what happens in a shop to posts at its subscribers', as the platform delivers them."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from onhand.sandbox.mishaps import Fate, Mishaps
from onhand.sandbox.orders import Happening, LevelHappening, OrderBook, OrderHappening
from onhand.sandbox.policies import Policy
from onhand.sandbox.posting import Origin, Pool, origin_of
from onhand.sandbox.wire import Post, Subscription, Subscriptions, Wire

WAITING_MAX = 50_000
"""Deliveries of one shop under way, retries included; what comes on top is dropped and counted."""

CONNECTIONS_MAX = 64
ANSWERS_KEPT = 10_000
"""Answer times remembered for the percentiles."""

HELD_SECONDS_MAX = 1.0
"""A delivery held back for others to overtake goes after this anyway: perhaps no other comes."""

Key = tuple[str, str]
"""A subscription, and the thing that happened to."""


class Sender:
    """The deliveries of one shop. Listens to the book and to the shop's levels from the start.

    `time_scale` shortens every wait (0.001: an hour in 3.6 s).
    """

    def __init__(self, book: OrderBook, subscriptions: Subscriptions, wire: Wire, policy: Policy) -> None:
        self.subscriptions = subscriptions
        self.wire = wire
        self.policy = policy
        self.mishaps = Mishaps()
        self.meddle: Callable[[Fate], Fate] = lambda fate: fate
        """What faults make of each delivery's fate, in the order of their numbers."""
        self.time_scale = 1.0
        self.connections_max = CONNECTIONS_MAX
        self.waiting_max = WAITING_MAX
        self.waiting = 0
        self.counts: Counter[str] = Counter()
        self.answer_seconds: deque[float] = deque(maxlen=ANSWERS_KEPT)
        self._pools: dict[Origin, Pool] = {}
        self._queued: set[Key] = set()
        self._topical: dict[tuple[str, str], bool] = {}
        self._held: list[tuple[int, Delivery]] = []
        self._timers: set[asyncio.TimerHandle] = set()
        book.listeners.append(self.hear)
        book.shop.listeners.append(self._hear_level)

    def hear(self, happening: Happening) -> None:
        """Something happened: a delivery for each subscription whose topic it is."""
        for subscription in self.subscriptions.wanting():
            if self.policy.built_late:
                key = (subscription.subscription_id, _subject(happening))
                if not self._is_topic(happening, subscription):
                    continue
                if key in self._queued:
                    self.counts["coalesced"] += 1
                    continue
                self._take(Delivery(self, subscription, happening, None))
            elif (post := self.wire.post(happening, subscription)) is not None:
                self._take(Delivery(self, subscription, happening, post))

    def queued(self) -> int:
        """Deliveries that wait for a free connection now."""
        return sum(pool.queued() for pool in self._pools.values())

    def stats(self) -> dict[str, Any]:
        """Counts since the start or the last `clear`, and how long answers took (of the last ones)."""
        names = "numbered sent delivered failed retried given_up lost duplicated coalesced overflowed dropped ended"
        taken = sorted(self.answer_seconds)
        share = {name: round(_quantile(taken, at) * 1_000, 3) for name, at in (("p50", 0.5), ("p99", 0.99))}
        counts = {name: self.counts[name] for name in names.split()}
        return {**counts, "waiting": self.waiting, "answer_ms": share}

    def clear(self) -> None:
        """Forget the counts and whatever is under way; numbers begin anew. Subscriptions and faults stay."""
        self.close()
        self.counts.clear()
        self.answer_seconds.clear()

    def close(self) -> None:
        """Stop: what is under way is given up."""
        for timer in self._timers:
            timer.cancel()
        for pool in self._pools.values():
            pool.close()
        self._timers.clear()
        self._pools.clear()
        self._queued.clear()
        self._held.clear()
        self.waiting = 0

    def _hear_level(self, item_id: str, place: str, quantity: int, by: str, at: float) -> None:
        if self.subscriptions.by_id:
            self.hear(LevelHappening(item_id, place, quantity, by, at))

    def _is_topic(self, happening: Happening, subscription: Subscription) -> bool:
        """Whether a payload built later will be one: the topic alone decides, so the wire is asked once for each."""
        kind = happening.what if isinstance(happening, OrderHappening) else "level"
        found = self._topical.get((subscription.topic, kind))
        if found is None:
            found = self.wire.post(happening, subscription) is not None
            self._topical[subscription.topic, kind] = found
        return found

    def _take(self, delivery: "Delivery") -> None:
        """Give it its number and its fate."""
        self.counts["numbered"] += 1
        number = self.counts["numbered"]
        fate = self.meddle(self.mishaps.fate(number))
        if not fate.delays:
            self.counts["lost"] += 1
        elif self.waiting >= self.waiting_max:
            self.counts["overflowed"] += 1
        else:
            self._plan(delivery, fate.delays, number + fate.behind)
        self._release(number)

    def _plan(self, delivery: "Delivery", delays: tuple[float, ...], after: int) -> None:
        if self.policy.built_late:
            self._queued.add(delivery.key)
        self.counts["duplicated"] += len(delays) - 1
        for delay in delays:
            self.waiting += 1
            each = Delivery(self, delivery.subscription, delivery.happening, delivery.post, delay)
            if after > self.counts["numbered"]:
                self._held.append((after, each))
                self.later(HELD_SECONDS_MAX * self.time_scale, lambda: self._release(after))
            else:
                self._start(each)

    def _release(self, number: int) -> None:
        """Send what no later delivery has to overtake any more, in the order of the numbers awaited."""
        if not self._held:
            return
        due = sorted((each for each in self._held if each[0] <= number), key=lambda each: each[0])
        self._held = [each for each in self._held if each[0] > number]
        for _, delivery in due:
            self._start(delivery)

    def _start(self, delivery: "Delivery") -> None:
        if delivery.delay:
            self.later(delivery.delay * self.time_scale, delivery.send)
        else:
            delivery.send()

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do it after so many seconds, unless the sender is closed by then."""

        def now() -> None:
            self._timers.discard(timer)
            act()

        timer = asyncio.get_running_loop().call_later(seconds, now)
        self._timers.add(timer)

    def pool(self, url: str) -> Pool:
        """The connections that lead there. Raises ValueError where the URL is none."""
        origin = origin_of(url)
        pool = self._pools.get(origin)
        if pool is None:
            limits = {"connections_max": self.connections_max}
            pool = self._pools[origin] = Pool(origin, timeout=self.policy.timeout_seconds, **limits)
        pool.connections_max = self.connections_max
        return pool

    def wanted(self, subscription: Subscription) -> bool:
        """Whether the subscription is still there and switched on."""
        return subscription.active and subscription.subscription_id in self.subscriptions.by_id

    def left(self, delivery: "Delivery") -> None:
        """A delivery is built, or over: the next one for the same thing is another."""
        self._queued.discard(delivery.key)

    def ends(self, subscription: Subscription) -> None:
        """A delivery was given up: the platform's consequence."""
        if subscription.failures < self.policy.failures_max or not self.wanted(subscription):
            return
        self.counts["ended"] += 1
        if self.policy.deletes:
            del self.subscriptions.by_id[subscription.subscription_id]
        else:
            subscription.active = False


class Delivery:
    """One webhook on its way to one subscriber (a letter of posting.py)."""

    __slots__ = ("attempts", "delay", "happening", "key", "post", "sender", "subscription")

    def __init__(
        self,
        sender: Sender,
        subscription: Subscription,
        happening: Happening,
        post: Post | None,
        delay: float = 0.0,
    ) -> None:
        self.sender = sender
        self.subscription = subscription
        self.happening = happening
        self.post = post
        self.delay = delay
        self.attempts = 0
        self.key: Key = (subscription.subscription_id, _subject(happening))

    def send(self) -> None:
        """Queue it for the next free connection."""
        try:
            pool = self.sender.pool(self.subscription.url)
        except ValueError:
            if self.open():
                self.failed("no address")
            return
        pool.send(self)

    def open(self) -> Post | None:
        """What to send now; None where nobody wants it any more."""
        sender = self.sender
        sender.left(self)
        if self.post is None and sender.wanted(self.subscription):
            self.post = sender.wire.post(self.happening, self.subscription)
        if self.post is None or not sender.wanted(self.subscription):
            sender.counts["dropped"] += 1
            sender.waiting -= 1
            return None
        self.post = sender.wire.stamped(self.post)
        sender.counts["sent"] += 1
        sender.counts["retried"] += self.attempts > 0
        self.attempts += 1
        return self.post

    def answered(self, status: int, seconds: float) -> None:
        """The receiver answered."""
        sender = self.sender
        sender.answer_seconds.append(seconds)
        if sender.policy.status_min <= status <= sender.policy.status_max:
            sender.counts["delivered"] += 1
            sender.waiting -= 1
            self.subscription.failures = 0
        else:
            self.failed(f"answered {status}")

    def failed(self, reason: str) -> None:
        """It failed: try again when the platform would, or give it up."""
        sender, retries = self.sender, self.sender.policy.retry_seconds
        sender.counts["failed"] += 1
        self.subscription.failures += 1
        if self.attempts <= len(retries):
            sender.later(retries[self.attempts - 1] * sender.time_scale, self.send)
            return
        sender.counts["given_up"] += 1
        sender.waiting -= 1
        sender.ends(self.subscription)


def _subject(happening: Happening) -> str:
    if isinstance(happening, OrderHappening):
        return happening.order.order_id
    return f"item {happening.item_id}"


def _quantile(ordered: list[float], share: float) -> float:
    """The value that the share of all do not exceed; zero where there is none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
