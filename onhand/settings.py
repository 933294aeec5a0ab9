"""The configuration: one `onhand.toml`, read once, checked whole; secrets come from the environment by name.

A wrong setting is reported with its key, what was given and what is accepted, all of them at once.
"""

import os
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from onhand.domain.counts import CountMeaning
from onhand.domain.drift import Response
from onhand.domain.forecast import Method
from onhand.domain.guard import Limits
from onhand.domain.listings import EVERY_CHANNEL, ChannelRules, RuleBook
from onhand.domain.reasons import REASONS
from onhand.domain.reorder import LeadTime, Policy
from onhand.domain.rules import Buffer, BufferTake, Duplicates, Mode, Rule, RuleRefusedError
from onhand.domain.spikes import SpikeRules
from onhand.domain.velocity import TierRules
from onhand.redaction import register_secret
from onhand.settings_faults import faults
from onhand.settings_stock import CountSettings, LowStockSettings

CONFIG_NAME = "onhand.toml"
CONFIG_VARIABLE = "ONHAND_CONFIG"
DEMO_CONFIG = Path(".onhand") / "demo.toml"
"""Written by `onhand demo`, so that other commands beside it need no --config."""

PLAYBOOK = (
    "1. Look for the units: onhand explain SKU tells where some are, or were counted last. "
    "2. What is found, or can come in time: post it (onhand stock count, receive or transfer). "
    "3. Otherwise cancel the orders listed, the newest first, on the channel they came from, and tell those "
    "buyers today. It is over by itself once nothing is short."
)
"""What to do about an oversell, unless the configuration says it better."""

SOURCE_COUNTS = "source"
"""The `counted_by` of a location that the configured source counts."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
VariableName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]


class SettingsError(Exception):
    """The configuration cannot be used; the message lists every wrong key."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LocationSettings(_Section):
    """A place that holds stock.

    `counted_by`: another party keeps this stock, and only its counts are taken: a client, or "source" for the
    configured one; they may be `lag_seconds` behind. Only the channels of `sellable_on` may sell from there.
    `pickup`: buyers fetch what they buy there, so a channel's place that shows it alone shows what it really holds,
    less `pickup_buffer` units.
    """

    name: str = ""
    counted_by: Name | None = None
    lag_seconds: float = Field(default=0, ge=0, le=86_400)
    sellable_on: list[Name] = []
    pickup: bool = False
    pickup_buffer: int = Field(default=0, ge=0, le=1_000_000)

    @model_validator(mode="after")
    def _is_of_another_party(self) -> Self:
        if self.counted_by is None and (self.sellable_on or self.lag_seconds):
            raise ValueError("sellable_on or lag_seconds is given; accepted only with counted_by")
        return self


class BufferSettings(_Section):
    """Units held back from a channel for safety: a number, a percentage of the pool, or both with `take`; and with
    `velocity` what other channels sell until this one shows a change."""

    units: int | None = Field(default=None, ge=0, le=1_000_000)
    percent: Decimal | None = Field(default=None, ge=0, le=100)
    take: BufferTake = BufferTake.GREATER
    velocity: bool = False

    def buffer(self) -> Buffer:
        """The domain's record of this setting."""
        return Buffer(units=self.units, percent=self.percent, take=self.take, velocity=self.velocity)


class RuleSettings(_Section):
    """How much of the pool a channel shows. See docs/allocation.md for each step in order.

    Where at most `last_units` are left, they are for `last_channel` alone.
    """

    mode: Mode = Mode.ADAPTIVE
    share: Decimal = Field(default=Decimal(100), ge=0, le=100)
    reserve: int = Field(default=0, ge=0)
    cap: int | None = Field(default=None, ge=0)
    minimum_to_show: int = Field(default=0, ge=0)
    duplicates: Duplicates = Duplicates.EACH
    buffer: BufferSettings = BufferSettings()
    last_units: int = Field(default=0, ge=0, le=1_000_000)
    last_channel: Name | None = None

    def rule(self, name: str) -> Rule:
        """The domain's record; `name` is the key an operator finds it under."""
        return Rule(
            mode=self.mode,
            share=self.share,
            reserve=self.reserve,
            cap=self.cap,
            minimum_to_show=self.minimum_to_show,
            buffer=self.buffer.buffer(),
            name=name,
            last_units=self.last_units,
            last_channel=self.last_channel or "",
            duplicates=self.duplicates,
        )


class SkuRuleSettings(RuleSettings):
    """A rule for named SKUs and for SKUs with certain tags, on one channel or on every one; it replaces, as a whole,
    each rule that says less exactly what it is for."""

    channel: Name | None = None
    skus: list[str] = Field(default=[], min_length=1)
    tags: list[str] = Field(default=[], min_length=1)

    @model_validator(mode="after")
    def _is_for_something(self) -> Self:
        if not self.skus and not self.tags:
            raise ValueError("give skus, tags, or both")
        return self


class _ChannelSettings(_Section):
    """`orders`: whether its orders are taken in ("listen"), or reach the ledger by the source ("ignore").

    `authority_for`: locations of which a level that a person changes there is a count; each has to be shown by one
    place alone, all of it. `returns`: what a channel puts back on its shelf after it was shipped can be sold at once
    ("trust"), or waits in quality control ("inspect"). `webhook_secret_envs`: what its webhooks are signed with, the
    newest secret first; several while one is being replaced. `hide_at_zero`: listings that show nothing are taken out
    of sight, where it can. `partner`: whose wholesale programmes its orders draw on. SETS_BLINDLY: all that can be done
    there to a level that sells is to set it (its adapter's capabilities say the same).
    """

    SETS_BLINDLY: ClassVar[bool] = False
    base_url: str = Field(pattern=r"^https?://")
    enabled: bool = True
    rule: RuleSettings | None = None
    orders: Literal["listen", "ignore"] = "listen"
    returns: Literal["trust", "inspect"] = "trust"
    webhook_secret_envs: list[VariableName] = Field(default=[], max_length=4)
    authority_for: list[Name] = []
    hide_at_zero: bool = False
    partner: Name | None = None

    def authority(self) -> dict[str, str]:
        """Places where a level that a person changes is a count, and of which location."""
        shown = self.draws_on().items()
        return {
            place: found[0] for place, found in shown if len(found) == 1 and found[0] in self.authority_for
        }

    def draws_on(self) -> dict[str, list[str]]:
        """Which of our locations each place of the channel shows; key "" where the channel has one number."""
        raise AssertionError("each platform's section answers this")

    def secrets(self) -> list[str]:
        """The environment variables this channel needs."""
        raise AssertionError("each platform's section answers this")

    def webhook_secrets(self) -> list[str]:
        """The environment variables whose secrets sign the channel's webhooks, the newest first."""
        return list(self.webhook_secret_envs)


class ShopifySettings(_ChannelSettings):
    """A Shopify store. Give `token_env`, or `client_id_env` and `client_secret_env` for a client-credentials app."""

    platform: Literal["shopify"]
    api_version: str = Field(default="2026-10", pattern=r"^\d{4}-\d{2}$")
    token_env: VariableName | None = None
    client_id_env: VariableName | None = None
    client_secret_env: VariableName | None = None
    places: dict[str, list[Name]] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        pair = (self.client_id_env, self.client_secret_env)
        if (self.token_env is None) == (None in pair) and self.token_env is None:
            raise ValueError("give token_env, or client_id_env and client_secret_env")
        return self

    def draws_on(self) -> dict[str, list[str]]:
        return dict(self.places)

    def secrets(self) -> list[str]:
        own = [v for v in (self.token_env, self.client_id_env, self.client_secret_env) if v is not None]
        return list(dict.fromkeys([*own, *self.webhook_secrets()]))

    def webhook_secrets(self) -> list[str]:
        """Shopify signs with the app's client secret, which the section mostly names already."""
        own = [] if self.client_secret_env is None else [self.client_secret_env]
        return super().webhook_secrets() or own


class WooCommerceSettings(_ChannelSettings):
    """A WooCommerce shop; it keeps one number per product, the sum of the locations it draws on."""

    SETS_BLINDLY: ClassVar[bool] = True
    platform: Literal["woocommerce"]
    key_env: VariableName
    secret_env: VariableName
    locations: list[Name] = Field(min_length=1)
    concurrency_max: int = Field(default=3, ge=1, le=16)

    def draws_on(self) -> dict[str, list[str]]:
        return {"": list(self.locations)}

    def secrets(self) -> list[str]:
        return [self.key_env, self.secret_env, *self.webhook_secrets()]


class BigCommerceSettings(_ChannelSettings):
    """A BigCommerce store. `base_url` ends with /stores/{hash}.

    `client_secret_env`: the API account's client secret, with which the platform's own signature is checked as well.
    """

    SETS_BLINDLY: ClassVar[bool] = True
    platform: Literal["bigcommerce"]
    token_env: VariableName
    client_secret_env: VariableName | None = None
    places: dict[str, list[Name]] = Field(min_length=1)
    quota_share: float = Field(default=0.75, gt=0, le=1)

    def draws_on(self) -> dict[str, list[str]]:
        return dict(self.places)

    def secrets(self) -> list[str]:
        own = [variable for variable in (self.token_env, self.client_secret_env) if variable is not None]
        return [*own, *self.webhook_secrets()]


ChannelSettings = Annotated[
    ShopifySettings | WooCommerceSettings | BigCommerceSettings, Field(discriminator="platform")
]


class LedgerSource(_Section):
    """Onhand's own ledger is the truth; nothing is fetched."""

    kind: Literal["ledger"] = "ledger"

    def lag(self) -> timedelta:
        """Nothing is behind itself."""
        return timedelta(0)


class _FetchedSource(_Section):
    """`lag_seconds`: so far a number may be behind the channels' sales. A sale made so shortly before its moment stays
    taken off until a later number."""

    lag_seconds: float = Field(default=0, ge=0, le=86_400)

    def lag(self) -> timedelta:
        """By how much a number may be behind what happened."""
        return timedelta(seconds=self.lag_seconds)


class CsvSource(_FetchedSource):
    """A CSV file or a folder of them. A column that is not named here is known by its usual headings; `location`
    says where the stock of a file without a location column is."""

    kind: Literal["csv"]
    path: Path
    meaning: CountMeaning = CountMeaning.AVAILABLE
    sku_column: str | None = None
    quantity_column: str | None = None
    location_column: str | None = None
    as_of_column: str = ""
    location: Name | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    encoding: str = "cp1252"
    rows_drop_max: float = Field(default=0.5, gt=0, le=1)
    settle_seconds: float = Field(default=2.0, ge=0, le=600)
    decimal_mark: Literal[".", ","] = "."
    thousands_mark: Literal["", ",", ".", " ", "'"] = ""
    duplicates: Literal["refuse", "sum", "last"] = "refuse"


class PostgresSource(_FetchedSource):
    """A table or view of another Postgres database."""

    kind: Literal["postgres"]
    dsn_env: VariableName
    relation: str
    meaning: CountMeaning = CountMeaning.AVAILABLE
    sku_column: str = "sku"
    quantity_column: str = "quantity"
    location_column: str | None = "location"
    location: Name | None = None
    updated_at_column: str | None = "updated_at"
    key_columns: list[str] = Field(default=["sku", "location"], min_length=1)
    xid_column: str | None = None
    overlap_seconds: int = Field(default=300, ge=0, le=86_400)
    safety_seconds: int = Field(default=5, ge=0, le=3_600)


SourceSettings = Annotated[LedgerSource | CsvSource | PostgresSource, Field(discriminator="kind")]


class ScheduleSettings(_Section):
    """The periodic sync, and the sweep of each channel's orders."""

    every_minutes: int = Field(default=15, ge=1, le=1_440)
    jitter_seconds: int = Field(default=0, ge=0, le=600)
    sweep_seconds: int = Field(default=60, ge=10, le=3_600)
    disprove_after_seconds: int = Field(default=120, ge=10, le=3_600)


class TierSettings(_Section):
    """From how many units sold a day a SKU belongs to a tier: real-time, every 15 minutes, or (below) hourly."""

    real_time_per_day: float = Field(default=10, ge=0)
    quarter_hour_per_day: float = Field(default=1, ge=0)
    half_life_days: float = Field(default=3, ge=0.1, le=90)
    hysteresis: float = Field(default=0.2, ge=0, lt=1)
    refresh_minutes: int = Field(default=15, ge=1, le=1_440)

    @model_validator(mode="after")
    def _fast_is_above_slow(self) -> Self:
        if self.quarter_hour_per_day > self.real_time_per_day:
            raise ValueError("quarter_hour_per_day is above real_time_per_day; accepted: at most that")
        return self

    def rules(self) -> TierRules:
        """The domain's record of these settings."""
        return TierRules(
            real_time_per_day=self.real_time_per_day,
            quarter_hour_per_day=self.quarter_hour_per_day,
            half_life_days=self.half_life_days,
            hysteresis=self.hysteresis,
            refresh=timedelta(minutes=self.refresh_minutes),
        )


class SpikeSettings(_Section):
    """When a SKU spikes, and what is held back meanwhile: it sold `units_min` units or more in the last hour, and
    `begin_times` what is usual; it has calmed below `end_times` of it."""

    enabled: bool = True
    begin_times: float = Field(default=5, ge=1, le=1_000)
    end_times: float = Field(default=2, ge=0, le=1_000)
    units_min: int = Field(default=20, ge=1, le=1_000_000)
    hold_units: int = Field(default=2, ge=0, le=1_000_000)

    @model_validator(mode="after")
    def _ends_below_where_it_begins(self) -> Self:
        if self.end_times > self.begin_times:
            raise ValueError("end_times is above begin_times; accepted: at most that")
        return self

    def rules(self) -> SpikeRules:
        """The domain's record of these settings."""
        return SpikeRules(self.enabled, self.begin_times, self.end_times, self.units_min, self.hold_units)


class ReconcileSettings(_Section):
    """Reading every channel back, and what is done about levels that drifted. Percentages are of the level.

    Off by at most `tolerance_percent` or `tolerance_units`: told again. By more than `halt_percent` and at least
    `halt_units_min` units: halted. In between: told again, and `widen_units` more kept from the listing for a while.
    """

    every_minutes: int = Field(default=15, ge=0, le=1_440)
    after_sync: bool = True
    settle_seconds: float = Field(default=10, ge=0, le=600)
    tolerance_percent: float = Field(default=5, ge=0, le=100)
    tolerance_units: int = Field(default=2, ge=0)
    halts: bool = True
    halt_percent: float = Field(default=10, ge=0, le=100)
    halt_units_min: int = Field(default=3, ge=1)
    widen_units: int = Field(default=2, ge=1)
    widen_units_max: int = Field(default=10, ge=1)
    clean_reads_to_lift: int = Field(default=2, ge=0, le=100)
    accept_overselling: bool = False

    @model_validator(mode="after")
    def _halts_are_above_tolerance(self) -> Self:
        if self.halt_percent < self.tolerance_percent:
            raise ValueError("halt_percent is below tolerance_percent; accepted: at least that")
        return self

    def response(self) -> Response:
        """The domain's record of these settings."""
        return Response(
            tolerance_percent=self.tolerance_percent,
            tolerance_units=self.tolerance_units,
            halt_percent=self.halt_percent,
            halt_units_min=self.halt_units_min,
            halts=self.halts,
            widen_units=self.widen_units,
            widen_units_max=self.widen_units_max,
            clean_reads_to_lift=self.clean_reads_to_lift,
        )


class SlackSettings(_Section):
    """Where people are told. Without `token_env` nothing is sent."""

    token_env: VariableName | None = None
    channel: str = "#stock"
    alert_channel: str | None = None
    base_url: str = Field(default="https://slack.com/api/", pattern=r"^https?://.*/$")


class SyncSettings(_Section):
    """What a run counts as bad, and how long its traces are kept."""

    failure_alert_share: float = Field(default=0.01, ge=0, le=1)
    mapping_fresh_minutes: int = Field(default=60, ge=0)
    push_retention_days: int = Field(default=30, ge=1)
    sku_update_attempts: int = Field(default=8, ge=1, le=100)
    sku_updates_per_run_max: int = Field(default=1_000, ge=0, le=2_000)
    authority_settle_seconds: float = Field(default=10, ge=0, le=600)
    authority_window_seconds: float = Field(default=300, ge=0, le=86_400)


class GuardSettings(_Section):
    """What one run may do to a channel unasked: above it the run is held until an operator releases it.

    Fewer listings than `listings_min`, or fewer pieces than `units_min` in all, are never held.
    """

    enabled: bool = True
    share_percent: float = Field(default=20, gt=0, le=100)
    listings_min: int = Field(default=5, ge=1, le=1_000_000)
    units_min: int = Field(default=50, ge=0, le=1_000_000_000)

    def limits(self) -> Limits:
        """The domain's record of these settings."""
        return Limits(self.share_percent, self.listings_min, self.units_min, self.enabled)


class PlanningSettings(_Section):
    """When SKUs are to be reordered, and how much of them: see docs/planning.md.

    `lead_days` and `lead_days_deviation` are of SKUs without a supplier. Without `order_cost` and `holding_percent` (of
    what a unit costs, a year) an order lasts for `cover_days`.
    """

    service_percent: float = Field(default=95, ge=50, le=99.99)
    fill_percent: float | None = Field(default=None, ge=50, le=99.99)
    history_weeks: int = Field(default=52, ge=4, le=260)
    forecast: Literal["auto"] | Method = "auto"
    lead_days: float = Field(default=14, ge=0, le=1_000)
    lead_days_deviation: float = Field(default=0, ge=0, le=1_000)
    review_days: float = Field(default=1, ge=0, le=365)
    cover_days: float = Field(default=14, gt=0, le=1_000)
    order_cost: float = Field(default=0, ge=0)
    holding_percent: float = Field(default=0, ge=0, le=1_000)
    refresh_hours: int = Field(default=24, ge=1, le=720)
    create_orders: bool = False

    def policy(self) -> Policy:
        """The domain's record of these settings."""
        return Policy(
            service=self.service_percent / 100,
            fill=None if self.fill_percent is None else self.fill_percent / 100,
            history_weeks=self.history_weeks,
            method=self.forecast if isinstance(self.forecast, Method) else None,
            lead=LeadTime(self.lead_days, self.lead_days_deviation, self.review_days),
            cover_days=self.cover_days,
            order_cost=self.order_cost,
            holding_share=self.holding_percent / 100,
            refresh=timedelta(hours=self.refresh_hours),
        )


class MovementSettings(_Section):
    """What people and warehouse systems may state. `reasons`: the codes of write-offs and adjustments."""

    reasons: list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,40}$")]] = Field(
        default=list(REASONS), min_length=1, max_length=100
    )


class OversellSettings(_Section):
    """What is done when more of a SKU is promised than there is: whether its listings are halted until that is over,
    and what people are told to do."""

    halt: bool = True
    playbook: str = Field(default=PLAYBOOK, max_length=2_000)


class ReportSettings(_Section):
    """The daily report: when it is made of the day before, and in which time zone days begin."""

    at: str = Field(default="07:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    timezone: str = "UTC"

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, given: str) -> str:
        try:
            _zone(given)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                f"given {given!r}; accepted: a time zone this machine knows, for example Europe/London"
            ) from error
        return given

    def zone(self) -> tzinfo:
        """Where days begin."""
        return _zone(self.timezone)


def _zone(name: str) -> tzinfo:
    """UTC is known to machines that have no list of time zones, too."""
    return UTC if name == "UTC" else ZoneInfo(name)


class Scope(StrEnum):
    """What a client of the HTTP app may do."""

    EVENTS = "events"
    """Post events to the ledger."""
    READ = "read"
    """See everything the app shows."""
    OPERATE = "operate"
    """Pause and resume channels, replay deliveries."""


class ClientSettings(_Section):
    """A program or person that speaks to the HTTP app: by bearer token, or by signing its requests, or both.

    Several variables while one secret is being replaced by another. `authority_for`: locations of which its counts are
    judged beside those of other authorities; of others, each of its counts stands. `partner`: whose wholesale
    programmes the orders that it states draw on.
    """

    token_envs: list[VariableName] = Field(default=[], max_length=4)
    hmac_secret_envs: list[VariableName] = Field(default=[], max_length=4)
    scopes: list[Scope] = Field(min_length=1)
    authority_for: list[Name] = []
    partner: Name | None = None

    @model_validator(mode="after")
    def _some_way_in(self) -> Self:
        if not self.token_envs and not self.hmac_secret_envs:
            raise ValueError("give token_envs, hmac_secret_envs, or both")
        if self.authority_for and Scope.EVENTS not in self.scopes:
            raise ValueError('authority_for is given; accepted only with the scope "events"')
        return self


class WebSettings(_Section):
    """The HTTP app. An address that others can reach wants a client in [clients], or `allow_unauthenticated` where a
    proxy with a login stands before it.

    `public_url` is where the channels reach it: webhooks are subscribed to `<public_url>/webhooks/<channel>`.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8600, ge=0, le=65_535)
    allow_unauthenticated: bool = False
    public_url: str = Field(default="", pattern=r"^(https?://.*[^/])?$")


class Settings(_Section):
    """The whole configuration, as one `onhand.toml` states it."""

    data_dir: Path = Path(".onhand")
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    locations: dict[Name, LocationSettings] = Field(min_length=1)
    source: SourceSettings = LedgerSource()
    channels: dict[Name, ChannelSettings] = Field(min_length=1)
    rule: RuleSettings = RuleSettings()
    sku_rules: list[SkuRuleSettings] = []
    schedule: ScheduleSettings = ScheduleSettings()
    sync: SyncSettings = SyncSettings()
    guard: GuardSettings = GuardSettings()
    tiers: TierSettings = TierSettings()
    spikes: SpikeSettings = SpikeSettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    planning: PlanningSettings = PlanningSettings()
    oversell: OversellSettings = OversellSettings()
    counts: CountSettings = CountSettings()
    low_stock: LowStockSettings = LowStockSettings()
    movements: MovementSettings = MovementSettings()
    report: ReportSettings = ReportSettings()
    slack: SlackSettings = SlackSettings()
    web: WebSettings = WebSettings()
    clients: dict[Name, ClientSettings] = {}

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        wrong = [
            *self._unknown_locations(),
            *self._unknown_channels(),
            *self._no_authorities(),
            *self._unknown_counters(),
            *self._not_for_sale(),
        ]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def _unknown_locations(self) -> Iterator[str]:
        known = ", ".join(sorted(self.locations))
        for channel, section in self.channels.items():
            for place, locations in section.draws_on().items():
                key = f"channels.{channel}.places.{place}" if place else f"channels.{channel}.locations"
                for location in locations:
                    if location not in self.locations:
                        yield f"{key}: given {location!r}, which is not in [locations]; accepted: {known}"
        for client, section_of_client in self.clients.items():
            for location in section_of_client.authority_for:
                if location not in self.locations:
                    key = f"clients.{client}.authority_for"
                    yield f"{key}: given {location!r}, which is not in [locations]; accepted: {known}"
        stated = getattr(self.source, "location", None)
        if stated is not None and stated not in self.locations:
            yield f"source.location: given {stated!r}, which is not in [locations]; accepted: {known}"

    def _unknown_channels(self) -> Iterator[str]:
        known = ", ".join(sorted(self.channels))
        named = [(f"sku_rules[{n}].channel", rule.channel) for n, rule in enumerate(self.sku_rules)]
        named += [(f"{key}.last_channel", rule.last_channel) for key, rule in self._rules()]
        for key, channel in named:
            if channel is not None and channel not in self.channels:
                yield f"{key}: given {channel!r}, which is not in [channels]; accepted: {known}"

    def _rules(self) -> Iterator[tuple[str, RuleSettings]]:
        """Every rule with the key an operator finds it under."""
        yield "rule", self.rule
        for name, section in self.channels.items():
            if section.rule is not None:
                yield f"channels.{name}.rule", section.rule
        for n, rule in enumerate(self.sku_rules):
            yield f"sku_rules[{n}]", rule

    def _no_authorities(self) -> Iterator[str]:
        """A level tells what a location has only where it shows that location, nothing else, and all of it."""
        for channel, section in self.channels.items():
            key, alone = f"channels.{channel}.authority_for", list(section.authority().values())
            for location in section.authority_for:
                showing = [place for place, found in section.draws_on().items() if location in found]
                if alone.count(location) != 1 or len(showing) != 1:
                    yield f"{key}: given {location!r}; accepted: a location that exactly one place shows, alone"
            plain = (RuleSettings(), RuleSettings(mode=Mode.POOLED))
            ruled = (section.rule or self.rule) not in plain or any(
                rule.channel in (None, channel) for rule in self.sku_rules
            )
            ruled = ruled or any(self._pickup(section).values())
            if section.authority_for and (ruled or section.orders != "listen"):
                yield f'{key}: given; accepted only on a channel without rules of its own, and with orders = "listen"'

    def _unknown_counters(self) -> Iterator[str]:
        """Whoever counts a location has to be able to say so, and nobody else is an authority for it."""
        clients = sorted(name for name, section in self.clients.items() if Scope.EVENTS in section.scopes)
        fetched = [] if isinstance(self.source, LedgerSource) else [SOURCE_COUNTS]
        for location, section in self.locations.items():
            key, counter = f"locations.{location}", section.counted_by
            if counter is None:
                continue
            if counter not in (*clients, *fetched):
                known = (
                    ", ".join((*clients, *fetched)) or f"a client that may post events, or {SOURCE_COUNTS!r}"
                )
                yield f"{key}.counted_by: given {counter!r}; accepted: {known}"
            for authority, locations in self._authorities().items():
                if location in locations:
                    yield f"{authority}.authority_for: given {location!r}, which {counter} counts alone"
            for channel in section.sellable_on:
                if channel not in self.channels:
                    known = ", ".join(sorted(self.channels))
                    yield f"{key}.sellable_on: given {channel!r}, which is not in [channels]; accepted: {known}"

    def _authorities(self) -> dict[str, list[str]]:
        """Locations by the key of whoever is an authority for them."""
        channels = {f"channels.{name}": section.authority_for for name, section in self.channels.items()}
        return channels | {f"clients.{name}": section.authority_for for name, section in self.clients.items()}

    def _not_for_sale(self) -> Iterator[str]:
        """What another party keeps is sold by nobody else, unless that is said."""
        for channel, section in self.channels.items():
            for place, drawn_on in section.draws_on().items():
                key = f"channels.{channel}.places.{place}" if place else f"channels.{channel}.locations"
                for location in drawn_on:
                    found = self.locations.get(location)
                    if (
                        found is not None
                        and found.counted_by is not None
                        and channel not in found.sellable_on
                    ):
                        yield (
                            f"{key}: given {location!r}, whose stock {found.counted_by} keeps; accepted once "
                            f"locations.{location}.sellable_on names {channel!r}"
                        )

    def counters(self) -> dict[str, tuple[str, timedelta]]:
        """Locations that another party counts: the source of its counts, and how far they may lag."""
        return {
            location: (
                f"source/{self.source.kind}"
                if section.counted_by == SOURCE_COUNTS
                else f"client/{section.counted_by}",
                timedelta(seconds=section.lag_seconds),
            )
            for location, section in self.locations.items()
            if section.counted_by is not None
        }

    def rule_book(self) -> RuleBook:
        """The allocation rules of every enabled channel, named by the key an operator finds them under."""
        return RuleBook(
            channels={
                name: ChannelRules(
                    rule=self._rule_of(name, section),
                    places={place: tuple(found) for place, found in section.draws_on().items()},
                    listens=section.orders == "listen",
                    authority=section.authority(),
                    trusts_returns=section.returns == "trust",
                    pickup=self._pickup(section),
                    hides_at_zero=section.hide_at_zero,
                    partner=section.partner or "",
                    blind=section.SETS_BLINDLY,
                )
                for name, section in self.channels.items()
                if section.enabled
            },
            sku_rules=self._first_rules("skus"),
            guarded=self.guard.enabled,
            tag_rules=self._first_rules("tags"),
        )

    def _pickup(self, section: _ChannelSettings) -> dict[str, int]:
        """Places of a channel that show one shop alone whose buyers fetch what they buy, and its buffer."""
        shown = {place: found[0] for place, found in section.draws_on().items() if place and len(found) == 1}
        shops = {code: shop.pickup_buffer for code, shop in self.locations.items() if shop.pickup}
        return {place: shops[location] for place, location in shown.items() if location in shops}

    def _rule_of(self, name: str, section: _ChannelSettings) -> Rule:
        """A channel's own rule, or the one for all; where neither is said, under the key where it would be."""
        common = section.rule is None and self.rule != RuleSettings()
        rule = (section.rule or self.rule).rule("rule" if common else f"channels.{name}.rule")
        # Its levels tell what a location has, so they show all of it.
        return replace(rule, mode=Mode.POOLED) if section.authority_for else rule

    def _first_rules(self, what: Literal["skus", "tags"]) -> dict[tuple[str, str], Rule]:
        """The rules for SKUs, or for tags, by channel and what they are for; of two for the same, the first."""
        found: dict[tuple[str, str], Rule] = {}
        for n, section in enumerate(self.sku_rules):
            rule = section.rule(f"sku_rules[{n}]")
            for name in section.skus if what == "skus" else section.tags:
                found.setdefault((section.channel or EVERY_CHANNEL, name), rule)
        return found

    def sellers(self) -> dict[str, list[str]]:
        """Under which names the ledger keeps the orders of each wholesale partner: its channels and its clients."""
        found: dict[str, list[str]] = {}
        for name, section in self.channels.items():
            if section.partner is not None:
                found.setdefault(section.partner, []).append(name)
        for name, client in self.clients.items():
            if client.partner is not None:
                found.setdefault(client.partner, []).append(f"client/{name}")
        return found

    def listening_channels(self) -> list[str]:
        """Names of the enabled channels whose orders are taken in."""
        return [name for name in self.enabled_channels() if self.channels[name].orders == "listen"]

    def enabled_channels(self) -> list[str]:
        """Names of the channels that are switched on, in order."""
        return [name for name, section in self.channels.items() if section.enabled]


def find_config(given: Path | None) -> Path:
    """The configuration file to use: the one given, ONHAND_CONFIG, onhand.toml here, or that of the demo here."""
    path = given or Path(os.environ.get(CONFIG_VARIABLE, CONFIG_NAME))
    if given is None and CONFIG_VARIABLE not in os.environ and not path.is_file() and DEMO_CONFIG.is_file():
        return DEMO_CONFIG
    if not path.is_file():
        raise SettingsError(
            f"no configuration at {path}. Copy onhand.example.toml to {CONFIG_NAME}, or name one with --config "
            f"or {CONFIG_VARIABLE}."
        )
    return path


def load_settings(path: Path) -> Settings:
    """Read and check a configuration; relative paths in it are relative to the file. Raises SettingsError."""
    try:
        raw = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise SettingsError(_complaints(path, raw, error)) from error
    try:
        settings.rule_book()
    except RuleRefusedError as error:
        raise SettingsError(f"{path} has 1 wrong setting:\n  {error}") from error
    return _anchored(settings, path.parent)


def secret(variable: str) -> str:
    """The value of a secret's environment variable, from now on masked in logs; raises SettingsError."""
    value = os.environ.get(variable, "")
    if not value:
        raise SettingsError(
            f"the environment variable {variable} is not set; the configuration names it as a secret"
        )
    register_secret(value)
    return value


def _anchored(settings: Settings, folder: Path) -> Settings:
    changes: dict[str, Any] = {"data_dir": (folder / settings.data_dir).resolve()}
    if isinstance(settings.source, CsvSource):
        changes["source"] = settings.source.model_copy(
            update={"path": (folder / settings.source.path).resolve()}
        )
    return settings.model_copy(update=changes)


def _complaints(path: Path, raw: dict[str, Any], error: ValidationError) -> str:
    lines = faults(error, raw, Settings)
    count = "1 wrong setting" if len(lines) == 1 else f"{len(lines)} wrong settings"
    return "\n  ".join([f"{path} has {count}:", *lines])
