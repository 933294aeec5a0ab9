"""The operator's command line, put together: `onhand` and `python starter.py`."""

import typer

from onhand.cli import explain, stock
from onhand.cli.app import make_app

COMMANDS = (stock, explain)
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
