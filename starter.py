"""The operator's command line, put together: `onhand` and `python starter.py`."""

import typer

from onhand.cli import channels, doctor, explain, imports, mapping, runs, schedule, stack, stock, sync
from onhand.cli.app import make_app

COMMANDS = (stack, sync, runs, schedule, stock, imports, explain, channels, mapping, doctor)
"""In the order in which --help lists them."""


def build() -> typer.Typer:
    """The program with all its commands."""
    app = make_app()
    for module in COMMANDS:
        module.register(app)
    return app


def main() -> None:
    """Run the command line; exits with its exit code."""
    build()()


if __name__ == "__main__":
    main()
