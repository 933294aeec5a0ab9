"""What all commands share: the global options, the session, and how a command ends.

Each module of commands has `register(app)`, which `starter.py` calls. A command asks `session_of(ctx)`
for the configuration and simply raises where it cannot go on: `errors.describe` makes one message and
an exit code of it.
"""

import inspect
import traceback
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from onhand import __version__
from onhand.cli.errors import ExitCode, describe
from onhand.cli.output import err, out
from onhand.settings import CONFIG_NAME, CONFIG_VARIABLE, DEMO_CONFIG, Settings, find_config, load_settings

JsonOption = Annotated[bool, typer.Option("--json", help="Answer with one JSON document on stdout.")]
"""The option of every command that a script may read."""

EPILOGUE = (
    "Exit codes: 0 success, 1 failure, 2 wrong usage or configuration, 3 partial success. "
    f"The configuration is --config, {CONFIG_VARIABLE}, or {CONFIG_NAME} in this folder."
)


@dataclass
class Session:
    """One call of the program: the global options, and the configuration once somebody needs it."""

    config: Path | None = None
    debug: bool = False

    @cached_property
    def config_path(self) -> Path:
        """The configuration file in use. Raises SettingsError."""
        return find_config(self.config)

    @cached_property
    def settings(self) -> Settings:
        """The configuration, read and checked. Raises SettingsError."""
        if self.config_path.name == DEMO_CONFIG.name:
            # The sandbox is loaded only where it is meant: every other command starts sooner.
            from onhand.demo import lend_secrets

            lend_secrets()
        return load_settings(self.config_path)


def session_of(ctx: typer.Context) -> Session:
    """The session of the running command."""
    found = ctx.find_object(Session)
    assert found is not None, "the root command makes the session"
    return found


def chosen_channels(settings: Settings, channel: str | None) -> list[str]:
    """The channel given, or all that are switched on; an unknown one is wrong usage."""
    if channel is None:
        return settings.enabled_channels()
    if channel not in settings.channels:
        known = ", ".join(settings.channels)
        raise typer.BadParameter(f"{channel!r} is not in [channels] of the configuration; known are {known}")
    return [channel]


class OperatorGroup(TyperGroup):
    """A group whose commands never end in a traceback: every error becomes one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a known error ends it with its message, an unknown one says how to see more."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise
        except Exception as error:
            session = ctx.find_object(Session)
            if session is not None and session.debug:
                traceback.print_exc()
            raise typer.Exit(_explain(error)) from error


def _explain(error: Exception) -> int:
    said = describe(error)
    err().print(f"[bold red]error:[/] {_escaped(said.message)}")
    if said.advice:
        err().print(f"[bold]what to do:[/] {_escaped(said.advice)}")
    return int(said.code)


def _escaped(text: str) -> str:
    # Messages quote what operators and channels wrote; brackets in them are no markup.
    return text.replace("[", "\\[")


def unwrap_help(app: typer.Typer) -> None:
    """Let the help of every command be broken where the terminal ends, and not where its docstring was."""
    for command in app.registered_commands:
        if command.help is None and command.callback is not None and command.callback.__doc__:
            paragraphs = inspect.cleandoc(command.callback.__doc__).split("\n\n")
            command.help = "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            unwrap_help(group.typer_instance)


def _version(wanted: bool) -> None:
    if wanted:
        out().print(f"onhand {__version__}")
        raise typer.Exit(ExitCode.SUCCESS)


def make_app() -> typer.Typer:
    """The root command with its global options and no commands yet."""
    app = typer.Typer(
        name="onhand",
        cls=OperatorGroup,
        help="Keeps stock right on every sales channel at once.",
        epilog=EPILOGUE,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )

    @app.callback()
    def root(
        ctx: typer.Context,
        config: Annotated[
            Path | None, typer.Option("--config", "-c", help="The configuration file.", metavar="FILE")
        ] = None,
        debug: Annotated[
            bool, typer.Option("--debug", help="Show the traceback of an error, too.", envvar="ONHAND_DEBUG")
        ] = False,
        _: Annotated[
            bool,
            typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit."),
        ] = False,
    ) -> None:
        ctx.obj = Session(config=config, debug=debug)

    return app
