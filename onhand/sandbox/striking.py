"""Faults between a caller and a shop: answers in the shop's stead, answers spoilt, connections cut."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from onhand.sandbox.dripping import Sleep, dripping
from onhand.sandbox.faults import (
    CredentialsRevoked,
    Fault,
    HtmlPage,
    OnCalls,
    ResetAfterWrite,
    ResetBeforeWrite,
    ServerError,
    SlowDrip,
    Throttle,
    VersionRetired,
)
from onhand.sandbox.hanging_up import hang_up
from onhand.sandbox.interference import CALL, Call
from onhand.sandbox.raging import Faults, Raging
from onhand.sandbox.traffic import Handler
from onhand.sandbox.words import Words

IN_ORDER: tuple[type[Fault], ...] = (
    CredentialsRevoked,
    VersionRetired,
    Throttle,
    ResetBeforeWrite,
    ServerError,
    HtmlPage,
    ResetAfterWrite,
    SlowDrip,
)
"""Which fault answers where several strike one call: the first. Those that come after the call spoil what it says."""


class Striking:
    """Puts the faults of one shop around its calls. `sleep` is for tests."""

    def __init__(self, faults: Faults, words: Words, sleep: Sleep = asyncio.sleep) -> None:
        self._faults = faults
        self._words = words
        self._sleep = sleep

    async def around(self, request: Request, handler: Handler) -> Response:
        """The answer to a call, as the faults let it be; see `traffic.Around`."""
        if not self._faults:
            return await handler(request)
        writes = await self._words.is_write(request)
        struck = self._struck(writes)
        for raging in struck:
            if (instead := await self._instead(raging.fault, request)) is not None:
                return instead
        under_way = CALL.set(Call(writes))
        try:
            response = await handler(request)
        finally:
            CALL.reset(under_way)
        for raging in struck:
            response = await self._spoilt(raging.fault, request, response)
        return response

    def _struck(self, writes: bool) -> list[Raging]:
        """The faults that strike this call. Each counts every call it may strike, whichever of them answers."""
        on = {type(raging.fault): raging for raging in self._faults.on()}
        found = [on[kind] for kind in IN_ORDER if kind in on]
        return [raging for raging in found if _is_meant(raging.fault, writes) and raging.strikes()]

    async def _instead(self, fault: Fault, request: Request) -> Response | None:
        """The answer in the shop's stead; None where the call is to be carried out."""
        match fault:
            case CredentialsRevoked(status=status):
                return self._words.revoked(request, status)
            case VersionRetired(gone=gone) if gone or not self._words.falls_forward:
                return self._words.retired(request, None)
            case Throttle(retry_after_seconds=seconds, as_http=as_http):
                return self._words.throttled(request, seconds, as_http=as_http)
            case ResetBeforeWrite():
                return await hang_up(request)
            case ServerError(status=status, applied=False):
                return self._words.server_error(request, status)
            case HtmlPage(status=status, applied=False):
                return self._words.html_page(request, status)
            case _:
                return None

    async def _spoilt(self, fault: Fault, request: Request, response: Response) -> Response:
        """What becomes of the answer of a call that was carried out."""
        match fault:
            case VersionRetired():
                return self._words.retired(request, response)
            case ServerError(status=status):
                return self._words.server_error(request, status)
            case HtmlPage(status=status):
                return self._words.html_page(request, status)
            case ResetAfterWrite():
                return await hang_up(request)
            case SlowDrip(bytes_per_second=speed):
                return dripping(response, speed, self._sleep)
            case _:
                return response


def _is_meant(fault: Fault, writes: bool) -> bool:
    if isinstance(fault, OnCalls):
        return fault.calls == "all" or (fault.calls == "writes") is writes
    return writes
