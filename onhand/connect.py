"""Where the ledger and Temporal are: configured addresses, or the stack that `onhand up` started here."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from onhand.embedded.state import StackState, read_state
from onhand.ledger.database import Pool, open_pool
from onhand.redaction import register_secret
from onhand.settings import Settings

if TYPE_CHECKING:
    from temporalio.client import Client

DATABASE_VARIABLE = "DATABASE_URL"
TEMPORAL_VARIABLES = ("TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE")


class NotRunningError(Exception):
    """Nothing is configured and no stack of ours runs here; the message says what to start."""


def database_is_configured() -> bool:
    """Whether an existing Postgres is to be used."""
    return bool(os.environ.get(DATABASE_VARIABLE))


def temporal_is_configured() -> bool:
    """Whether an existing Temporal is to be used (see temporalio.envconfig for what can be set)."""
    return any(os.environ.get(name) for name in TEMPORAL_VARIABLES)


def database_url(settings: Settings) -> str:
    """The ledger's address, with its password. Raises NotRunningError."""
    url = os.environ.get(DATABASE_VARIABLE) or _state(settings.data_dir, DATABASE_VARIABLE).dsn
    register_secret(url)
    return url


@asynccontextmanager
async def open_ledger(settings: Settings) -> AsyncIterator[Pool]:
    """A pool on the ledger while the body runs. Raises NotRunningError, or psycopg's errors."""
    async with open_pool(database_url(settings)) as pool:
        yield pool


async def connect_temporal(settings: Settings) -> "Client":
    """A client of the configured Temporal, or of our own. Raises NotRunningError, or RuntimeError when unreachable."""
    # Loading the SDK takes a fifth of a second, which commands that only look at the ledger need not wait for.
    from temporalio.client import Client
    from temporalio.contrib.pydantic import pydantic_data_converter
    from temporalio.envconfig import ClientConfigProfile

    _log_as_we_do()
    if temporal_is_configured():
        profile = ClientConfigProfile.load()
        return await Client.connect(
            **profile.to_client_connect_config(), data_converter=pydantic_data_converter
        )
    address = _state(settings.data_dir, TEMPORAL_VARIABLES[0]).temporal_address
    assert address is not None, "a stack that uses another Temporal has its address configured"
    return await Client.connect(address, data_converter=pydantic_data_converter)


@cache
def _log_as_we_do() -> None:
    """Let the SDK's core log through Python: by itself it prints to stdout, in the middle of an answer in JSON."""
    from temporalio.runtime import (
        LogForwardingConfig,
        LoggingConfig,
        Runtime,
        TelemetryConfig,
        TelemetryFilter,
    )

    filter = TelemetryFilter(core_level="WARN", other_level="ERROR")
    forwarding = LogForwardingConfig(logging.getLogger("temporalio.core"))
    logging_config = LoggingConfig(filter, forwarding=forwarding)
    Runtime.set_default(
        Runtime(telemetry=TelemetryConfig(logging=logging_config)), error_if_already_set=False
    )


def _state(data_dir: Path, variable: str) -> StackState:
    state = read_state(data_dir)
    if state is None:
        raise NotRunningError(
            f"nothing of Onhand runs in {data_dir}. Start it with 'onhand up' (or 'onhand demo'), "
            f"or set {variable} to use an existing server."
        )
    return state
