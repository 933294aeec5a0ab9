"""The doctor on real time: whether channels can tell us of orders, are swept, and are told their levels."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from onhand import guard
from onhand.cli.examined import Examined, broken, fine, gap
from onhand.cli.holds_view import hold_line
from onhand.cli.work_view import hold_reasons, waits
from onhand.ledger import holds, inbox, runs, work
from onhand.ledger.database import Pool
from onhand.ledger.holds import HeldRun
from onhand.ledger.work import ChannelWork
from onhand.settings import BigCommerceSettings, ChannelSettings, Settings, ShopifySettings
from onhand.wording import ago, count, duration

WAITED_MAX = timedelta(minutes=5)
"""What waits for longer is not on its way any more."""
SWEEPS_MISSED_MAX = 3
"""So many intervals without a sweep, and at least `WAITED_MAX`, are too many."""


def webhooks(settings: Settings) -> list[Examined]:
    """Whether channels can deliver to us, as far as the configuration tells."""
    listening = settings.listening_channels()
    if not listening:
        return [fine("webhooks", "no channel's orders are taken in")]
    if not settings.web.public_url:
        polled = duration(settings.schedule.sweep_seconds)
        return [
            gap(
                "webhooks",
                f"no address is configured for them; orders are polled every {polled}",
                "Set public_url in [web], then: onhand webhooks register",
            )
        ]
    unsigned = [name for name in listening if not _signed(settings.channels[name])]
    return [
        fine("webhooks", f"delivered to {settings.web.public_url}/webhooks/..."),
        *(
            gap(
                f"webhooks {name}",
                "no secret to check its deliveries with, so none is let in",
                f"Set webhook_secret_envs in [channels.{name}], then: onhand webhooks register --channel {name}",
            )
            for name in unsigned
        ),
    ]


def _signed(section: ChannelSettings) -> bool:
    """Whether there is a secret to check deliveries with; platforms may sign with an app's own."""
    of_app = section.client_secret_env if isinstance(section, BigCommerceSettings | ShopifySettings) else None
    return bool(section.webhook_secret_envs or of_app)


async def examine(pool: Pool, settings: Settings) -> AsyncIterator[Examined]:
    """What the ledger knows of it: the inbox, and each channel's sweep and publisher."""
    now = datetime.now(UTC)
    yield await _poison(pool)
    listening = settings.listening_channels()
    every, began = timedelta(seconds=settings.schedule.sweep_seconds), await runs.first_started(pool)
    for stands in await work.of_channels(pool, settings.enabled_channels()):
        if stands.channel in listening:
            yield _intake(stands, every, now, began)
        yield _publisher(stands, now)
    for hold in await holds.of_channels(pool, settings.enabled_channels()):
        yield gap(f"held {hold.channel}", hold_line(hold, now), _held_advice(hold))


def _held_advice(hold: HeldRun) -> str:
    return guard.advice(hold.channel, hold.kind) if hold.stands else "onhand sync sends it now."


async def _poison(pool: Pool) -> Examined:
    poison, unreadable = await inbox.count_poison(pool)
    if not poison:
        return fine("inbox", "every delivery could be taken")
    said = f"{count(poison, 'delivery', 'deliveries')} could not be taken"
    said += f", {unreadable:,} of them not even read" if unreadable else ""
    return gap(
        "inbox",
        said,
        "onhand inbox list --outcome poison says why; mend it, then: onhand inbox replay --all. What needs nothing: "
        "onhand inbox dismiss ID --note WHY",
    )


def _intake(stands: ChannelWork, every: timedelta, now: datetime, began: datetime | None) -> Examined:
    """`began`: when the first run of all did; whoever has only just begun has not come to a sweep yet."""
    subject = f"orders {stands.channel}"
    workers = "The worker lines below, and the channel's OrderSweep and Intake in the Temporal Web UI."
    allowed = max(SWEEPS_MISSED_MAX * every, WAITED_MAX)
    if stands.swept_at is None and began is not None and now - began <= allowed:
        return fine(subject, f"not swept yet; they will be within {duration(every.total_seconds())}")
    if stands.swept_at is None:
        return gap(subject, "never swept", "onhand schedule apply; onhand up does it at its start.")
    if now - stands.swept_at > allowed:
        return broken(subject, f"last swept {ago(stands.swept_at, now)}", workers)
    if stands.inbox_oldest is not None and now - stands.inbox_oldest > WAITED_MAX:
        waiting = waits(stands.inbox, stands.inbox_oldest, now)
        return broken(subject, f"waiting to be taken: {waiting}", workers)
    heard = "no delivery lately" if stands.heard_at is None else f"last delivery {ago(stands.heard_at, now)}"
    return fine(subject, f"swept {ago(stands.swept_at, now)}, {heard}")


def _publisher(stands: ChannelWork, now: datetime) -> Examined:
    subject = f"publish {stands.channel}"
    waiting = waits(stands.outbox, stands.outbox_oldest, now)
    resume = f"onhand channels resume {stands.channel}"
    if stands.trouble:
        said = "; ".join(hold_reasons(stands.hold, now))
        return broken(subject, f"{said}; to tell: {waiting}", f"Mend what it says, then: {resume}")
    if stands.paused_at is not None:
        return gap(subject, f"{hold_reasons(stands.hold, now)[0]}; to tell: {waiting}", resume)
    if stands.outbox_oldest is not None and now - stands.outbox_oldest > WAITED_MAX:
        return broken(
            subject,
            f"waiting to be told: {waiting}",
            f"Start a worker (onhand up); {resume} wakes its publisher.",
        )
    return fine(subject, f"{count(stands.outbox, 'listing')} to tell" if stands.outbox else "nothing to tell")
