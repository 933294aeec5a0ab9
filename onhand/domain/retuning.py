"""What rules should be by what was sold: shares as the channels sold, buffers as wide as changes are late. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from onhand.domain.rules import Mode, Rule, percent_text, units_text

SHARE_OFF_MIN = 5
"""Percent by which a share has to be off before others are suggested: less is chance."""
SHARE_MIN = 5
"""Percent that a channel keeps that sold hardly anything: with none it could never show that it sells."""
WRONG_MIN = 1
"""Percent of what was sold that has to be oversold, or refused for nothing, before another mode is suggested."""
WHOLE = 100
UNITS_MIN = 100
"""Units sold in all below which no shares are suggested: they would say too little."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a channel: units `sold` in the days looked at; `seconds` within which it shows 99 of 100
    changes, and `lacking`, the units that others sell of a SKU meanwhile, as in 95 of 100 of its listings. None: not
    measured. `oversold` and `starved`: units that it would have sold in these days beyond what there was, and refused
    while others had some, under its present rule."""

    sold: int
    seconds: float | None = None
    lacking: int | None = None
    oversold: int = 0
    starved: int = 0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One setting of a channel's rule that should be another: its key, what it is, what it should be, and why."""

    channel: str
    key: str
    before: str
    after: str
    reason: str

    @property
    def line(self) -> str:
        """As it is written into the section of the channel's rule."""
        return f'{self.key} = "{self.after}"' if self.key == "mode" else f"{self.key} = {self.after}"


def suggestions(rules: Mapping[str, Rule], evidence: Mapping[str, Evidence]) -> list[Suggestion]:
    """What of the channels' own rules should be another, channel by channel; nothing where they fit what was sold."""
    adaptive = _to_be_adaptive(rules, evidence)
    shares = _shares({name: rule for name, rule in rules.items() if name not in adaptive}, evidence)
    found = []
    for channel, rule in rules.items():
        known = evidence.get(channel, Evidence(0))
        found += _adaptive(channel, rule, adaptive.get(channel, ""))
        found += _ceiling(channel, rule, rules, evidence)
        if channel in shares and shares[channel] != rule.share:
            total = sum(evidence[name].sold for name in shares if name in evidence)
            sold = f"it sold {known.sold:,} of {total:,} units, {100 * known.sold / total:.0f} %"
            before, after = percent_text(rule.share), percent_text(shares[channel])
            found.append(Suggestion(channel, "share", before, after, sold))
        found += _buffer(channel, rule, known)
    return found


def applied(rules: Mapping[str, Rule], found: list[Suggestion]) -> dict[str, Rule]:
    """The channels' rules as they would be."""
    changed = dict(rules)
    for each in found:
        rule = changed[each.channel]
        if each.key == "mode":
            changed[each.channel] = replace(rule, mode=Mode(each.after))
        elif each.key == "share":
            changed[each.channel] = replace(rule, share=Decimal(each.after))
        else:
            changed[each.channel] = replace(rule, buffer=replace(rule.buffer, units=int(each.after)))
    return changed


def _to_be_adaptive(rules: Mapping[str, Rule], evidence: Mapping[str, Evidence]) -> dict[str, str]:
    """Channels that would do better in adaptive mode, with why: of those in a mode all, as one alone shares nothing."""
    found = dict[str, str]()
    for mode, reason in (
        (Mode.POOLED, "pooled channels would have oversold {} in these days; in shares each unit is on one"),
        (Mode.PARTITIONED, "parts that never move would have refused {} while others had some"),
    ):
        channels = [name for name, rule in rules.items() if rule.mode is mode]
        known = [evidence[name] for name in channels if name in evidence]
        wrong = sum(each.oversold if mode is Mode.POOLED else each.starved for each in known)
        sold = sum(each.sold for each in known)
        if len(channels) > 1 and sold >= UNITS_MIN and wrong * 100 >= sold * WRONG_MIN:
            found |= dict.fromkeys(channels, reason.format(units_text(wrong)))
    return found


def _adaptive(channel: str, rule: Rule, reason: str) -> list[Suggestion]:
    if not reason:
        return []
    found = [Suggestion(channel, "mode", rule.mode.value, Mode.ADAPTIVE.value, reason)]
    if rule.mode is Mode.PARTITIONED and rule.share < WHOLE:
        most = "then its part follows demand, and a share is only the most that it may have"
        found.append(Suggestion(channel, "share", percent_text(rule.share), str(WHOLE), most))
    return found


def _ceiling(
    channel: str, rule: Rule, rules: Mapping[str, Rule], evidence: Mapping[str, Evidence]
) -> list[Suggestion]:
    """A share of an adaptive channel is the most that it may have: it is in the way where it sells more than that."""
    if rule.mode is not Mode.ADAPTIVE or rule.share >= WHOLE or channel not in evidence:
        return []
    total = sum(known.sold for name, known in evidence.items() if name in rules)
    if total < UNITS_MIN or 100 * evidence[channel].sold < rule.share * total:
        return []
    sold = (
        f"it sold {evidence[channel].sold:,} of {total:,} units, and its share is the most that it may have"
    )
    return [Suggestion(channel, "share", percent_text(rule.share), str(WHOLE), sold)]


def _shares(rules: Mapping[str, Rule], evidence: Mapping[str, Evidence]) -> dict[str, Decimal]:
    """Shares of the partitioned channels by what they sold, together what they are now; empty where the present ones
    fit, or too little was sold to say."""
    parts = {channel: rule.share for channel, rule in rules.items() if rule.mode is Mode.PARTITIONED}
    sold = {channel: evidence[channel].sold if channel in evidence else 0 for channel in parts}
    whole = min(100, int(sum(parts.values())))
    if len(parts) < 2 or sum(sold.values()) < UNITS_MIN or whole < SHARE_MIN * len(parts):
        return {}
    wanted = _divided(whole, sold)
    if all(abs(wanted[channel] - share) < SHARE_OFF_MIN for channel, share in parts.items()):
        return {}
    return wanted


def _divided(whole: int, sold: Mapping[str, int]) -> dict[str, Decimal]:
    """`whole` percent by what was sold, in whole percents, none below the least; by largest remainder, ties by name."""
    given = dict.fromkeys(sold, SHARE_MIN)
    spare = whole - SHARE_MIN * len(sold)
    # What exceeds the least is divided among those whose part is more than the least.
    total = sum(sold.values())
    above = {name: max(0.0, whole * units / total - SHARE_MIN) for name, units in sold.items()}
    weight = sum(above.values())
    quotas = {name: spare * part / weight for name, part in above.items()} if weight else {}
    for name, quota in quotas.items():
        given[name] += int(quota)
    left = whole - sum(given.values())
    for name in sorted(quotas, key=lambda name: (int(quotas[name]) - quotas[name], name))[:left]:
        given[name] += 1
    return {name: Decimal(percent) for name, percent in given.items()}


def _buffer(channel: str, rule: Rule, known: Evidence) -> list[Suggestion]:
    """Another number of units where the buffer is one; a percentage and a velocity follow the stock by themselves."""
    if (
        known.lacking is None
        or known.seconds is None
        or rule.buffer.velocity
        or rule.buffer.percent is not None
    ):
        return []
    before = rule.buffer.units or 0
    if before == known.lacking:
        return []
    meanwhile = (
        f"until it shows a change ({known.seconds:.1f} s) others sell {units_text(known.lacking)} of a SKU"
    )
    reason = f"{meanwhile}, in 95 of 100 of its listings"
    return [Suggestion(channel, "buffer.units", str(before), str(known.lacking), reason)]
