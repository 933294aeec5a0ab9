"""`python -m onhand.web`: serve the app until SIGINT or SIGTERM, letting requests under way finish."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from onhand import log
from onhand.embedded.state import read_state
from onhand.leaving import run_and_leave
from onhand.settings import Settings, SettingsError, find_config, load_settings
from onhand.web.app import create_app
from onhand.web.gate import is_loopback

UI_VARIABLE = "TEMPORAL_UI_URL"
"""Where Temporal's Web UI is when it is not the embedded one."""

GRACE_SECONDS = 10


def refuse_to_be_open(settings: Settings) -> None:
    """Raise SettingsError where others could reach an app that asks nobody who they are."""
    web = settings.web
    if web.allow_unauthenticated or settings.clients or is_loopback(web.host):
        return
    raise SettingsError(
        f"web.host: given {web.host!r}, which others can reach; accepted: a loopback address such as 127.0.0.1, "
        "because no client is configured, so that the app would show stock, runs and channels to whoever asks. "
        "Configure one in [clients.<name>]; or put a proxy with a login before the app, and set "
        "web.allow_unauthenticated = true"
    )


def temporal_ui(settings: Settings) -> str:
    """The address of Temporal's Web UI; empty where it is not known."""
    given = os.environ.get(UI_VARIABLE, "")
    if given:
        return given
    running = read_state(settings.data_dir)
    return running.urls.get("temporal_ui", "") if running else ""


def serve(settings: Settings) -> None:
    """Serve until asked to stop. Raises SettingsError."""
    refuse_to_be_open(settings)
    # uvicorn ends gently on SIGTERM, then hands the signal on: being stopped is not a failure.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    uvicorn.run(
        create_app(settings, temporal_ui=temporal_ui(settings)),
        host=settings.web.host,
        port=settings.web.port,
        # uvloop does not exist on Windows.
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def main(
    config: Annotated[Path | None, typer.Option(help="The configuration file.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Listen here instead of web.port.", min=0, max=65_535)
    ] = None,
) -> None:
    """Serve Onhand's HTTP app until stopped."""
    try:
        settings = load_settings(find_config(config))
        if port is not None:
            settings = settings.model_copy(update={"web": settings.web.model_copy(update={"port": port})})
        log.configure(settings.log_format, settings.log_level)
        serve(settings)
    except SettingsError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error


if __name__ == "__main__":
    run_and_leave(lambda: typer.run(main))
