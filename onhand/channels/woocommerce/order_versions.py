"""Which of two states of one order is the newer, although WooCommerce states its last change in whole seconds only.

The ledger takes a state whose version is greater than the last one's. A version is therefore

    the second of the last change, in microseconds
    + half a second, where the state was read when that second was over (`settled`)
    + how far the order had come, below half a second

Within one second orders go one way: unpaid, paid, completed; cancelled or refunded at the end; and while a status
lasts, Woo takes stock first (line by line) and gives back later. So of two states with the same second the one that
has come further is the newer, in whatever order they arrive. What that cannot tell (a merchant who adds pieces to an
order twice within a second, or reopens it) is settled by the next read: nothing can happen any more in a second that
is over, so a state read then is the last one of its second and comes after everything else that was told of it.

A webhook's payload is never taken as settled, however late it comes: how long it was on its way nobody knows. Nor is
it turned into a hint to read the order again whenever its second is young: that would cost every sale a call to the
shop. The sweep reads every changed order anyway, with overlap, and heals such a tie within minutes.
"""

from datetime import datetime

from onhand.domain.sales import version_of

SETTLED = 500_000
"""Microseconds: what a settled state is ahead of all others of its second."""

RANKS = {
    "auto-draft": 0,
    "checkout-draft": 0,
    "pending": 1,
    "failed": 2,
    "on-hold": 3,
    "processing": 4,
    "completed": 6,
    "cancelled": 7,
    "refunded": 8,
    "trash": 9,
}
CUSTOM_RANK = 5
"""Statuses that plugins add (packed, shipped, ...) mostly lie between paid and completed."""
GIVING_BACK = frozenset(("pending", "cancelled"))
"""Statuses in which WooCommerce takes its notes off the lines, one by one, instead of putting them on."""
LINES_COUNTED_MAX = 49
PIECES_COUNTED_MAX = 999


def version(modified: datetime, status: str, noted_lines: int, pieces: int, *, settled: bool) -> int:
    """The version of a state last changed at `modified`.

    `noted_lines`: lines on which the shop has noted what it took; `pieces`: what all lines have taken now.
    """
    return version_of(modified) + (SETTLED if settled else 0) + progress(status, noted_lines, pieces)


def progress(status: str, noted_lines: int, pieces: int) -> int:
    """How far an order has come, from 0 to 499,999: its status, then lines that were taken, then what was put back."""
    rank = RANKS.get(status, CUSTOM_RANK)
    lines = 0 if status in GIVING_BACK else min(noted_lines, LINES_COUNTED_MAX)
    given_back = PIECES_COUNTED_MAX - min(pieces, PIECES_COUNTED_MAX)
    return rank * 50_000 + lines * 1_000 + given_back
