"""How a command ends when it cannot do what was asked: one message, what to do, and an exit code."""

from dataclasses import dataclass
from enum import IntEnum

import psycopg
import psycopg_pool

from onhand.channels.errors import ChannelError
from onhand.connect import NotRunningError
from onhand.domain.campaigns import CampaignRefusedError
from onhand.domain.counts import CountConflictError
from onhand.domain.movements import MovementRefusedError
from onhand.domain.programmes import ProgrammeRefusedError
from onhand.domain.purchase_orders import PurchaseOrderRefusedError
from onhand.domain.reasons import ReasonRefusedError
from onhand.domain.returns import ReturnRefusedError
from onhand.domain.rules import RuleRefusedError
from onhand.domain.transfers import TransferRefusedError
from onhand.embedded.errors import EmbeddedError
from onhand.explain.skus import UnknownSkuError
from onhand.ledger.count_sheets import CountRefusedError, UnknownSheetError
from onhand.ledger.migrations import MigrationError
from onhand.ledger.posting import Posted, Verdict
from onhand.settings import SettingsError
from onhand.sources.base import SourceError


class ExitCode(IntEnum):
    """What a command tells the shell."""

    SUCCESS = 0
    FAILURE = 1
    USAGE = 2
    """Wrong usage or configuration: trying again will not help until a person changes something."""
    PARTIAL = 3
    """Some of it was done; what was not is listed."""


class OperatorError(Exception):
    """A command cannot do what was asked. `advice` says what the operator should do now."""

    def __init__(self, message: str, advice: str = "", code: ExitCode = ExitCode.FAILURE) -> None:
        self.message = message
        self.advice = advice
        self.code = code
        super().__init__(message)


def not_taken(posted: Posted) -> OperatorError:
    """The ledger refused what was stated; a name that it does not know is wrong usage, as everywhere."""
    unknown = posted.verdict is Verdict.UNKNOWN
    return OperatorError(posted.message, code=ExitCode.USAGE if unknown else ExitCode.FAILURE)


@dataclass(frozen=True, slots=True)
class Said:
    """An error in words for an operator."""

    message: str
    advice: str
    code: ExitCode


def describe(error: Exception) -> Said:
    """What an operator is told of an error that ended a command."""
    match error:
        case OperatorError():
            return Said(error.message, error.advice, error.code)
        case UnknownSkuError():
            return Said(error.message, error.advice, ExitCode.USAGE)
        case SettingsError() | RuleRefusedError() | UnknownSheetError():
            return Said(str(error), "", ExitCode.USAGE)
        case ChannelError():
            return Said(channel_sentence(error), error.advice, ExitCode.FAILURE)
        case SourceError():
            return Said(error.said, error.advice, ExitCode.FAILURE)
        case (
            MovementRefusedError()
            | CampaignRefusedError()
            | PurchaseOrderRefusedError()
            | ReasonRefusedError()
            | ProgrammeRefusedError()
        ):
            return Said(str(error), "", ExitCode.USAGE)
        case ReturnRefusedError() | TransferRefusedError():
            return Said(str(error), "", ExitCode.USAGE)
        case CountConflictError() | CountRefusedError() | MigrationError():
            return Said(str(error), "", ExitCode.FAILURE)
        case psycopg_pool.PoolTimeout() | psycopg.Error():
            return _of_database(error)
        case NotRunningError() | EmbeddedError() | OSError():
            return Said(str(error), "", ExitCode.FAILURE)
        case _:
            return _of_temporal(error) or _unforeseen(error)


def _of_temporal(error: Exception) -> Said | None:
    # Loaded only when something failed: it takes a fifth of a second that no answer should wait for.
    from temporalio.exceptions import TemporalError
    from temporalio.service import RPCError

    from onhand.schedules import NoScheduleError

    if isinstance(error, NoScheduleError):
        return Said(str(error), "", ExitCode.FAILURE)
    # The SDK's core has no exception of its own for a server that is not there.
    away = isinstance(error, RuntimeError) and "client connect" in str(error)
    if not away and not isinstance(error, RPCError | TemporalError):
        return None
    return Said(
        f"Temporal did not do what was asked: {error}",
        "See `onhand doctor`; if its address is configured, check that it runs there.",
        ExitCode.FAILURE,
    )


def _unforeseen(error: Exception) -> Said:
    return Said(
        f"this should not have happened: {type(error).__name__}: {error}",
        "Run it again as `onhand --debug ...` and report what it prints.",
        ExitCode.FAILURE,
    )


def channel_sentence(error: ChannelError) -> str:
    """What was attempted and what was answered; the advice is told apart."""
    code = f" (HTTP {error.status})" if error.status is not None else ""
    return f"{error.channel}: {error.action} failed{code}: {error.said}"


def _of_database(error: Exception) -> Said:
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedFunction):
        return Said(
            f"the database lacks something this program needs: {_first_line(error)}",
            "Its migrations are not applied yet; `onhand up` applies them.",
            ExitCode.FAILURE,
        )
    if isinstance(error, psycopg_pool.PoolTimeout | psycopg.OperationalError):
        return Said(
            f"the database could not be reached: {_first_line(error)}",
            "See `onhand doctor`; `onhand up` starts the embedded one, DATABASE_URL names another.",
            ExitCode.FAILURE,
        )
    return Said(f"the database refused: {_first_line(error)}", "", ExitCode.FAILURE)


def _first_line(error: Exception) -> str:
    # Postgres adds DETAIL and CONTEXT lines for programmers.
    return (str(error).splitlines() or [type(error).__name__])[0]
