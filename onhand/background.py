"""Tasks beside the main line of a step, none of which is left behind."""

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any

Wake = Callable[[set[str]], Coroutine[Any, Any, object]]
"""Signals the publishers of these channels."""


class Background:
    """Starts tasks while the body runs, and waits for them at its end; the first that failed is raised then."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Do it beside whatever comes next."""
        self._tasks.add(asyncio.create_task(work))

    async def __aenter__(self) -> "Background":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for all of them, also when the body failed."""
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        failed = next((outcome for outcome in outcomes if isinstance(outcome, BaseException)), None)
        if error is None and failed is not None:
            raise failed
