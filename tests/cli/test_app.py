"""The root: help, version, and how every command ends when it cannot go on."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import psycopg_pool
import pytest
import typer
from temporalio.exceptions import TemporalError

from onhand.channels.errors import CredentialsBad
from onhand.cli import stock
from onhand.cli.errors import ExitCode, OperatorError, describe
from onhand.connect import NotRunningError
from onhand.domain.movements import MovementRefusedError
from onhand.ledger.migrations import MigrationError
from onhand.settings import SettingsError
from onhand.sources.base import SourceDown
from starter import COMMANDS, build
from tests.cli.conftest import Onhand

ROOT = Path(__file__).parents[2]


async def test_help_lists_every_command(onhand: Onhand) -> None:
    answer = await onhand("--help")
    assert answer.code == 0
    for command in COMMANDS:
        assert f"│ {command} " in answer.stdout


def test_help_is_broken_where_the_terminal_ends() -> None:
    """Goal: on a terminal of any width, no sentence is broken where its docstring happened to be."""
    waiting, broken = [typer.main.get_command(build())], []
    while waiting:
        command = waiting.pop()
        waiting += getattr(command, "commands", {}).values()
        broken += [command.name for part in (command.help or "").split("\n\n") if "\n" in part]
    assert broken == []


@pytest.mark.parametrize(
    "command",
    ["runs", "runs list", "runs show", "stock", "stock count", "import stock", "explain", "mapping discover",
     "channels check", "doctor"],
)  # fmt: skip
async def test_every_command_has_help(onhand: Onhand, command: str) -> None:
    answer = await onhand(*command.split(), "--help")
    assert answer.code == 0
    assert "Usage:" in answer.stdout


def test_only_what_is_asked_for_is_loaded() -> None:
    """Goal: a command starts in a fraction of the time it takes to load them all."""
    assert [group.name for group in build(["--config", "x", "stock", "show", "A"]).registered_groups] == [
        "stock"
    ]
    assert [command.name for command in build(["explain", "A"]).registered_commands] == ["explain"]
    everything = build(["--help"])
    loaded = {each.name for each in (*everything.registered_commands, *everything.registered_groups)}
    assert loaded == set(COMMANDS)


async def test_the_version(onhand: Onhand) -> None:
    answer = await onhand("--version")
    assert (answer.code, answer.stdout) == (0, "onhand 0.1.0\n")


async def test_without_a_configuration_the_message_says_how_to_get_one(
    onhand: Onhand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ONHAND_CONFIG")
    answer = await onhand("--config", tmp_path / "none.toml", "stock", "show", "A")
    assert answer.code == 2
    assert answer.stdout == ""
    assert "error: no configuration at" in answer.stderr
    assert "onhand.example.toml" in answer.stderr


async def test_a_wrong_setting_is_named(onhand: Onhand, config: Path) -> None:
    config.write_text(config.read_text().replace("rule.buffer.units = 2", 'rule.buffer.units = "two"'))
    answer = await onhand("stock", "show", "A")
    assert answer.code == 2
    assert "channels.woo" in answer.stderr
    assert "Traceback" not in answer.stderr


async def test_a_database_that_is_not_there_is_one_message(
    onhand: Onhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:secret-word@127.0.0.1:1/none")
    monkeypatch.setattr("onhand.ledger.database.CHECKOUT_TIMEOUT_SECONDS", 0.2)
    answer = await onhand("stock", "show", "A")
    assert answer.code == 1
    assert answer.stderr.startswith("error: the database could not be reached:")
    assert "what to do: See `onhand doctor`" in answer.stderr
    assert "secret-word" not in answer.stderr


async def test_the_unforeseen_is_one_message_unless_debugging(
    onhand: Onhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("[oops]")

    monkeypatch.setattr(stock, "in_ledger", fails)
    answer = await onhand("stock", "show", "A")
    assert (answer.code, answer.stdout) == (1, "")
    assert answer.stderr.startswith("error: this should not have happened: ZeroDivisionError: [oops]")
    assert "Traceback" in (await onhand("--debug", "stock", "show", "A")).stderr


async def test_an_unknown_channel_is_wrong_usage(onhand: Onhand) -> None:
    answer = await onhand("explain", "A", "--channel", "ebay")
    assert answer.code == 2
    assert "'ebay' is not in [channels] of the configuration; known are woo, bigc" in answer.stderr


@pytest.mark.parametrize(
    ("error", "code", "message", "advice"),
    [
        (OperatorError("no", "do", ExitCode.PARTIAL), 3, "no", "do"),
        (SettingsError("wrong key"), 2, "wrong key", ""),
        (MovementRefusedError("0 units"), 2, "0 units", ""),
        (MigrationError("ahead"), 1, "ahead", ""),
        (NotRunningError("nothing runs"), 1, "nothing runs", ""),
        (SourceDown("no file", "mount it"), 1, "no file", "mount it"),
        (
            CredentialsBad("woo", "checking", "denied", advice="New key.", status=401),
            1,
            "woo: checking failed (HTTP 401): denied",
            "New key.",
        ),
        (
            psycopg.errors.UndefinedTable('relation "sku" does not exist\nLINE 1'),
            1,
            'the database lacks something this program needs: relation "sku" does not exist',
            "Its migrations are not applied yet; `onhand up` applies them.",
        ),
        (psycopg.DataError("bad value"), 1, "the database refused: bad value", ""),
        (OSError("disk full"), 1, "disk full", ""),
    ],
)
def test_each_error_has_its_words_and_exit_code(
    error: Exception, code: int, message: str, advice: str
) -> None:
    said = describe(error)
    assert (said.code, said.message, said.advice) == (code, message, advice)


@pytest.mark.parametrize("error", [TemporalError("gone"), RuntimeError("Failed client connect: refused")])
def test_temporal_that_does_not_answer_says_where_to_look(error: Exception) -> None:
    assert "onhand doctor" in describe(error).advice


def test_a_pool_that_times_out_is_a_database_that_is_away() -> None:
    assert describe(psycopg_pool.PoolTimeout("20 s")).message == "the database could not be reached: 20 s"


def test_the_program_itself_runs_and_its_output_is_plain_in_a_pipe(tmp_path: Path) -> None:
    """Acceptance: the real program in a process of its own, as a script would call it."""
    environment = {key: value for key, value in os.environ.items() if key not in ("ONHAND_CONFIG", "COLUMNS")}
    result = subprocess.run(
        [sys.executable, str(ROOT / "starter.py"), "doctor"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 2
    assert result.stdout.startswith("!!  configuration  no configuration at onhand.toml.")
    assert "\x1b" not in result.stdout + result.stderr
