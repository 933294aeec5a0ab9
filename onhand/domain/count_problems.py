"""Counts judged: what of them waits for a person, and the command that helps."""

from collections.abc import Iterator

from onhand.domain.health import Health, LedgerFacts, Problem, counted


def of_counts(ledger: LedgerFacts) -> Iterator[Problem]:
    """Counts that are not posted, and small differences that have added up: the widest sum, which holds the others."""
    waiting = ledger.counts
    if waiting.lines:
        command = f"onhand count show {waiting.first_sheet}" if waiting.sheets == 1 else "onhand count list"
        verb = "waits" if waiting.lines == 1 else "wait"
        said = f"{counted(waiting.lines, 'count')} {verb} for a second one, or for an approval"
        yield Problem(Health.ATTENTION, "counts", said, waiting.oldest, command)
    if ledger.added_up:
        widest = ledger.added_up[0]
        of = {"sku": f"of {widest.subject}", "location": f"at {widest.subject}", "total": "in all"}[
            widest.scope
        ]
        direction = "missing" if widest.units < 0 else "too many"
        said = f"small differences add up: {counted(abs(widest.units), 'unit')} {direction} {of}"
        yield Problem(Health.ATTENTION, "counts", said, widest.since, "onhand count differences")
