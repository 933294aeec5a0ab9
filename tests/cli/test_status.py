"""`onhand status`: one screen when all is well, what and since when and which command when not, and an exit code."""

import asyncio
import errno
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from temporalio.testing import WorkflowEnvironment

from onhand.cli.status import EXITS
from onhand.cli.status_view import status_view
from onhand.domain.health import (
    ChannelFacts,
    Facts,
    Health,
    LastLook,
    LedgerFacts,
    OpenOversell,
    RunFacts,
    ScheduleFacts,
    Service,
    Verdict,
    Waiting,
)
from onhand.domain.problems import judge
from onhand.ledger import work
from onhand.ledger.database import Pool
from onhand.settings import load_settings
from onhand.status.web import ask_web
from tests.cli.conftest import Onhand
from tests.domain.test_problems import CASES
from tests.test_docs import faults_of, words_of

NOW = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)


def before(**span: float) -> datetime:
    """A moment so long ago."""
    return NOW - timedelta(**span)


def channel(name: str) -> ChannelFacts:
    """One where all is well."""
    return ChannelFacts(
        name,
        outbox=(Waiting(2, before(seconds=1)), Waiting(), Waiting()),
        swept_at=before(seconds=40),
        synced=LastLook(
            "run-1", "success", before(minutes=7), before(minutes=6), calls=12, waited_seconds=1.5
        ),
        read_back=LastLook("r-1", "clean", before(minutes=6), before(minutes=5), calls=30),
        sku_updates=1,
    )


WELL = Facts(
    at=NOW,
    sync_every_seconds=900,
    sweep_every_seconds=60,
    services=tuple(map(Service, ("postgres", "temporal", "web", "worker onhand", "worker channel-shopify"))),
    schedules=(
        ScheduleFacts("sync-run", 900, every_seconds=900, started_at=before(minutes=7)),
        ScheduleFacts("sweep/shopify", 60, every_seconds=60, started_at=before(seconds=40)),
        ScheduleFacts("daily-report", 86_400, vital=False, every_seconds=86_400, started_at=before(hours=19)),
    ),
    channels=tuple(map(channel, ("bigcommerce", "shopify", "woocommerce"))),
    ledger=LedgerFacts(
        RunFacts(
            "run-1", "success", before(minutes=7), before(minutes=6), "312 changed, 0 failed of 600 levels"
        )
    ),
)


def screen(verdict: Verdict) -> list[str]:
    """The lines of an 80-column terminal, with the clock out of the way."""
    file = StringIO()
    Console(file=file, width=80, force_terminal=False).print(status_view(verdict))
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    lines[0] = re.sub(r"\d\d:\d\d:\d\d", "CLOCK", lines[0])
    return lines


def test_all_well_fits_on_one_screen() -> None:
    """Goal: 80 by 24 tell that everything is all right, and how busy it is."""
    lines = screen(judge(WELL))
    assert lines == [
        "onhand  CLOCK  all is well",
        "",
        "channel      to tell  to take  retried  swept  read back    calls  waited",
        "─────────────────────────────────────────────────────────────────────────",
        "bigcommerce        2        0        1  40 s   clean 5 min     42   1.5 s",
        "shopify            2        0        1  40 s   clean 5 min     42   1.5 s",
        "woocommerce        2        0        1  40 s   clean 5 min     42   1.5 s",
        "",
        "last sync  success 6 min ago: 312 changed, 0 failed of 600 levels",
        "schedules  sync-run 7 min ago, daily-report 19 h ago, 1 sweep",
        "answering  postgres, temporal, web, 2 queues polled",
    ]
    assert len(lines) <= 24


def test_trouble_comes_first_with_the_command_that_helps() -> None:
    """Goal: what, since when, and what to type; long words are wrapped, and brackets are no markup."""
    shop = replace(
        channel("shopify"),
        trouble="set levels failed (HTTP 503): [shop] is closed for maintenance until tomorrow",
        trouble_since=before(minutes=12),
        halts=Waiting(2, before(hours=3)),
    )
    facts = replace(
        WELL, channels=(shop,), ledger=LedgerFacts(None, (OpenOversell("22423", 3, before(minutes=2)),))
    )
    lines = screen(judge(facts))
    assert lines[:14] == [
        "onhand  CLOCK  2 broken, 2 to look at",
        "",
        "!! shopify: nothing is told to it: set levels failed (HTTP 503): [shop] is",
        "   closed for maintenance until tomorrow; 2 listings waiting (12 min ago)",
        "     onhand channels resume shopify",
        "!! oversells: 22423 is oversold: 3 units short (2 min ago)",
        "     onhand oversells show 22423",
        "-- shopify: 2 listings halted at 0 (3 h ago)",
        "     onhand halts list --channel shopify",
        "-- sync: there has been no run yet",
        "     onhand sync",
        "",
        "channel  to tell  to take  retried  swept  read back    calls  waited",
        "─────────────────────────────────────────────────────────────────────",
    ]


def test_what_could_not_be_asked_is_left_out() -> None:
    """Goal: without the ledger there is no table of zeros that would look like a quiet night."""
    nothing = Facts(NOW, 900, 60, (Service("postgres", "connection refused", "onhand up"), Service("web")))
    assert screen(judge(nothing)) == [
        "onhand  CLOCK  1 broken",
        "",
        "!! postgres: connection refused",
        "     onhand up",
        "",
        "answering  web",
    ]


def test_attention_alone_is_not_alarm() -> None:
    """Goal: it works, and the exit code says so apart from broken."""
    facts = replace(WELL, channels=(replace(channel("shop"), poison=Waiting(1, before(days=1))),))
    verdict = judge(facts)
    assert screen(verdict)[0] == "onhand  CLOCK  it works; 1 to look at"
    assert [int(EXITS[health]) for health in Health] == [0, 3, 1]


@pytest.mark.parametrize("name", CASES)
def test_every_command_that_is_advised_exists(name: str) -> None:
    """Goal: what is said to help can be typed."""
    command = CASES[name][1].command
    assert faults_of(words_of(command), whole=True) == "", command


# The command itself.


async def test_without_a_stack_it_says_what_to_start(
    onhand: Onhand, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: at 2 a.m. with nothing running there is an answer, and not a traceback."""
    monkeypatch.delenv("DATABASE_URL")
    # A port that no web app has, also where somebody's own stack runs on this machine.
    config.write_text(f"{config.read_text()}\n[web]\nport = 1\n")
    answer = await onhand("status", "--json")
    assert answer.code == 1
    assert answer.json["health"] == "broken"
    told = {problem["subject"]: problem["command"] for problem in answer.json["problems"]}
    assert told == {"postgres": "onhand up", "temporal": "onhand up", "web": "onhand up"}
    assert (answer.json["facts"]["channels"], answer.json["facts"]["schedules"]) == (None, None)
    assert (await onhand("status")).lines[0].endswith("3 broken")


@pytest.fixture
async def temporal(temporal_env: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch) -> WorkflowEnvironment:
    """The command finds the tests' Temporal."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_env.client.service_client.config.target_host)
    return temporal_env


async def test_it_looks_at_ledger_and_temporal(
    store: Pool, onhand: Onhand, temporal: WorkflowEnvironment
) -> None:
    """Goal: what each knows is put together: a pause from the ledger, no schedule and every queue from Temporal."""
    await work.pause(store, "woo", "theme")
    answer = await onhand("status", "--json")
    assert answer.code == 1
    told = {problem["subject"]: problem["sentence"] for problem in answer.json["problems"]}
    assert told["schedule sync-run"] == "there is none, so it starts nothing"
    # Who polls is what Temporal saw within two minutes, other tests' workers among them.
    services = {service["name"] for service in answer.json["facts"]["services"]}
    assert services == {
        "postgres",
        "temporal",
        "web",
        "worker onhand",
        "worker channel-woo",
        "worker channel-bigc",
    }
    paused = [p for p in answer.json["problems"] if p["command"] == "onhand channels resume woo"]
    assert [p["sentence"] for p in paused] == ["telling it changes is paused (theme)"]
    assert paused[0]["since"].endswith("Z")
    woo = next(c for c in answer.json["facts"]["channels"] if c["name"] == "woo")
    assert (woo["pause_note"], woo["sku_updates"], woo["listens"]) == ("theme", 0, True)


# The web app's part.


@asynccontextmanager
async def web_app(status: str) -> AsyncIterator[str]:
    """Something at an address that answers every request with this status."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_the_web_app_is_asked_whether_it_answers(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: "" where it does; else its address and why not, in the words of the system."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    given = config.read_text()
    said = []
    for status in ("200 OK", "503 Service Unavailable"):
        async with web_app(status) as address:
            config.write_text(f'{given}\n[web]\npublic_url = "{address}"\n')
            said.append((await ask_web(load_settings(config), 3.0)).replace(address, "ADDRESS"))
    refused = await ask_web(load_settings(config), 3.0)
    assert [*said, refused] == [
        "",
        "ADDRESS/healthz answered HTTP 503",
        f"{address} does not answer: [Errno {errno.ECONNREFUSED}] {os.strerror(errno.ECONNREFUSED)}",
    ]
