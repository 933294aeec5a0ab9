"""Fixtures: the command line as an operator uses it, on a ledger of its own, with a stable look."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from onhand.ledger import catalogue
from onhand.ledger.catalogue import CatalogueSku, NewListing
from onhand.ledger.database import Pool
from starter import build

CONFIG = """
[locations.leeds]
name = "Leeds warehouse"
[locations.london]

[channels.woo]
platform = "woocommerce"
base_url = "http://woo.test"
key_env = "WOO_KEY"
secret_env = "WOO_SECRET"
locations = ["leeds", "london"]
rule.buffer.units = 2

[channels.bigc]
platform = "bigcommerce"
base_url = "http://bigc.test/stores/abc"
token_env = "BIGC_TOKEN"
[channels.bigc.places]
"1" = ["leeds"]
"2" = ["london"]
"""


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it said."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The one document of a command that was asked for JSON."""
        return json.loads(self.stdout)

    @property
    def lines(self) -> list[str]:
        """What was printed, without the padding of tables and empty lines."""
        return [line.rstrip() for line in self.stdout.splitlines() if line.strip()]


Onhand = Callable[..., Awaitable[Answer]]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with two locations and two channels."""
    path = tmp_path / "onhand.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def onhand(config: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Onhand:
    """Call it like the program: `await onhand("stock", "show", "A")`."""
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("ONHAND_CONFIG", str(config))
    for name in ("WOO_KEY", "WOO_SECRET", "BIGC_TOKEN"):
        monkeypatch.setenv(name, "not-a-real-secret")

    async def call(*arguments: object) -> Answer:
        # Commands run a loop of their own, which a thread allows beside the test's.
        result = await asyncio.to_thread(CliRunner().invoke, build(), [str(a) for a in arguments])
        return Answer(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture
async def store(ledger: Pool, onhand: Onhand) -> Pool:
    """A ledger with SKUs A, B and C; A is listed on both channels, B on woo."""
    await catalogue.save_places(
        ledger,
        {"leeds": "Leeds warehouse", "london": "london"},
        {"woo": "woocommerce", "bigc": "bigcommerce"},
    )
    await catalogue.save_skus(
        ledger,
        [CatalogueSku("A", "Apple", "500001"), CatalogueSku("B", "Bread"), CatalogueSku("C", "Cake")],
    )
    await catalogue.save_listings(
        ledger, "woo", [NewListing("A", "101", "101"), NewListing("B", "102", "102")], [""]
    )
    await catalogue.save_listings(ledger, "bigc", [NewListing("A", "7", "7")], ["1", "2"])
    return ledger
