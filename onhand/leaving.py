"""How our programs end: at once, with their exit code, without winding the interpreter down."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn


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
