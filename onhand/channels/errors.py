"""How a channel fails, sorted once into what happens next.

ChannelError
├── SameKeyRetry      nobody knows whether it was applied: send the same again, with the same key
├── NewKeyRetry       it was not applied and the world has moved: look again, decide again, new key
├── RowRejected       this one row is bad; its neighbours are fine
├── ChannelDown       the channel as a whole does not take writes now: wait, probe, go on
└── CredentialsBad    nobody will be let in until a person does something
"""


class ChannelError(Exception):
    """A channel could not do what was asked.

    `channel` and `action` say what was attempted, `said` what the other side answered (cut to a
    sane length, never a secret), `advice` what a person should do when retrying does not help, and
    `retry_after_seconds` how long the channel asked us to stay away (None: it did not say).
    """

    text_max = 2_000

    def __init__(
        self,
        channel: str,
        action: str,
        said: str,
        *,
        advice: str = "",
        status: int | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        self.channel = channel
        self.action = action
        self.said = said[: self.text_max]
        self.advice = advice
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"{self.sentence} {advice}".rstrip())

    @property
    def sentence(self) -> str:
        """What happened, without the advice, for where that is shown on its own."""
        code = f" (HTTP {self.status})" if self.status is not None else ""
        return f"{self.channel}: {self.action} failed{code}: {self.said.rstrip('.')}."


class SameKeyRetry(ChannelError):
    """The outcome is unknown (time-out, 5xx, dropped connection, throttled); resend with the same key."""


class NewKeyRetry(ChannelError):
    """It was refused because the channel's state has moved (stale compare); re-read and decide again."""


class RowRejected(ChannelError):
    """One row was refused for good: a dead mapping, an item that cannot be written, a bad value."""


class ChannelDown(ChannelError):
    """The channel takes no writes at present (outage, frozen shop, WAF, quota closed)."""


class CredentialsBad(ChannelError):
    """The token is revoked, expired or lacks a scope; writes stop until a person mends it."""
