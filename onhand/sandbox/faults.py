"""What can go wrong with a sandbox shop, one record a kind, as it is switched on by JSON.

Whether a fault strikes follows from its seed and from how many calls (or levels, or deliveries) it has seen since it
was switched on, so that a bad day can be had again. How a platform words it is in `<platform>/failing.py`.
"""

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

SECONDS_MAX = 86_400.0
SHARE = Field(default=1.0, gt=0, le=1)

Calls = Literal["all", "reads", "writes"]


class Fault(BaseModel):
    """What every fault has.

    `seconds`: how long it lasts; None until it is switched off. `seed`: decides what it strikes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    title: ClassVar[str]
    """What people are told of it."""

    seconds: float | None = Field(default=None, gt=0, le=SECONDS_MAX)
    seed: int = 0


class Striking(Fault):
    """A fault that strikes some and not others: a `share` of them, and after `strikes` of them it is over."""

    share: float = SHARE
    strikes: int | None = Field(default=None, ge=1)


class OnCalls(Striking):
    """A fault of calls: of all, or only of those that read or write."""

    calls: Calls = "all"


class Throttle(OnCalls):
    """Calls are refused as too many; with `retry_after_seconds` the answer says when to come back.

    Shopify says THROTTLED in an HTTP 200, unless `as_http` or a Retry-After is wanted: then it is an HTTP 429.
    """

    title = "Too many calls, it says"
    kind: Literal["throttle"] = "throttle"
    retry_after_seconds: float | None = Field(default=None, gt=0, le=3_600)
    as_http: bool = False


class ServerError(OnCalls):
    """Calls end in a 5xx with the platform's own JSON; on Shopify 200 is its INTERNAL_SERVER_ERROR in a 200.

    `applied`: the call was carried out before it failed.
    """

    title = "Server errors"
    kind: Literal["server_error"] = "server_error"
    status: Literal[200, 500, 502, 503, 504] = 500
    applied: bool = False


class HtmlPage(OnCalls):
    """Calls are answered by a page for people: a challenge with a 200, a firewall's 403, a gateway's 502 to 504.

    `applied`: the call was carried out behind it.
    """

    title = "Pages of HTML for answers"
    kind: Literal["html_page"] = "html_page"
    status: Literal[200, 403, 502, 503, 504] = 503
    applied: bool = False


class SlowDrip(OnCalls):
    """Calls are carried out, and their answers come byte by byte."""

    title = "Answers that drip"
    kind: Literal["slow_drip"] = "slow_drip"
    bytes_per_second: float = Field(default=20.0, gt=0, le=100_000)


class ResetBeforeWrite(Striking):
    """The connection is cut when a write has arrived, and nothing of it is done."""

    title = "Hangs up before a write is done"
    kind: Literal["reset_before_write"] = "reset_before_write"


class ResetAfterWrite(Striking):
    """A write is carried out, and the connection is cut in place of its answer."""

    title = "Hangs up after a write is done"
    kind: Literal["reset_after_write"] = "reset_after_write"


class LostWrites(Striking):
    """A share of the written levels is answered with success, and is not kept."""

    title = "Loses writes, and says nothing"
    kind: Literal["lost_writes"] = "lost_writes"


class PartialBatch(Striking):
    """A share of the levels in a write is refused in the platform's words for one item."""

    title = "Refuses some levels of a call"
    kind: Literal["partial_batch"] = "partial_batch"


class LateVisibility(Fault):
    """Reads show a level as it was, until a change of it is so old; what a platform delays anyway comes before."""

    title = "Reads show old levels"
    kind: Literal["late_visibility"] = "late_visibility"
    by_seconds: float = Field(default=5.0, gt=0, le=3_600)


class Picking(Fault):
    """A fault that is done to a `count` or a `share` of what the shop has, as it is switched on: one, unless said."""

    count: int | None = Field(default=None, ge=1)
    share: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="after")
    def _one_measure(self) -> "Picking":
        if self.count is not None and self.share is not None:
            raise ValueError("count or share, not both")
        return self


class ChangeLevels(Picking):
    """A person, or another program by the API, sets levels to other numbers, at most `most` units away.

    With `every_seconds` again and again. `silent`: as a plugin that writes the table: no webhook, no new date.
    """

    title = "Somebody changes levels"
    kind: Literal["change_levels"] = "change_levels"
    most: int = Field(default=10, ge=1, le=1_000_000)
    every_seconds: float | None = Field(default=None, ge=0.01, le=SECONDS_MAX)
    by: Literal["person", "program"] = "person"
    silent: bool = False


class PolicyFlip(Picking):
    """Items are set to sell on at zero: Shopify's CONTINUE, WooCommerce's backorders. As they were when it ends,
    unless `stays`."""

    title = "Items sell on at zero"
    kind: Literal["policy_flip"] = "policy_flip"
    stays: bool = False


class Untrack(Picking):
    """The platform no longer keeps stock for items. As they were when it ends, unless `stays`."""

    title = "Items are not tracked"
    kind: Literal["untrack"] = "untrack"
    stays: bool = False


class WebhooksDoubled(Striking):
    """A share of the deliveries is sent twice."""

    title = "Webhooks come twice"
    kind: Literal["webhooks_doubled"] = "webhooks_doubled"


class WebhooksShuffled(Striking):
    """A share of the deliveries lets up to eight later ones go first."""

    title = "Webhooks come out of order"
    kind: Literal["webhooks_shuffled"] = "webhooks_shuffled"


class WebhooksLate(Striking):
    """A share of the deliveries waits, for somewhere between `least_seconds` and `most_seconds`."""

    title = "Webhooks come late"
    kind: Literal["webhooks_late"] = "webhooks_late"
    least_seconds: float = Field(default=1.0, ge=0, le=SECONDS_MAX)
    most_seconds: float = Field(default=10.0, ge=0, le=SECONDS_MAX)

    @model_validator(mode="after")
    def _in_order(self) -> "WebhooksLate":
        if self.least_seconds > self.most_seconds:
            raise ValueError("least_seconds is no more than most_seconds")
        return self


class WebhooksDropped(Striking):
    """A share of the deliveries is never sent."""

    title = "Webhooks are lost"
    kind: Literal["webhooks_dropped"] = "webhooks_dropped"


class SubscriptionsDeleted(Fault):
    """Every webhook subscription is deleted, once, as it is switched on. They do not come back by themselves."""

    title = "Webhook subscriptions deleted"
    kind: Literal["subscriptions_deleted"] = "subscriptions_deleted"


class SubscriptionsDisabled(Fault):
    """Every webhook subscription is switched off, once; Shopify knows no such state and deletes them."""

    title = "Webhook subscriptions switched off"
    kind: Literal["subscriptions_disabled"] = "subscriptions_disabled"


class CredentialsRevoked(OnCalls):
    """Nobody is let in: 401, or 403 for an account that may do nothing any more."""

    title = "Credentials revoked"
    kind: Literal["credentials_revoked"] = "credentials_revoked"
    status: Literal[401, 403] = 401


class VersionRetired(OnCalls):
    """The API version is no more. Shopify serves the oldest version it has instead, and names it in a header; `gone`
    (and everywhere else) the address is answered with 404."""

    title = "API version retired"
    kind: Literal["version_retired"] = "version_retired"
    gone: bool = False


AnyFault = Annotated[
    Throttle
    | ServerError
    | HtmlPage
    | SlowDrip
    | ResetBeforeWrite
    | ResetAfterWrite
    | LostWrites
    | PartialBatch
    | LateVisibility
    | ChangeLevels
    | PolicyFlip
    | Untrack
    | WebhooksDoubled
    | WebhooksShuffled
    | WebhooksLate
    | WebhooksDropped
    | SubscriptionsDeleted
    | SubscriptionsDisabled
    | CredentialsRevoked
    | VersionRetired,
    Field(discriminator="kind"),
]
"""Every kind there is."""

_FAULT: TypeAdapter[AnyFault] = TypeAdapter(AnyFault)

BY_KIND: dict[str, type[Fault]] = {
    str(kind.model_fields["kind"].default): kind for kind in get_args(get_args(AnyFault)[0])
}
"""The records by their `kind`."""


def fault_of(body: Any) -> AnyFault:
    """A fault from decoded JSON. Raises ValueError, which says field by field what is wrong."""
    kind = body.get("kind") if isinstance(body, dict) else None
    if kind not in BY_KIND:
        raise ValueError(f"kind is {kind!r}; there are {', '.join(BY_KIND)}")
    try:
        return _FAULT.validate_python(body)
    except ValidationError as error:
        said = "; ".join(
            f"{'.'.join(str(step) for step in each['loc'][1:]) or 'fault'}: {each['msg']}"
            for each in error.errors()
        )
        raise ValueError(f"{kind}: {said}") from error
