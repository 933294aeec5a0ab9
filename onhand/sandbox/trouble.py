"""The faults of one sandbox shop, put wherever they strike: calls, levels, webhooks, and the shop's own data."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from onhand.sandbox import meddling
from onhand.sandbox.dripping import Sleep
from onhand.sandbox.fates import Fates
from onhand.sandbox.faults import (
    AnyFault,
    ChangeLevels,
    Fault,
    PolicyFlip,
    SubscriptionsDeleted,
    SubscriptionsDisabled,
    Untrack,
)
from onhand.sandbox.interference import Interference
from onhand.sandbox.raging import Faults, Raging
from onhand.sandbox.sending import Sender
from onhand.sandbox.shop import Shop
from onhand.sandbox.striking import Striking
from onhand.sandbox.traffic import Traffic
from onhand.sandbox.wire import Subscriptions
from onhand.sandbox.words import Words

NOTES_MAX = 1_000
"""Changes that one fault is remembered by: the last ones."""


class Trouble:
    """What is wrong with the shop on `platform`. `clock` is seconds that only grow; `sleep` is for tests."""

    def __init__(
        self,
        platform: str,
        shop: Shop,
        subscriptions: Subscriptions,
        words: Words,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.platform = platform
        self.faults = Faults(clock)
        self._shop = shop
        self._subscriptions = subscriptions
        self._striking = Striking(self.faults, words, sleep)
        self._interference = Interference(self.faults, clock)
        self._fates = Fates(self.faults)

    def attach(self, traffic: Traffic, sender: Sender | None = None) -> None:
        """Stand between the shop and its callers and subscribers from now on."""
        traffic.around = self._striking.around
        if sender is not None:
            sender.meddle = self._fates.meddle

    def check(self, fault: AnyFault) -> None:
        """Raises meddling.CannotError where the platform knows no such thing."""
        if isinstance(fault, PolicyFlip):
            meddling.check_policy(self.platform, self._shop)

    def switch_on(self, fault: AnyFault) -> Raging:
        """From now on, in place of one of its kind. Raises as `check`."""
        self.check(fault)
        self._shop.interference = self._interference
        raging = self.faults.switch_on(fault)
        self._do(raging)
        return raging

    def switch_off(self, kinds: Iterable[type[Fault]] | None = None) -> list[Raging]:
        """Those of the kinds (all) end; answers them."""
        over = self.faults.switch_off(kinds)
        if not self.faults:
            self._shop.interference = None  # a healthy shop's levels cost no look at faults
        return over

    def change_levels(self, fault: ChangeLevels) -> list[meddling.Change]:
        """Change levels this once, and switch nothing on; answers which, from what and to what."""
        return meddling.change_levels(self._shop, fault)

    def told(self) -> dict[str, Any]:
        """What is on, and what has ended, as JSON."""
        return self.faults.told()

    def _do(self, raging: Raging) -> None:
        """What a fault does as it is switched on, and how that ends with it."""
        fault = raging.fault
        match fault:
            case ChangeLevels():
                self._change(raging, fault)
            case PolicyFlip(stays=stays):
                changes, undo = meddling.flip_policy(self.platform, self._shop, fault)
                _note(raging, changes)
                raging.at_end = raging.at_end if stays else undo
            case Untrack(stays=stays):
                changes, undo = meddling.untrack(self._shop, fault)
                _note(raging, changes)
                raging.at_end = raging.at_end if stays else undo
            case SubscriptionsDeleted():
                _note(raging, meddling.end_subscriptions(self._subscriptions, delete=True))
            case SubscriptionsDisabled():
                delete = self.platform == "shopify"
                _note(raging, meddling.end_subscriptions(self._subscriptions, delete=delete))

    def _change(self, raging: Raging, fault: ChangeLevels, turn: int = 0) -> None:
        """Change levels now, and again as often as it says, while it is on."""
        if turn and self.faults.find(ChangeLevels) is not raging:
            return
        _note(raging, meddling.change_levels(self._shop, fault, turn))
        if fault.every_seconds is not None:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(fault.every_seconds, self._change, raging, fault, turn + 1)
            raging.at_end = timer.cancel


def _note(raging: Raging, changes: list[meddling.Change]) -> None:
    raging.seen += len(changes)
    raging.struck += len(changes)
    raging.notes.extend(changes)
    del raging.notes[:-NOTES_MAX]
