"""What faults make of webhooks under way: doubled, shuffled, late, lost."""

from onhand.sandbox.draws import drawn
from onhand.sandbox.faults import WebhooksDoubled, WebhooksDropped, WebhooksLate, WebhooksShuffled
from onhand.sandbox.mishaps import BEHIND_MAX, Fate
from onhand.sandbox.raging import Faults, Raging


class Fates:
    """The deliveries of one shop."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def meddle(self, fate: Fate) -> Fate:
        """The fate of the next delivery; `fate` is what it would be without faults. Each fault counts every one."""
        if not self._faults:
            return fate
        dropped, doubled = self._faults.striking(WebhooksDropped), self._faults.striking(WebhooksDoubled)
        shuffled, late = self._faults.striking(WebhooksShuffled), self._faults.striking(WebhooksLate)
        if dropped or not fate.delays:
            return Fate(())
        delays = fate.delays + fate.delays[:1] if doubled else fate.delays
        if late:
            delays = tuple(delay + _lateness(late, copy) for copy, delay in enumerate(delays))
        return Fate(delays, max(fate.behind, _behind(shuffled)) if shuffled else fate.behind)


def _behind(raging: Raging) -> int:
    return 1 + int(drawn(raging.fault.seed, "behind", raging.seen) * BEHIND_MAX)


def _lateness(raging: Raging, copy: int) -> float:
    fault = raging.fault
    assert isinstance(fault, WebhooksLate), "only late webhooks are late"
    span = fault.most_seconds - fault.least_seconds
    return fault.least_seconds + span * drawn(fault.seed, f"late {copy}", raging.seen)
