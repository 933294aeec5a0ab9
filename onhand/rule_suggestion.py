"""Rules that fit what was sold, and what they would have changed in the same days. Nothing is written."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

from onhand.domain.listings import RuleBook
from onhand.domain.retuning import Evidence, Suggestion, applied, suggestions
from onhand.ledger import past_demand, velocity
from onhand.ledger.database import Pool
from onhand.rule_check import Replayed, replay


@dataclass(frozen=True, slots=True)
class Retuned:
    """What should be another, why, and the days gone through under both; None where nothing should."""

    suggestions: list[Suggestion]
    sold: dict[str, int]
    replayed: Replayed | None


async def suggest(pool: Pool, rules: RuleBook, since: datetime) -> Retuned:
    """Look at what was sold since then, on every channel of the rules, and say what of its rule should be another."""
    sold: Counter[str] = Counter(dict.fromkeys(rules.channels, 0))
    async for sku in past_demand.since(pool, since):
        for happening in sku.happenings:
            if happening.channel in rules.channels:
                sold[happening.channel] += happening.units
    lacking = await velocity.units_lacking(pool)
    evidence = {name: Evidence(units, *lacking.get(name, (None, None))) for name, units in sold.items()}
    own = {name: section.rule for name, section in rules.channels.items()}
    found = suggestions(own, evidence)
    if not found:
        return Retuned([], dict(sold), None)
    new = applied(own, found)
    channels = {name: replace(section, rule=new[name]) for name, section in rules.channels.items()}
    return Retuned(found, dict(sold), await replay(pool, rules, replace(rules, channels=channels), since))
