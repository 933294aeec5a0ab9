"""`python -m bench.chaos.armed worker|web ...`: the program as it is, dying by kill -9 at a named point when told to.

Nothing of this is in the program: the objects that it speaks through are wrapped before it starts. The file named by
`KILL_FILE` says at which point to die; it is taken away in dying, so that the next process lives.

Points are `<line>.<moment>`. Lines: `publish` (levels to a channel) and `intake` (the inbox into the ledger) in the
worker, `accept` (a delivery into the inbox) in the web app. Moments: `before_call` and `after_call` of the channel (in
the web app the channel calls: once, when it does), `before_commit` and `after_commit` of the transaction that writes it
down, `before_report` to Temporal, or to the channel.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import typer
from psycopg_pool import AsyncConnectionPool

from onhand.leaving import run_and_leave

KILL_FILE = "ONHAND_CHAOS_KILL_FILE"
MOMENTS = ("before_call", "after_call", "before_commit", "after_commit", "before_report")
POINTS = {
    "worker": tuple(f"{line}.{moment}" for line in ("publish", "intake") for moment in MOMENTS),
    "web": tuple(f"accept.{moment}" for moment in MOMENTS if moment != "after_call"),
}
"""By the program that dies there."""

MARKS = {"book_levels_v3(": "publish", "UPDATE inbox i SET outcome": "intake"}
"""What tells a transaction's line: a statement that no other has."""
ACCEPTING = "accept_deliveries_v1("
"""A transaction of this one statement."""


def reached(point: str) -> None:
    """The program is at this point; it dies here if it is to."""
    file = Path(os.environ[KILL_FILE])
    if file.exists() and file.read_text() == point:
        file.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


class ArmedConnection(psycopg.AsyncConnection[Any]):
    """Knows which line's transaction it carries."""

    _line = ""
    _sent = False
    """Whether the commit has gone out with the transaction's last statements (`one_round_trip`)."""

    async def execute(self, query: Any, *given: Any, **named: Any) -> Any:
        """Run a statement as ever."""
        text = str(query)
        if ACCEPTING in text:
            reached("accept.before_commit")
            cursor = await super().execute(query, *given, **named)
            reached("accept.after_commit")
            return cursor
        self._line = next((line for mark, line in MARKS.items() if mark in text), self._line)
        if text == "COMMIT" and self._line:
            reached(f"{self._line}.before_commit")
            self._sent = True
        return await super().execute(query, *given, **named)

    async def commit(self) -> None:
        """Commit as ever."""
        line, self._line = self._line, ""
        sent, self._sent = self._sent, False
        if line and not sent:
            reached(f"{line}.before_commit")
        await super().commit()
        if line:
            reached(f"{line}.after_commit")

    async def rollback(self) -> None:
        """Roll back as ever."""
        self._line, self._sent = "", False
        await super().rollback()


class ArmedPool(AsyncConnectionPool[ArmedConnection]):
    """A pool of such connections."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, connection_class=ArmedConnection, **named)


class Armed:
    """Anything else the program speaks through: the calls of `line` pass their points, all else goes by."""

    def __init__(self, inner: Any, line: str, calls: tuple[str, ...], parts: Mapping[str, Any]) -> None:
        self._inner = inner
        self._line = line
        self._calls = calls
        self._parts = parts

    def __getattr__(self, name: str) -> Any:
        if name in self._parts:
            return self._parts[name]
        found = getattr(self._inner, name)
        return _armed_call(found, self._line) if name in self._calls else found


def _armed_call(call: Callable[..., Awaitable[Any]], line: str) -> Callable[..., Awaitable[Any]]:
    async def armed(*given: Any, **named: Any) -> Any:
        reached(f"{line}.before_call")
        answer = await call(*given, **named)
        reached(f"{line}.after_call")
        return answer

    return armed


def _armed_turn(turn: Callable[..., Awaitable[Any]], line: str, did: Callable[[Any], bool]) -> Any:
    async def armed(*given: Any, **named: Any) -> Any:
        done = await turn(*given, **named)
        if did(done):
            reached(f"{line}.before_report")
        return done

    return armed


def _replace(place: str, name: str, by: Callable[[Any], Any]) -> None:
    """Put something in the place of a module's or a class's part, made of what was there."""
    module, _, of = place.partition(":")
    holder = import_module(module)
    holder = getattr(holder, of) if of else holder
    setattr(holder, name, by(getattr(holder, name)))


def arm_worker() -> None:
    """Wrap what the worker speaks through."""
    _replace("onhand.ledger.database", "AsyncConnectionPool", lambda _: ArmedPool)
    _replace("worker", "make_channels", _armed_maker)
    _replace(
        "onhand.publish.live:Publisher",
        "turn",
        lambda turn: _armed_turn(turn, "publish", lambda told: bool(told.changed)),
    )
    _replace(
        "activities.live",
        "take_turn",
        lambda turn: _armed_turn(turn, "intake", lambda taken: bool(taken.deliveries)),
    )


def _armed_maker(make: Callable[[Any], Mapping[str, Any]]) -> Callable[[Any], Mapping[str, Any]]:
    def armed(settings: Any) -> Mapping[str, Any]:
        return {name: _armed_channel(channel) for name, channel in make(settings).items()}

    return armed


def _armed_channel(channel: Any) -> Armed:
    orders = Armed(channel.orders, "intake", ("read",), {})
    return Armed(channel, "publish", ("set_levels", "change_levels"), {"orders": orders})


def arm_web() -> None:
    """Wrap what the web app speaks through."""
    _replace("onhand.ledger.database", "AsyncConnectionPool", lambda _: ArmedPool)
    _replace("onhand.web.keeping:Keeper", "keep", _armed_keep)


def _armed_keep(keep: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def armed(*given: Any, **named: Any) -> Any:
        reached("accept.before_call")
        kept = await keep(*given, **named)
        reached("accept.before_report")
        return kept

    return armed


PROGRAMS = {"worker": (arm_worker, "worker"), "web": (arm_web, "onhand.web.__main__")}
"""How each is armed, and the module whose `main` it is."""


def main() -> None:
    """Arm the program that is named, then run it with the other arguments."""
    arm, module = PROGRAMS[sys.argv.pop(1)]
    arm()
    run_and_leave(lambda: typer.run(import_module(module).main))


if __name__ == "__main__":
    main()
