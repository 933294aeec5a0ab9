"""Root causes in sentences: what went wrong where, how often, and whether it came all at once."""

from collections import defaultdict
from collections.abc import Sequence

from onhand.ledger.reconcile import CauseCount
from onhand.wording import count

MOST = 0.8
"""So large a part of one channel's drifts within one hour is a batch."""

WORDS = {
    "unheard_sale": ("had {} that nobody told us of yet", "sale"),
    "lost_webhook": ("lost the webhooks of {}", "sale"),
    "lost_write": ("lost {}", "write"),
    "manual_edit": ("had {} changed there by hand or by another program", "level"),
    "mapping_error": ("had {} that belong to another item or to none", "listing"),
    "tracking_off": ("did not track {}", "level"),
    "policy_change": ("went on selling {} at zero", "listing"),
    "unknown": ("showed {} that nothing explains", "level"),
}
"""What is said of each cause, and what is counted."""


def sentences(counts: Sequence[CauseCount], during: str = "today") -> list[str]:
    """One sentence for each channel and cause, the most frequent first: "woocommerce lost 14 writes today, all in the
    batch of 02:00." Hours are UTC. `during` says of which time the counts are."""
    groups: dict[tuple[str, str], list[CauseCount]] = defaultdict(list)
    for each in counts:
        groups[each.channel, each.cause].append(each)
    ranked = sorted(groups.items(), key=lambda item: (-_total(item[1]), item[0]))
    return [_sentence(channel, cause, hours, during) for (channel, cause), hours in ranked]


def _total(hours: Sequence[CauseCount]) -> int:
    return sum(hour.drifts for hour in hours)


def _sentence(channel: str, cause: str, hours: Sequence[CauseCount], during: str) -> str:
    words, counted = WORDS[cause]
    total, still = _total(hours), sum(hour.open for hour in hours)
    when = f" {during}" if during else ""
    left = f"; {still:,} still {'is' if still == 1 else 'are'} so" if still else ""
    return f"{channel} {words.format(count(total, counted))}{when}{_batch(hours, total)}{left}."


def _batch(hours: Sequence[CauseCount], total: int) -> str:
    """Whether most came in one hour, which is where to look for the reason."""
    worst = max(hours, key=lambda hour: hour.drifts)
    at = f"in the batch of {worst.hour:%H:%M}"
    if total == 1:
        return f", {at.replace('the batch of', 'the hour from')}"
    if worst.drifts == total:
        return f", all {at}"
    if worst.drifts >= MOST * total:
        return f", {worst.drifts:,} of them {at}"
    first, last = min(hour.hour for hour in hours), max(hour.hour for hour in hours)
    return f", between {first:%H:%M} and {last:%H:%M}"
