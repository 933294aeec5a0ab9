"""A bad day, minute by minute, drawn from a seed: which faults each shop has in each minute. Pure."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from onhand.sandbox.draws import drawn
from onhand.sandbox.faults import (
    AnyFault,
    ChangeLevels,
    CredentialsRevoked,
    HtmlPage,
    LateVisibility,
    LostWrites,
    PartialBatch,
    PolicyFlip,
    ResetAfterWrite,
    ResetBeforeWrite,
    ServerError,
    SlowDrip,
    SubscriptionsDeleted,
    SubscriptionsDisabled,
    Throttle,
    Untrack,
    VersionRetired,
    WebhooksDoubled,
    WebhooksDropped,
    WebhooksLate,
    WebhooksShuffled,
)

MINUTE_SECONDS = 60.0
QUIET_SHARE = 0.25
"""Of all minutes, those in which nothing is wrong anywhere."""

PLATFORMS = ("shopify", "woocommerce", "bigcommerce")
AT_ONCE_MAX = 3
"""Faults of one shop in one minute."""

LINGERING = frozenset(("credentials_revoked", "version_retired"))
"""Kinds whose end only a probe finds out, a minute apart: leave them out where time to converge is measured."""

Number = Callable[[str, float, float], float]
"""A number for a purpose, from the least to the most."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault of one shop."""

    platform: str
    fault: AnyFault


def plan(
    seed: int, minute: int, *, platforms: Collection[str] = PLATFORMS, without: Collection[str] = ()
) -> list[Planned]:
    """The faults to switch on as the minute (from 0) begins, each for a part of it; none in a quarter of all minutes.

    The same for the same seed and minute. `without`: kinds that are left out.
    """
    if drawn(seed, "quiet", minute) < QUIET_SHARE:
        return []
    ranked = sorted(
        (drawn(seed, f"{platform} {kind}", minute), platform, kind)
        for platform in platforms
        for kind in MAKERS
        if kind not in without and (platform, kind) not in NOWHERE
    )
    count = 1 + int(drawn(seed, "count", minute) * AT_ONCE_MAX * len(platforms))
    found: list[Planned] = []
    for _, platform, kind in ranked:
        if len(found) < count and sum(each.platform == platform for each in found) < AT_ONCE_MAX:
            found.append(Planned(platform, _made(seed, minute, platform, kind)))
    return found


def _made(seed: int, minute: int, platform: str, kind: str) -> AnyFault:
    """A fault with its numbers drawn; it lasts from three seconds to the whole minute."""

    def number(what: str, least: float, most: float) -> float:
        return round(least + (most - least) * drawn(seed, f"{platform} {kind} {what}", minute), 3)

    made = MAKERS[kind](number)
    seconds = made.seconds or number("seconds", 3.0, MINUTE_SECONDS)
    own_seed = int(drawn(seed, f"{platform} {kind} seed", minute) * 2**31)
    return made.model_copy(update={"seconds": seconds, "seed": own_seed})


def _throttle(number: Number) -> AnyFault:
    told = number("told", 0, 1) < 0.5
    after = number("after", 0.5, 3.0) if told else None
    return Throttle(
        share=number("share", 0.2, 1.0), retry_after_seconds=after, as_http=number("http", 0, 1) < 0.5
    )


def _server_error(number: Number) -> AnyFault:
    status = (500, 502, 503, 504)[int(number("status", 0, 3.999))]
    return ServerError(share=number("share", 0.1, 0.8), status=status, applied=number("applied", 0, 1) < 0.5)


def _html_page(number: Number) -> AnyFault:
    status = (200, 502, 503)[int(number("status", 0, 2.999))]
    return HtmlPage(share=number("share", 0.1, 0.8), status=status, applied=number("applied", 0, 1) < 0.5)


def _late_webhooks(number: Number) -> AnyFault:
    return WebhooksLate(
        share=number("share", 0.1, 1.0), least_seconds=0.0, most_seconds=number("most", 0.5, 15.0)
    )


MAKERS: dict[str, Callable[[Number], AnyFault]] = {
    "throttle": _throttle,
    "server_error": _server_error,
    "html_page": _html_page,
    "slow_drip": lambda number: SlowDrip(
        share=number("share", 0.05, 0.5), bytes_per_second=number("speed", 200, 5_000)
    ),
    "reset_before_write": lambda number: ResetBeforeWrite(share=number("share", 0.05, 0.5)),
    "reset_after_write": lambda number: ResetAfterWrite(share=number("share", 0.05, 0.5)),
    "lost_writes": lambda number: LostWrites(share=number("share", 0.01, 0.2)),
    "partial_batch": lambda number: PartialBatch(share=number("share", 0.01, 0.2)),
    "late_visibility": lambda number: LateVisibility(by_seconds=number("by", 0.5, 10.0)),
    "change_levels": lambda number: ChangeLevels(
        count=int(number("count", 1, 6)), by="person" if number("by", 0, 1) < 0.5 else "program"
    ),
    "policy_flip": lambda number: PolicyFlip(count=int(number("count", 1, 4))),
    "untrack": lambda number: Untrack(count=int(number("count", 1, 4))),
    "webhooks_doubled": lambda number: WebhooksDoubled(share=number("share", 0.05, 1.0)),
    "webhooks_shuffled": lambda number: WebhooksShuffled(share=number("share", 0.05, 1.0)),
    "webhooks_late": _late_webhooks,
    "webhooks_dropped": lambda number: WebhooksDropped(share=number("share", 0.05, 1.0)),
    "subscriptions_deleted": lambda _: SubscriptionsDeleted(),
    "subscriptions_disabled": lambda _: SubscriptionsDisabled(),
    "credentials_revoked": lambda number: CredentialsRevoked(seconds=number("seconds", 3.0, 10.0)),
    "version_retired": lambda number: VersionRetired(
        seconds=number("seconds", 3.0, 10.0), gone=number("gone", 0, 1) < 0.5
    ),
}
"""How each kind is made, by its word."""

NOWHERE = frozenset((("bigcommerce", "policy_flip"),))
"""Kinds that a platform knows nothing of."""
