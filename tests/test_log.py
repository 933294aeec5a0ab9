"""Log lines: exactly what is written, and what never is."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import structlog
from temporalio import activity
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment
from temporalio.worker import Worker

from onhand import log
from onhand.log_temporal import LogContext, activity_bound
from onhand.messages import SkuUpdateRequest

PLANTED = 'pl"anted\\secret/ü+ 42'
"""A value that every kind of escaping spells in its own way."""


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)


def configured(format: log.Format, level: log.Level = "info") -> io.StringIO:
    stream = io.StringIO()
    log.configure(format, level, stream)
    return stream


def json_lines(stream: io.StringIO) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    for line in lines:
        assert line.pop("timestamp").endswith("Z")
    return lines


def test_a_json_line_is_exactly_this() -> None:
    stream = configured("json")
    with log.bound(run="run-1", channel="shop", sku="85123A"):
        structlog.get_logger("onhand.publish").info("level accepted", quantity=7)
    stamp = json.loads(stream.getvalue())["timestamp"]
    assert stream.getvalue() == (
        f'{{"timestamp": "{stamp}", "level": "info", "logger": "onhand.publish", "event": "level accepted", '
        '"run": "run-1", "channel": "shop", "sku": "85123A", "quantity": 7}\n'
    )


def test_a_console_line_is_exactly_this() -> None:
    stream = configured("console")
    structlog.get_logger("onhand.publish").warning("level rejected", channel="shop", quantity=7)
    stamp, rest = stream.getvalue().split(" ", 1)
    assert stamp.endswith("Z")
    assert rest == "[warning  ] level rejected [onhand.publish] channel=shop quantity=7\n"


def test_bound_names_end_with_their_block_and_none_leaves_what_was_bound() -> None:
    stream = configured("json")
    logger = structlog.get_logger("x")
    with log.bound(run="run-1", channel="shop"):
        with log.bound(channel=None, sku="A", chunk=3):
            logger.info("inside")
        logger.info("between")
    logger.info("outside")
    inside, between, outside = json_lines(stream)
    assert inside == {
        "level": "info",
        "logger": "x",
        "event": "inside",
        "run": "run-1",
        "channel": "shop",
        "sku": "A",
        "chunk": 3,
    }
    assert between == {"level": "info", "logger": "x", "event": "between", "run": "run-1", "channel": "shop"}
    assert outside == {"level": "info", "logger": "x", "event": "outside"}


def test_records_of_the_standard_library_take_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = configured("json")
    for name in ("uvicorn", "uvicorn.error"):  # a server of another test may have set them
        for key, value in {"level": logging.NOTSET, "handlers": [], "propagate": True}.items():
            monkeypatch.setattr(logging.getLogger(name), key, value)
    with log.bound(run="run-1"):
        logging.getLogger("uvicorn.error").info("Started server process [%d]", 4711)
    logging.getLogger("temporalio.workflow").info(
        "Chunk done",
        extra={
            "temporal_workflow": {"workflow_id": "sync-1", "workflow_type": "SyncRun", "task_queue": "onhand"}
        },
    )
    assert json_lines(stream) == [
        {
            "level": "info",
            "logger": "uvicorn.error",
            "event": "Started server process [4711]",
            "run": "run-1",
        },
        {
            "level": "info",
            "logger": "temporalio.workflow",
            "event": "Chunk done",
            "workflow_id": "sync-1",
            "workflow_type": "SyncRun",
        },
    ]


def test_the_level_holds_for_both_ways_and_talkative_libraries_are_asked_to_be_brief() -> None:
    stream = configured("json", "warning")
    for logger in (structlog.get_logger("ours"), logging.getLogger("theirs")):
        logger.info("no")
        logger.error("yes")
    assert [line["event"] for line in json_lines(stream)] == ["yes", "yes"]

    stream = configured("json", "info")
    logging.getLogger("httpx").info("HTTP Request: GET http://127.0.0.1/")
    assert stream.getvalue() == ""


def test_configuring_again_replaces_the_first_configuration() -> None:
    first = configured("json")
    second = configured("json")
    structlog.get_logger("x").info("once")
    assert first.getvalue() == ""
    assert len(json_lines(second)) == 1


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_planted_secret_never_appears(format: log.Format) -> None:
    log.register_secret(PLANTED)
    stream = configured(format)
    logger = structlog.get_logger("x")
    logger.info(f"said {PLANTED}", innocent=PLANTED, nested={"a": [PLANTED, (PLANTED,)], PLANTED: 1})
    logger.info("object", found=ValueError(PLANTED), raw=PLANTED.encode())
    logger.info("written by a library", line=json.dumps({"key": PLANTED}), shown=repr([PLANTED]))
    logging.getLogger("theirs").warning("said %s of %r", PLANTED, [PLANTED])
    try:
        try:
            raise KeyError(PLANTED)
        except KeyError as error:
            raise RuntimeError(f"cannot log in with {PLANTED}") from error
    except RuntimeError:
        logger.exception("failed", channel="shop")
        logging.getLogger("theirs").exception("failed with %s", PLANTED)
    text = stream.getvalue()
    assert text.count("[redacted]") >= 10
    assert "RuntimeError: cannot log in with [redacted]" in text
    for piece in ('pl"anted', "anted\\secret", "anted\\\\secret", "secret/ü", "secret/\\u00fc", "+ 42"):
        assert piece not in text, piece


def test_a_line_that_cannot_be_rendered_does_not_spill_its_arguments() -> None:
    log.register_secret("planted-secret-7")
    stream = configured("console")
    logging.getLogger("theirs").info("%d pieces", "planted-secret-7")
    assert stream.getvalue() == "a log line of theirs could not be written: TypeError\n"


def test_inside_an_activity_lines_say_where_they_belong() -> None:
    stream = configured("json")

    def work(request: SkuUpdateRequest) -> None:
        with activity_bound(request):
            structlog.get_logger("activities").info("pushing")

    environment = ActivityEnvironment()
    environment.run(work, SkuUpdateRequest(channel="shop", sku="85123A"))
    assert json_lines(stream) == [
        {
            "level": "info",
            "logger": "activities",
            "event": "pushing",
            "channel": "shop",
            "sku": "85123A",
            "workflow_id": "test",
            "activity_type": "unknown",
            "attempt": 1,
        }
    ]


@activity.defn
async def fails_once(request: SkuUpdateRequest) -> None:
    structlog.get_logger("activities").info("pushing")
    if activity.info().attempt == 1:
        raise ApplicationError("the shop said no")


async def test_a_workers_lines_say_where_they_belong_the_sdks_too(temporal_env: WorkflowEnvironment) -> None:
    stream = configured("json")
    client, identity = temporal_env.client, f"log-{uuid4()}"
    async with Worker(client, task_queue=identity, activities=[fails_once], interceptors=[LogContext()]):
        await client.execute_activity(
            fails_once,
            SkuUpdateRequest(channel="shop", sku="85123A", run_id="run-1"),
            id=identity,
            task_queue=identity,
            start_to_close_timeout=timedelta(seconds=20),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=1)),
        )
    lines = [line for line in json_lines(stream) if line["logger"] in ("activities", "temporalio.activity")]
    names = ("event", "run", "channel", "sku", "activity_type", "attempt")
    assert [tuple(line.get(name) for name in names) for line in lines] == [
        ("pushing", "run-1", "shop", "85123A", "fails_once", 1),
        ("Completing activity as failed", None, None, None, "fails_once", 1),
        ("pushing", "run-1", "shop", "85123A", "fails_once", 2),
    ]
    assert lines[1]["exception"].endswith("ApplicationError: the shop said no")


def test_concurrent_activities_keep_their_own_context() -> None:
    stream = configured("json")

    async def work(channel: str) -> None:
        with log.bound(channel=channel):
            await asyncio.sleep(0)
            structlog.get_logger("x").info("said")

    async def both() -> None:
        await asyncio.gather(work("a"), work("b"))

    asyncio.run(both())
    assert [line["channel"] for line in json_lines(stream)] == ["a", "b"]
