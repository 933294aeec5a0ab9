"""Reason codes: why units were written off or corrected, in words that reports can add up."""

from collections.abc import Collection
from difflib import get_close_matches

from onhand.domain.events import EventKind

REASONS = ("damaged", "theft", "expired", "lost", "sample", "found", "correction", "other")
"""The codes there are unless the configuration says otherwise."""

REASONED = frozenset((EventKind.ADJUSTMENT, EventKind.WRITE_OFF))
"""Kinds whose reason is one of the codes, or none; the reason of others is free text."""


class ReasonRefusedError(ValueError):
    """A reason is none of the codes; the message says which are meant to be used."""


def require_reason(kind: EventKind, reason: str, codes: Collection[str]) -> None:
    """Raise ReasonRefusedError where a reason has to be one of the codes and is none."""
    if not reason or kind not in REASONED or reason in codes:
        return
    near = get_close_matches(reason.lower(), codes, n=2)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    raise ReasonRefusedError(
        f"{reason!r} is no reason for {'an' if kind is EventKind.ADJUSTMENT else 'a'} "
        f"{kind.replace('_', '-')}.{meant} Known are {', '.join(codes)} (movements.reasons in the configuration)."
    )
