"""`onhand migrate`: bring a configured database to this program's schema."""

import asyncio
import os

import typer

from onhand.cli.app import JsonOption, session_of
from onhand.cli.output import out, print_json
from onhand.connect import DATABASE_VARIABLE, database_url
from onhand.ledger import migrations
from onhand.wording import count


def register(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command("migrate", rich_help_panel="Run")(migrate)


def migrate(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Apply the migrations the database lacks, as the owner of it; `onhand up` does so by itself."""
    # With the address in the environment no configuration is needed, as in a deployment's first step.
    url = os.environ.get(DATABASE_VARIABLE) or database_url(session_of(ctx).settings)
    applied = asyncio.run(migrations.migrate(url))
    names = [f"{migration.number:04d} {migration.name}" for migration in applied]
    if as_json:
        print_json({"applied": names})
        return
    for name in names:
        out().print(f"applied {name}")
    out().print(count(len(names), "migration") + " applied" if names else "nothing to apply")
