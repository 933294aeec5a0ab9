"""Which rule decides what a channel shows of a SKU, of all that could: the one that was said most exactly. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from onhand.domain.listings import EVERY_CHANNEL, RuleBook
from onhand.domain.rules import Rule


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule that could decide; `said_for` says for what it was made, in words: "SKU MUG on shopify"."""

    rule: Rule
    said_for: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """The rule that decides, and those that would if it were not there, in their order."""

    won: Candidate
    lost: tuple[Candidate, ...] = ()

    @property
    def reason(self) -> str:
        """Why it decides, as a clause that goes on from its name; empty where there was nothing to choose between."""
        if not self.lost:
            return ""
        return f"is for {self.won.said_for} and goes before {', '.join(each.rule.name for each in self.lost)}"


def ruling(rules: RuleBook, channel: str, sku: str, tags: tuple[str, ...] = ()) -> Ruling:
    """What decides, and why; the rule itself is that of `RuleBook.rule_for`."""
    won, *lost = _candidates(rules, channel, sku, tags)
    return Ruling(won, tuple(lost))


def _candidates(rules: RuleBook, channel: str, sku: str, tags: tuple[str, ...]) -> Iterator[Candidate]:
    for name, where in ((channel, f" on {channel}"), (EVERY_CHANNEL, " on every channel")):
        if (rule := rules.sku_rules.get((name, sku))) is not None:
            yield Candidate(rule, f"SKU {sku}{where}")
        for (named, tag), rule in rules.tag_rules.items():
            if named == name and tag in tags:
                yield Candidate(rule, f"tag {tag}{where}")
    yield Candidate(rules.channels[channel].rule, f"all of {channel}")
