"""Sections of the configuration about stock itself: cycle counts, and what is low."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onhand.domain.count_plan import CountIntervals
from onhand.domain.count_watch import WatchRules
from onhand.domain.cycle_counts import CountRules
from onhand.domain.low_stock import LowStockRules


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CountSettings(_Section):
    """Counts of shelves: how far one may be off before it needs a second look, what small ones may add up to, and how
    often shelves are counted. Percentages are of what the ledger expected on hand.

    Off by at most `tolerance_units` or `tolerance_percent`: as good as right. By `escalate_percent` or more: not posted
    until a second count or an operator confirms it. What is posted adds up for `watch_days`.
    """

    tolerance_units: int = Field(default=1, ge=0)
    tolerance_percent: float = Field(default=1, ge=0, le=100)
    escalate_percent: float = Field(default=5, ge=0, le=100)
    watch_days: int = Field(default=90, ge=1, le=3_660)
    watch_units_sku: int = Field(default=10, ge=1)
    watch_units_location: int = Field(default=100, ge=1)
    watch_units_total: int = Field(default=200, ge=1)
    real_time_days: int = Field(default=30, ge=1, le=3_660)
    quarter_hour_days: int = Field(default=90, ge=1, le=3_660)
    hourly_days: int = Field(default=180, ge=1, le=3_660)

    @model_validator(mode="after")
    def _escalation_is_above_tolerance(self) -> Self:
        if self.escalate_percent < self.tolerance_percent:
            raise ValueError("escalate_percent is below tolerance_percent; accepted: at least that")
        return self

    def rules(self) -> CountRules:
        """The domain's record of what a count may be off."""
        return CountRules(self.tolerance_units, self.tolerance_percent, self.escalate_percent)

    def watch_rules(self) -> WatchRules:
        """The domain's record of what small differences may add up to."""
        return WatchRules(
            self.watch_days, self.watch_units_sku, self.watch_units_location, self.watch_units_total
        )

    def intervals(self) -> CountIntervals:
        """The domain's record of how often shelves are counted."""
        return CountIntervals(self.real_time_days, self.quarter_hour_days, self.hourly_days)


class LowStockRuleSettings(_Section):
    """From how many units on named SKUs, or those with a tag, are low."""

    units: int = Field(ge=0, le=1_000_000_000)
    skus: list[str] = []
    tag: str | None = None

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if bool(self.skus) == (self.tag is not None):
            raise ValueError("give skus, or tag")
        return self


class LowStockSettings(_Section):
    """From how few available units on people are told of a SKU. A rule for the SKU counts before one for a tag, an
    earlier one before a later one, then, where wanted, the SKU's reorder point, and `units` where there is none of
    these; without it such SKUs are not watched."""

    units: int | None = Field(default=None, ge=0, le=1_000_000_000)
    recover_percent: float = Field(default=20, ge=0, le=1_000)
    reorder_points: bool = False
    rules: list[LowStockRuleSettings] = []

    def thresholds(self) -> LowStockRules:
        """The domain's record of these settings."""
        by_sku: dict[str, int] = {}
        for rule in self.rules:
            for sku in rule.skus:
                by_sku.setdefault(sku, rule.units)
        by_tag = tuple((rule.tag, rule.units) for rule in self.rules if rule.tag is not None)
        return LowStockRules(self.units, by_sku, by_tag, self.recover_percent, self.reorder_points)
