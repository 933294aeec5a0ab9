"""When a SKU has to be reordered, and how much of it. Pure.

Per day: d mean demand, s its standard deviation; L days of lead time, sL their standard deviation; R days from one look
at stock to the next; z the quantile of the normal distribution at the service level.

    deviation      = sqrt((L + R) s^2 + d^2 sL^2)      demand and lead time vary, independently of each other
    reorder point  = d (L + R) + z deviation           order when the position is at or below it
    position       = available + incoming + in transit

The first two are Silver, Pyke and Thomas, "Inventory and Production Management in Supply Chains"; the economic quantity
is Harris's (1913). `available` is what is on hand less what is committed, and below zero by what is on backorder.
"""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil, lcm, sqrt
from statistics import NormalDist

from onhand.domain.classification import DemandClass
from onhand.domain.forecast import Forecast, Method
from onhand.domain.quantiles import counted_quantile, normal_quantile

NORMAL_MEAN_MIN = 10.0
"""Units over the lead time: where fewer are asked for, demand is counted by the piece."""
FILL_STEPS = 60
"""Halvings of a bisection; each makes the answer twice as exact."""


@dataclass(frozen=True, slots=True)
class LeadTime:
    """Days from an order to its receipt, with their standard deviation, and days from one look at stock to the next."""

    days: float
    deviation: float = 0.0
    review_days: float = 0.0

    @property
    def covered_days(self) -> float:
        """Days that stock has to last from the moment it is looked at, if it is not ordered then."""
        return self.days + self.review_days


@dataclass(frozen=True, slots=True)
class Demand:
    """Units asked for a day, with the standard deviation of a day, and how demand comes."""

    per_day: float
    deviation: float
    demand_class: DemandClass = DemandClass.SMOOTH

    @property
    def counted(self) -> bool:
        """Whether it comes in few pieces or lumps, so that the normal distribution is wrong for it."""
        return self.demand_class in (DemandClass.INTERMITTENT, DemandClass.LUMPY)


DAYS_OF_PERIOD = 7
"""Periods of a forecast are weeks, so that no day of the week has to be told from another."""


def daily(found: Forecast) -> Demand:
    """A forecast by week as demand by day; its days are independent of each other."""
    return Demand(found.rate / DAYS_OF_PERIOD, found.deviation / sqrt(DAYS_OF_PERIOD), found.demand_class)


@dataclass(frozen=True, slots=True)
class Costs:
    """Of an order (whatever its size), and of holding a unit for a year."""

    order: float
    holding: float


@dataclass(frozen=True, slots=True)
class Policy:
    """What a merchant wants of planning.

    `service`: chance (0 to 1) that a cycle ends without a stock-out; `fill`: instead, the share of what is asked for
    that is to be at hand. `method` None: each SKU by the method that was best for it. `lead` is of SKUs without a known
    supplier. An order lasts for `cover_days`; where `order_cost` and `holding_share` (of a unit's cost, a year) are
    above 0 and the unit's cost is known, it is the economic quantity.
    """

    service: float = 0.95
    fill: float | None = None
    history_weeks: int = 52
    method: Method | None = None
    lead: LeadTime = LeadTime(14, 0, 1)
    cover_days: float = 14
    order_cost: float = 0.0
    holding_share: float = 0.0
    refresh: timedelta = timedelta(hours=24)

    def costs(self, unit_cost: float | None) -> Costs | None:
        """What an order and a unit held for a year cost; None where one of them is not known."""
        if unit_cost is None or self.order_cost <= 0 or self.holding_share <= 0:
            return None
        return Costs(self.order_cost, self.holding_share * unit_cost)


@dataclass(frozen=True, slots=True)
class Terms:
    """In which quantities a supplier sells, in units: whole packs, at least the minimum, in the end a multiple."""

    pack: int = 1
    minimum: int = 0
    multiple: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """Order when the position is at or below `point`, as much as brings it to `target`; in units."""

    point: int
    target: int


def lead_demand(demand: Demand, lead: LeadTime) -> tuple[float, float]:
    """Mean and variance of what is asked for until an order that is not placed now could be here."""
    mean = demand.per_day * lead.covered_days
    variance = lead.covered_days * demand.deviation**2 + (demand.per_day * lead.deviation) ** 2
    return mean, variance


def reorder_point(demand: Demand, lead: LeadTime, service: float) -> float:
    """The position at which to order, so that a cycle ends without a stock-out with the chance `service` (0 to 1)."""
    mean, variance = lead_demand(demand, lead)
    if demand.counted or mean < NORMAL_MEAN_MIN:
        return float(counted_quantile(mean, variance, service))
    return normal_quantile(mean, variance, service)


def unit_loss(z: float) -> float:
    """Units short in a cycle, on average, in standard deviations, where stock covers z of them: G(z)."""
    normal = NormalDist()
    return normal.pdf(z) - z * (1 - normal.cdf(z))


def fill_rate_point(demand: Demand, lead: LeadTime, fill: float, quantity: float) -> float:
    """The position at which to order `quantity` units a time, so that the share `fill` of what is asked for is at hand.

    Solves G(z) = quantity (1 - fill) / deviation. Never below what is asked for on average.
    """
    mean, variance = lead_demand(demand, lead)
    if variance <= 0:
        return mean
    aim = quantity * (1 - fill) / sqrt(variance)
    low, high = 0.0, 10.0
    for _ in range(FILL_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if unit_loss(middle) > aim else (low, middle)
    return mean + low * sqrt(variance)


def economic_quantity(per_year: float, costs: Costs) -> float:
    """Units of an order at which ordering and holding together cost least."""
    return sqrt(2 * costs.order * per_year / costs.holding)


def plan(
    demand: Demand,
    lead: LeadTime,
    service: float,
    cover_days: float,
    costs: Costs | None = None,
    fill: float | None = None,
) -> Plan:
    """When to order, and up to what: an order lasts for `cover_days`, or is the economic quantity if costs are given.

    With `fill` that share of what is asked for is to be at hand, instead of that chance of a cycle without a stock-out.
    """
    lot = demand.per_day * cover_days
    if costs is not None and demand.per_day > 0:
        lot = economic_quantity(demand.per_day * 365, costs)
    if fill is None or demand.counted:
        point = reorder_point(demand, lead, service if fill is None else fill)
    else:
        point = fill_rate_point(demand, lead, fill, max(lot, 1.0))
    return Plan(ceil(round(point, 6)), ceil(round(point + lot, 6)))


def position(available: int, incoming: int, in_transit: int) -> int:
    """Units that are there for who asks next, or are coming without another order; never what is on hand alone."""
    return available + incoming + in_transit


def rounded_up(units: int, terms: Terms) -> int:
    """At least so many units as the supplier sells them: up to whole packs, then the minimum, then the multiple."""
    packs = -(-units // terms.pack) * terms.pack
    least = -(-max(packs, terms.minimum) // terms.pack) * terms.pack
    step = lcm(terms.pack, terms.multiple)
    return -(-least // step) * step


def to_order(now: int, wanted: Plan, terms: Terms) -> int:
    """Units to order at a position of `now`; 0 where it is above the reorder point, or nothing is ever asked for."""
    if now > wanted.point or now >= wanted.target:
        return 0
    return rounded_up(wanted.target - now, terms)
