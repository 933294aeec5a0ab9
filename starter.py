"""The operator's command line, put together: `onhand` and `python starter.py`."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import typer

from onhand.cli.app import make_app, unwrap_help
from onhand.leaving import run_and_leave

COMMANDS = {
    "up": "stack",
    "demo": "stack",
    "migrate": "migrate",
    "status": "status",
    "doctor": "doctor",
    "audit": "audit",
    "sync": "sync",
    "reconcile": "reconcile",
    "runs": "runs",
    "report": "report",
    "schedule": "schedule",
    "explain": "explain",
    "stock": "stock",
    "count": "count",
    "events": "events",
    "returns": "returns",
    "transfers": "transfers",
    "kits": "kits",
    "halts": "halts",
    "drift": "drift",
    "simulate": "simulate",
    "rules": "rules",
    "import": "imports",
    "validate": "validate",
    "watch": "watch",
    "oversells": "oversells",
    "spikes": "spikes",
    "velocity": "velocity",
    "programmes": "programmes",
    "preorders": "preorders",
    "campaign": "campaigns",
    "channels": "channels",
    "webhooks": "webhooks",
    "inbox": "inbox",
    "authority": "authority",
    "mapping": "mapping",
    "suppliers": "suppliers",
    "purchase-orders": "purchase_orders",
    "reorder": "reorder",
}
"""Each command and its module of onhand.cli, in the order in which --help lists them."""


def build(arguments: Sequence[str] = ()) -> typer.Typer:
    """The program with the commands that are named among the arguments; with all of them where none is.

    Loading every command would take longer than most of them run.
    """
    named = [module for command, module in COMMANDS.items() if command in arguments]
    app = make_app()
    for module in dict.fromkeys(named or COMMANDS.values()):
        import_module(f"onhand.cli.{module}").register(app)
    unwrap_help(app)
    return app


def main() -> NoReturn:
    """Run the command line; exits with its exit code."""
    run_and_leave(build(sys.argv[1:]))


if __name__ == "__main__":
    main()
