"""The operator's command line, put together: `onhand` and `python starter.py`."""

import typer

from onhand.cli.app import make_app


def build() -> typer.Typer:
    """The program with all its commands, in the order in which --help lists them."""
    return make_app()


def main() -> None:
    """Run the command line; exits with its exit code."""
    build()()


if __name__ == "__main__":
    main()
