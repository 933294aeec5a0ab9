"""Logs: structlog, configured once; one line an event, as JSON or for a person, with every secret masked.

The standard library's records (temporalio, uvicorn, psycopg, slack_sdk) take the same way out. Lines carry
what was bound around them: `run`, `channel`, `sku`, and inside an activity its workflow and attempt (see
`onhand.log_temporal`). No personal data reaches a log because none is kept (orders are reduced at the door).
"""

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from typing import Any, Literal, TextIO

import structlog
from structlog.contextvars import bound_contextvars
from structlog.typing import EventDict, Processor

from onhand.redaction import mask_field, mask_known, register_secret

__all__ = ["Format", "Level", "bound", "configure", "register_secret"]

Format = Literal["console", "json"]
Level = Literal["debug", "info", "warning", "error"]

# They say at "info" what we say ourselves, or what nobody asked.
_TALKATIVE = ("httpx", "httpcore", "slack_sdk", "uvicorn.access", "asyncio", "psycopg.pool")

_TEMPORAL_FIELDS = ("workflow_id", "workflow_type", "activity_type", "attempt")


def configure(format: Format, level: Level = "info", stream: TextIO | None = None) -> None:
    """Send every log line of the process to `stream` (stderr unless given), once, in this format.

    Calling it again replaces what was configured before.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_formatter(format, colours=format == "console" and (stream or sys.stderr).isatty()))
    logging.captureWarnings(True)
    logging.basicConfig(level=threshold, handlers=[handler], force=True)
    talkative = logging.INFO if level == "debug" else max(threshold, logging.WARNING)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(talkative)
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.stdlib.LoggerFactory(),
        # A cached logger would keep the configuration of whoever logged first.
        cache_logger_on_first_use=False,
    )


@contextmanager
def bound(
    *, run: str | None = None, channel: str | None = None, sku: str | None = None, **more: object
) -> Iterator[None]:
    """Lines logged inside carry these; None says nothing, and leaves what was bound before."""
    named = {"run": run, "channel": channel, "sku": sku, **more}
    with bound_contextvars(**{name: value for name, value in named.items() if value is not None}):
        yield


class _Handler(logging.StreamHandler[TextIO]):
    """A handler whose own trouble is told in one safe line; the default prints the arguments unmasked."""

    def handleError(self, record: logging.LogRecord) -> None:
        trouble = sys.exc_info()[0]
        name = trouble.__name__ if trouble else "error"
        with suppress(OSError, ValueError):
            self.stream.write(f"a log line of {record.name} could not be written: {name}\n")


def _shared() -> list[Processor]:
    """What every event passes, ours and the standard library's."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _formatter(format: Format, *, colours: bool) -> logging.Formatter:
    renderer: Processor
    if format == "json":
        renderer = structlog.processors.JSONRenderer(sort_keys=False, ensure_ascii=False, default=str)
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=colours, exception_formatter=structlog.dev.plain_traceback, sort_keys=False, pad_event_to=0
        )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.ExtraAdder(allow=("temporal_workflow", "temporal_activity")),
            _flatten_temporal,
            *_shared(),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Exceptions become text here, before masking: their messages carry whatever a library put there.
            structlog.processors.format_exc_info,
            _mask,
            _in_order,
            renderer,
            _mask_line,
        ],
    )


def _flatten_temporal(_: Any, __: str, event: EventDict) -> EventDict:
    """What the SDK says of its workflow or activity, under the names we use."""
    for extra in ("temporal_workflow", "temporal_activity"):
        found = event.pop(extra, None)
        if isinstance(found, MutableMapping):
            event.update({name: found[name] for name in _TEMPORAL_FIELDS if name in found})
    return event


def _mask(_: Any, __: str, event: EventDict) -> EventDict:
    return {name: mask_field(name, value) for name, value in event.items()}


_FIRST = ("timestamp", "level", "logger", "event", "run", "channel", "sku")


def _in_order(_: Any, __: str, event: EventDict) -> EventDict:
    """The same order in every line, so that lines can be read below one another; an exception comes last."""
    first = {name: event[name] for name in _FIRST if name in event}
    rest = {name: value for name, value in event.items() if name not in first and name != "exception"}
    last = {"exception": event["exception"]} if "exception" in event else {}
    return {**first, **rest, **last}


def _mask_line(_: Any, __: str, line: Any) -> Any:
    """The last look: no rendering may bring a registered secret back."""
    return mask_known(line)
