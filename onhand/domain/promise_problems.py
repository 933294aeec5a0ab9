"""What was promised ahead and may not be kept, judged: pre-orders that are late, programmes that may go short."""

import shlex
from collections.abc import Iterator

from onhand.domain.health import Health, Problem, PromisedAhead, counted


def of_promises(found: PromisedAhead) -> Iterator[Problem]:
    """At most one of each."""
    if found.late:
        of = (
            found.late_sku
            if found.skus == 1
            else f"{found.late_sku} and {counted(found.skus - 1, 'more SKU')}"
        )
        said = f"{counted(found.late, 'promise')} of {of} should have been kept by {found.late_since}"
        command = f"onhand preorders show {shlex.quote(found.late_sku)}"
        yield Problem(Health.ATTENTION, "pre-orders", said, None, command)
    if found.short_programmes:
        more = found.short_programmes - 1
        of = (
            found.short_programme
            if not more
            else f"{found.short_programme} and {counted(more, 'more programme')}"
        )
        said = f"{of} may go short of what was promised"
        command = f"onhand programmes show {shlex.quote(found.short_programme)}"
        yield Problem(Health.ATTENTION, "programmes", said, None, command)
