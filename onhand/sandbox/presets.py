"""Faults that are one click away: what an operator wants to have seen once, before a real shop shows it."""

from dataclasses import dataclass

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
    ServerError,
    SlowDrip,
    SubscriptionsDeleted,
    Throttle,
    Untrack,
    VersionRetired,
    WebhooksDoubled,
    WebhooksDropped,
    WebhooksShuffled,
)

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Preset:
    """A button, or a word on the command line: what it says, and the faults it switches on."""

    label: str
    faults: tuple[AnyFault, ...]


PRESETS = {
    "throttled": Preset("429 for a minute", (Throttle(seconds=MINUTE),)),
    "throttled-politely": Preset(
        "429 with Retry-After for a minute", (Throttle(seconds=MINUTE, retry_after_seconds=5.0),)
    ),
    "broken": Preset("Server errors for a minute", (ServerError(seconds=MINUTE),)),
    "html": Preset("HTML pages for a minute", (HtmlPage(seconds=MINUTE),)),
    "slow": Preset("Slow answers for a minute", (SlowDrip(seconds=MINUTE, bytes_per_second=200.0),)),
    "hangs-up": Preset("Hangs up after every other write", (ResetAfterWrite(seconds=MINUTE, share=0.5),)),
    "forgets": Preset("Loses every fifth write for a minute", (LostWrites(seconds=MINUTE, share=0.2),)),
    "refuses": Preset("Refuses every fifth level for a minute", (PartialBatch(seconds=MINUTE, share=0.2),)),
    "stale": Preset(
        "Shows levels 10 s late for a minute", (LateVisibility(seconds=MINUTE, by_seconds=10.0),)
    ),
    "edited": Preset("A person changes 5 levels", (ChangeLevels(count=5, seconds=1.0),)),
    "untracked": Preset("Stops tracking 3 items for a minute", (Untrack(count=3, seconds=MINUTE),)),
    "sells-on": Preset("Lets 3 items sell on at zero", (PolicyFlip(count=3, seconds=MINUTE),)),
    "webhooks-chaos": Preset(
        "Webhooks double and shuffled for a minute",
        (WebhooksDoubled(seconds=MINUTE, share=0.5), WebhooksShuffled(seconds=MINUTE, share=0.5)),
    ),
    "webhooks-lost": Preset("Webhooks lost for a minute", (WebhooksDropped(seconds=MINUTE),)),
    "unsubscribed": Preset("Deletes the webhook subscriptions", (SubscriptionsDeleted(seconds=1.0),)),
    "revoked": Preset("Revokes the credentials, until it ends", (CredentialsRevoked(),)),
    "retired": Preset("Retires the API version, until it ends", (VersionRetired(gone=True),)),
}
"""By name."""
