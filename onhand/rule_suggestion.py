"""Rules that fit what was sold, and what they would have changed in the same days. Nothing is written."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from onhand.domain.listings import RuleBook
from onhand.domain.retuning import Evidence, Suggestion, applied, suggestions
from onhand.domain.rules import Mode
from onhand.ledger import past_demand, velocity
from onhand.ledger.database import Pool
from onhand.rule_check import Replayed, replay
from onhand.simulation.replaying import Tallies


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
    retuned = await _with_mode(pool, rules, since, evidence)
    if retuned is None:
        retuned = await _gone_through(pool, rules, since, evidence)
    return retuned


async def _with_mode(
    pool: Pool, rules: RuleBook, since: datetime, evidence: Mapping[str, Evidence]
) -> Retuned | None:
    """The same where another mode would do better in these very days; None where it would not."""
    if all(channel.rule.mode is Mode.ADAPTIVE for channel in rules.channels.values()):
        return None
    now = (await replay(pool, rules, rules, since)).present
    known = {
        name: replace(each, oversold=now[name].oversold, starved=now[name].starved)
        for name, each in evidence.items()
    }
    retuned = await _gone_through(pool, rules, since, known)
    if retuned.replayed is None or not any(each.key == "mode" for each in retuned.suggestions):
        return None
    before, after = (_wrong(rules, tallies) for tallies in (now, retuned.replayed.proposed))
    return retuned if after < before else None


def _wrong(rules: RuleBook, tallies: Tallies) -> int:
    """Units oversold, and those that channels whose parts never move refused: a buffer refuses in any mode."""
    moveless = [name for name, channel in rules.channels.items() if channel.rule.mode is Mode.PARTITIONED]
    return sum(tally.oversold for tally in tallies.values()) + sum(tallies[name].starved for name in moveless)


async def _gone_through(
    pool: Pool, rules: RuleBook, since: datetime, evidence: Mapping[str, Evidence]
) -> Retuned:
    sold = {name: each.sold for name, each in evidence.items()}
    own = {name: section.rule for name, section in rules.channels.items()}
    found = suggestions(own, evidence)
    if not found:
        return Retuned([], sold, None)
    new = applied(own, found)
    channels = {name: replace(section, rule=new[name]) for name, section in rules.channels.items()}
    return Retuned(found, sold, await replay(pool, rules, replace(rules, channels=channels), since))
