"""How our programs run, and how they end: at once, with their exit code, without winding the interpreter down."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, NoReturn


def run_quickly(work: Coroutine[Any, Any, None]) -> None:
    """Run a program's work on uvloop where there is one: less CPU for whoever does little but wait for others."""
    if sys.platform == "win32":
        asyncio.run(work)
        return
    import uvloop

    uvloop.run(work)


def run_and_leave(program: Callable[[], object]) -> NoReturn:
    """Run a program to its end and leave with the exit code it ends with.

    Threads of the Temporal SDK outlive its client, and one that answers while the interpreter winds down aborts the
    process (temporalio/sdk-python, issue 300): on a busy machine one command in six that had done its work ended with
    SIGABRT. So nothing is wound down; whoever holds something that matters has let go of it by then.
    """
    code = 0
    try:
        program()
    except SystemExit as end:
        code = _code_of(end)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(code)


def _code_of(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1
