"""What commands share that state what happened to stock: their options, ids, and how the answer is printed."""

from typing import Annotated
from uuid import uuid4

import typer

from onhand.cli import stock_view
from onhand.cli.output import print_json
from onhand.cli.stock_post import Statement

SOURCE = "operator"
"""Whose word an event of these commands is."""

QuantityArgument = Annotated[int, typer.Argument(metavar="QUANTITY", help="Units.", show_default=False)]
LocationOption = Annotated[
    str | None,
    typer.Option("--location", "-l", metavar="LOCATION", help="Where; may be left out if there is only one."),
]
ReasonOption = Annotated[str, typer.Option("--reason", "-r", help="Why, in a word; kept with the event.")]
IdOption = Annotated[
    str | None,
    typer.Option("--id", help="Names this statement: saying it again under the same id changes nothing."),
]


def new_id() -> str:
    """An id for a statement that was given none."""
    return f"op-{uuid4().hex[:12]}"


def print_statement(statement: Statement, *, as_json: bool) -> None:
    """What became of a statement, for a person or a script."""
    if as_json:
        print_json(statement)
    else:
        stock_view.print_statement(statement)
