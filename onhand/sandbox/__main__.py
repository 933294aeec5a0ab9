"""`python -m onhand.sandbox`: the sandbox shops on one port, until interrupted; `... faults` makes them fail."""

from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from onhand.sandbox.app import create_app
from onhand.sandbox.catalogue import fill, from_csv
from onhand.sandbox.faults_cli import app as faults_app
from onhand.sandbox.world import World, WorldOptions

app = typer.Typer(add_completion=False)
app.add_typer(faults_app, name="faults")


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8700,
    host: Annotated[
        str, typer.Option(help="Address to listen on; the control API has no password.")
    ] = "127.0.0.1",
    data_dir: Annotated[Path | None, typer.Option(help="Folder in which the shops' state is kept.")] = None,
    limits: Annotated[bool, typer.Option(help="Enforce the platforms' rate limits and delays.")] = True,
    catalogue: Annotated[
        Path | None,
        typer.Option(help="CSV file (sku, name, barcode) to fill the shops with, if they are empty."),
    ] = None,
) -> None:
    """Run a Shopify, a WooCommerce and a BigCommerce shop to try Onhand against, and a Slack to report to."""
    if context.invoked_subcommand is not None:
        return
    options = WorldOptions()
    shops = create_app(options if limits else options.without_limits(), data_dir)
    world: World = shops.state.world
    if catalogue and not any(shop.items for shop in world.shops.values()):
        count = fill(world.shops, from_csv(catalogue))
        typer.echo(f"Filled the shops with {count} SKUs from {catalogue}")
    typer.echo(f"Sandbox shops: http://{host}:{port}/")
    uvicorn.run(shops, host=host, port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    app()
