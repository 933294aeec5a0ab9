"""What people are told of counts: which lines wait for them, and what small differences add up to."""

from collections.abc import Sequence

from onhand.alerts.blocks import Block, clip, code, context, header, listed
from onhand.alerts.slack import Message
from onhand.domain.count_watch import Heap, Scope
from onhand.ledger.count_watch import Escalated
from onhand.wording import count

LINES_SHOWN = 10


def escalated_message(where: str, lines: Sequence[Escalated]) -> Message:
    """Lines with a large difference, the largest first; none of them is posted."""
    first = lines[0]
    headline = (
        f"{first.sku}: counted {first.quantity:,} at {first.location}, expected {first.expected:,}"
        if len(lines) == 1
        else f"{len(lines):,} counts are far from the ledger"
    )
    said = [
        f"• {code(line.sku)} at {clip(line.location, 100)}: counted {line.quantity:,}, expected {line.expected:,} "
        f"({line.difference:+,})"
        for line in lines
    ]
    sheets = sorted({line.sheet_id for line in lines})
    commands = ", ".join(code(f"onhand count show {sheet}") for sheet in sheets[:LINES_SHOWN])
    return Message(
        where,
        headline,
        [
            header(f":mag: {headline}"),
            listed("*Not posted: count them once more, or approve them*", said[:LINES_SHOWN], _more(said)),
            context(f"More: {commands}"),
        ],
    )


def sums_message(where: str, heaps: Sequence[Heap], days: int) -> Message:
    """Sums of small differences that reached their limit, the widest first."""
    headline = f"Small count differences add up: {sentence(heaps[0], days)}"
    blocks: list[Block] = [header(f":mag: {headline}")]
    if len(heaps) > 1:
        others = [f"• {sentence(heap, days)}" for heap in heaps[1:]]
        blocks.append(listed("*Of these, or besides*", others[:LINES_SHOWN], _more(others)))
    return Message(where, headline, [*blocks, context(f"More: {code('onhand count differences')}")])


def sentence(heap: Heap, days: int) -> str:
    """One sum in words."""
    of = {Scope.SKU: f"of {heap.subject}", Scope.LOCATION: f"at {heap.subject}", Scope.TOTAL: "in all"}
    direction = "missing" if heap.units < 0 else "too many"
    counts = count(heap.counts, "count")
    return f"{count(abs(heap.units), 'unit')} {direction} {of[heap.scope]} ({counts} in {days} days)"


def _more(lines: Sequence[str]) -> int:
    return max(0, len(lines) - LINES_SHOWN)
