"""What people are told of low stock: what has run out and what it costs, and what is about to."""

from collections.abc import Sequence

from onhand.alerts.blocks import Block, clip, code, context, header, listed
from onhand.alerts.slack import Message
from onhand.domain.low_stock import Crossing, Low
from onhand.wording import count

SKUS_SHOWN = 15


def message(where: str, low: Sequence[Low]) -> Message:
    """SKUs that crossed their threshold, or ran out, since people were told last; bestsellers first."""
    out = [each for each in low if each.crossing is Crossing.OUT]
    rest = [each for each in low if each.crossing is Crossing.LOW]
    headline = _headline(low, out)
    blocks: list[Block] = [header(f":package: {headline}")]
    if out:
        blocks.append(_list(f"*Out of stock*, about {lost_text(out)}", [_out(each) for each in out]))
    if rest:
        blocks.append(_list("*Low*", [_low(each) for each in rest]))
    return Message(where, headline, [*blocks, context(f"More: {code('onhand stock low')}")])


def lost_text(out: Sequence[Low]) -> str:
    """The estimated lost sales of what is out of stock."""
    return f"{sum(each.lost_per_hour for each in out):,.1f} sales lost an hour"


def _headline(low: Sequence[Low], out: Sequence[Low]) -> str:
    if len(low) == 1:
        said = "is out of stock" if out else f"is low: {count(low[0].units, 'unit')} left"
        return f"{low[0].sku} {said}"
    parts = [f"{count(len(out), 'SKU')} out of stock"] if out else []
    parts += [f"{count(len(low) - len(out), 'SKU')} low"] if len(low) > len(out) else []
    return ", ".join(parts)


def _out(low: Low) -> str:
    return f"• {_named(low)}: sold {low.per_day:,.1f} a day"


def _low(low: Low) -> str:
    return f"• {_named(low)}: {low.units:,} left (low from {low.threshold:,}), sells {low.per_day:,.1f} a day"


def _named(low: Low) -> str:
    return f"{code(low.sku)} {clip(low.name, 100)}".rstrip()


def _list(title: str, lines: Sequence[str]) -> Block:
    return listed(title, lines[:SKUS_SHOWN], max(0, len(lines) - SKUS_SHOWN))
