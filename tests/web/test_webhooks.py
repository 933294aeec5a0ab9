"""The door over real HTTP: what is let in, what is turned away, and that nobody is thanked for what is not durable."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from io import StringIO
from typing import Any

import httpx
import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from onhand import log
from onhand.ledger import inbox
from onhand.ledger.database import Pool
from onhand.settings import Settings
from onhand.web import app as app_module
from onhand.web.app import create_app
from onhand.web.backends import Doors
from onhand.web.bodies import BODY_BYTES_MAX
from tests.fix_ledger import sql
from tests.web.conftest import doors_to, served
from tests.web.door import SignedReceiver, body_of, headers_for


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The channels whose intake was signalled."""
    found: list[str] = []

    async def wake(client: Client, channels: Iterable[str]) -> bool:
        found.extend(channels)
        return True

    monkeypatch.setattr(app_module, "wake_intakes", wake)
    return found


@pytest.fixture
def receivers() -> dict[str, SignedReceiver]:
    """The channels web and store sign as these tests do."""
    return {name: SignedReceiver() for name in ("web", "store")}


@pytest.fixture
async def door(
    stocked: Pool,
    database: str,
    settings: Settings,
    temporal_env: WorkflowEnvironment,
    woken: list[str],
    receivers: dict[str, SignedReceiver],
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app."""
    app = create_app(settings, doors=doors_to(database, temporal_env.client), receivers=receivers)
    async with served(app) as client:
        yield client


async def deliver(
    door: httpx.AsyncClient,
    body: bytes,
    *,
    channel: str = "web",
    headers: dict[str, str] | None = None,
    **more: str,
) -> httpx.Response:
    return await door.post(f"/webhooks/{channel}", content=body, headers=headers or headers_for(body, **more))


async def rows(pool: Pool) -> list[tuple[Any, ...]]:
    return await sql(
        pool,
        "SELECT c.name, delivery_id, kind, topic, subject, body, outcome, reason"
        " FROM inbox i JOIN channel c ON c.id = i.channel_id ORDER BY i.id",
    )


async def test_an_order_is_in_the_inbox_when_it_is_answered(
    door: httpx.AsyncClient, stocked: Pool, woken: list[str]
) -> None:
    """Goal: 200 means durable, reduced, and that the channel's intake, which slept, is signalled once."""
    answer = await deliver(door, body_of(17, version=5), delivery="d-1")

    assert (answer.status_code, answer.content) == (200, b"")
    kept = {
        "order": "17",
        "version": 5,
        "placed_at": "2026-11-26T09:00:00+00:00",
        "updated_at": "2026-11-26T09:00:00+00:00",
        "lines": [["0", ["A"], "A", 1, 0, ""]],
    }
    assert await rows(stocked) == [("web", "d-1", "order", "orders/updated", "17", kept, None, "")]
    await deliver(door, body_of(18), delivery="d-2")
    assert woken == ["web"], "the second found it awake"


async def test_the_intake_of_the_channel_is_started_with_its_signal(
    stocked: Pool, database: str, settings: Settings, temporal_env: WorkflowEnvironment
) -> None:
    """Goal: on a real Temporal: one workflow for the channel, on the channel's own queue, holding the wake-up."""
    app = create_app(
        settings, doors=doors_to(database, temporal_env.client), receivers={"web": SignedReceiver()}
    )
    async with served(app) as door:
        assert (await deliver(door, body_of())).status_code == 200
    handle = temporal_env.client.get_workflow_handle("intake/web")
    try:
        found = await handle.describe()
        assert (found.workflow_type, found.task_queue) == ("Intake", "channel-web")
        kinds = [event.event_type async for event in handle.fetch_history_events()]
        assert EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED in kinds
    finally:
        await handle.terminate()


async def test_a_temporal_that_is_not_there_fails_no_webhook(
    stocked: Pool, database: str, settings: Settings, temporal_env: WorkflowEnvironment
) -> None:
    """Goal: what is written down is acknowledged; the sweep wakes the intake later."""

    async def nowhere() -> Client:
        raise RuntimeError("no server")

    doors = replace(doors_to(database, temporal_env.client), connect_temporal=nowhere)
    async with served(create_app(settings, doors=doors, receivers={"web": SignedReceiver()})) as door:
        assert (await deliver(door, body_of())).status_code == 200
    assert len(await rows(stocked)) == 1


async def test_a_duplicate_is_thanked_for_and_writes_nothing(door: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: the same delivery with the same body is one; the same id with another body is not."""
    for _ in range(3):
        assert (await deliver(door, body_of(1), delivery="d")).status_code == 200
    assert len(await rows(stocked)) == 1
    await deliver(door, body_of(1, version=2), delivery="d")
    assert len(await rows(stocked)) == 2
    counted = (await door.get("/api/webhooks")).json()["channels"][0]
    assert counted == {
        "channel": "web",
        "outcomes": {"kept": 2, "duplicate": 2},
        "unused_topics": {},
        "wakeups_lost": 0,
    }


@pytest.mark.parametrize("forged", ["changed body", "no signature", "another signature", "empty"])
async def test_what_is_not_signed_leaves_nothing(
    door: httpx.AsyncClient, stocked: Pool, woken: list[str], forged: str
) -> None:
    """Goal: 401, no row, no workflow."""
    body = body_of()
    headers = headers_for(body)
    match forged:
        case "changed body":
            body = body.replace(b"1", b"2", 1)
        case "no signature":
            del headers["x-signature"]
        case "another signature":
            headers = headers_for(b"another")
        case "empty":
            body = b""
    answer = await deliver(door, body, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "refused"
    assert await rows(stocked) == []
    assert woken == []


async def test_what_makes_no_sense_waits_with_its_reason_for_the_intake_to_settle_it(
    door: httpx.AsyncClient, stocked: Pool, woken: list[str]
) -> None:
    """Goal: what is signed is not lost, and somebody is woken who has people told of it.

    Where its order is known it can be fetched when it is replayed.
    """
    first = await deliver(door, b"not json", delivery="d-1")
    second = await deliver(door, body_of(7, lines="A"), delivery="d-2")
    assert (first.status_code, second.status_code) == (200, 200)
    assert await rows(stocked) == [
        ("web", "d-1", "other", "orders/updated", "", {}, None, "the body is no JSON"),
        ("web", "d-2", "order_hint", "orders/updated", "7", {}, None, "order 7: lines is no list"),
    ]
    assert woken == ["web"]


async def test_what_no_database_can_hold_is_kept_without_its_words_and_harms_nobody(
    door: httpx.AsyncClient, stocked: Pool
) -> None:
    """Goal: a row that Postgres refuses does not take down those it was to be committed with."""
    bodies = [body_of(1), body_of("2\0x"), body_of(3)]
    answers = await asyncio.gather(*(deliver(door, body, delivery="d") for body in bodies))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    found = {row[4]: (row[2], row[7]) for row in await rows(stocked)}
    wordless = "it holds a character that no text in the database can hold; look at it on the channel"
    assert found == {"1": ("order", ""), "2x": ("other", wordless), "3": ("order", "")}


async def test_hints_and_levels_are_kept_as_what_they_are(door: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: a thin webhook keeps its id, a level its number."""
    await deliver(door, body_of(5), kind="order_hint")
    await deliver(door, body_of(6), kind="level", channel="store")
    changed_at = "2026-11-26T09:00:00+00:00"
    level = {"ref": "6", "place": "L1", "quantity": 7, "changed_at": changed_at, "tracking": ""}
    assert [(row[0], row[2], row[4], row[5]) for row in await rows(stocked)] == [
        ("web", "order_hint", "5", {}),
        ("store", "level", "6", level),
    ]


async def test_hints_without_an_id_of_the_delivery_are_never_duplicates(
    door: httpx.AsyncClient, stocked: Pool
) -> None:
    """Goal: two changes of an order within a second are told in equal words; the second one counts, too."""
    for delivery in ("", "", "d", "d"):
        await deliver(door, body_of(5), kind="order_hint", delivery=delivery)
    assert [(row[1], row[4]) for row in await rows(stocked)] == [("", "5"), ("", "5"), ("d", "5")]


async def test_pings_and_unused_topics_are_thanked_for_counted_and_forgotten(
    door: httpx.AsyncClient, stocked: Pool
) -> None:
    """Goal: a platform that is thanked keeps the subscription; the operator sees which topic is of no use."""
    assert (await deliver(door, body_of(), kind="ping")).status_code == 200
    for _ in range(2):
        headers = headers_for(body_of(), "other") | {"x-topic": "carts/update"}
        assert (await deliver(door, body_of(), headers=headers)).status_code == 200
    assert await rows(stocked) == []
    counted = (await door.get("/api/webhooks")).json()["channels"][0]
    assert counted["outcomes"] == {"ping": 1, "unused": 2}
    assert counted["unused_topics"] == {"carts/update": 2}


@pytest.mark.parametrize("channel", ["old", "nobody", "web%2F..", "web/x"])
async def test_an_unknown_channel_is_not_found(door: httpx.AsyncClient, channel: str) -> None:
    """Goal: 404, also for a channel that is switched off."""
    assert (await deliver(door, body_of(), channel=channel)).status_code == 404


async def test_other_methods_are_not_allowed(door: httpx.AsyncClient) -> None:
    """Goal: only POST delivers."""
    assert (await door.get("/webhooks/web")).status_code == 405


async def raw_answer(door: httpx.AsyncClient, rest: bytes) -> bytes:
    """All the server says to a request of which it is sent no more than this, until it ends the connection."""
    reader, writer = await asyncio.open_connection(door.base_url.host, door.base_url.port)
    writer.write(b"POST /webhooks/web HTTP/1.1\r\nHost: 127.0.0.1\r\n" + rest)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


async def test_a_large_body_is_refused_before_it_is_read(door: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: the stated length is enough to refuse; the connection ends, so that the rest is not read."""
    answer = await raw_answer(door, f"Content-Length: {BODY_BYTES_MAX + 1}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert await rows(stocked) == []


async def test_a_large_body_in_pieces_is_given_up_at_the_limit(
    door: httpx.AsyncClient, stocked: Pool
) -> None:
    """Goal: without a stated length no more than the limit is kept. The largest that is accepted is accepted."""
    fitting = body_of(1)[:-1] + b" " * (BODY_BYTES_MAX - len(body_of(1))) + b"}"
    assert len(fitting) == BODY_BYTES_MAX

    async def pieces(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    answer = await door.post("/webhooks/web", content=pieces(fitting), headers=headers_for(fitting))
    assert answer.status_code == 200
    beyond = fitting + b" "
    sent = b"Transfer-Encoding: chunked\r\n\r\n" + f"{len(beyond):x}\r\n".encode() + beyond
    assert (await raw_answer(door, sent)).startswith(b"HTTP/1.1 413 ")
    assert len(await rows(stocked)) == 1


async def test_nothing_is_acknowledged_that_is_not_durable(
    door: httpx.AsyncClient, stocked: Pool, woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: a database that fails in the middle of it is answered 503 with the time to come again, and wakes nobody."""
    await deliver(door, body_of(0), delivery="before")
    woken.clear()

    async def gone(*given: Any) -> list[inbox.Accepted]:
        raise OSError("the connection is lost")

    with monkeypatch.context() as broken:
        broken.setattr(inbox, "accept", gone)
        answers = await asyncio.gather(*(deliver(door, body_of(n), delivery="d") for n in range(3)))
    assert [(a.status_code, a.headers["retry-after"]) for a in answers] == [(503, "5")] * 3
    assert len(await rows(stocked)) == 1
    assert woken == []
    assert (await deliver(door, body_of(1), delivery="d")).status_code == 200
    assert len(await rows(stocked)) == 2


async def test_without_a_database_channels_are_asked_to_come_again(settings: Settings) -> None:
    """Goal: 503 at once, not after a minute of trying."""

    def closed() -> Any:
        raise OSError("no server")

    async def never() -> Any:
        raise OSError("no server")

    app = create_app(settings, doors=Doors(closed, never, never), receivers={"web": SignedReceiver()})
    async with served(app) as door:
        answer = await deliver(door, body_of())
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


async def test_a_channel_the_ledger_does_not_know_yet_is_asked_to_come_again(
    ledger: Pool, database: str, settings: Settings, temporal_env: WorkflowEnvironment
) -> None:
    """Goal: before the worker has started for the first time nothing is taken for a duplicate and lost."""
    app = create_app(
        settings, doors=doors_to(database, temporal_env.client), receivers={"web": SignedReceiver()}
    )
    async with served(app) as door:
        assert (await deliver(door, body_of())).status_code == 503
    assert await rows(ledger) == []


async def transactions(pool: Pool) -> int:
    """How many transactions wrote what is in the inbox."""
    ((number,),) = await sql(pool, "SELECT count(DISTINCT xmin::text) FROM inbox")
    return int(number)


async def test_deliveries_that_arrive_during_a_commit_share_the_next(
    door: httpx.AsyncClient,
    stocked: Pool,
    receivers: dict[str, SignedReceiver],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Goal: one commit for the one that came first, one for the twenty that came meanwhile, over real HTTP."""
    gate, groups, true_accept = asyncio.Event(), list[int](), inbox.accept

    async def slow(pool: Pool, deliveries: Any) -> list[inbox.Accepted]:
        groups.append(len(deliveries))
        await gate.wait()
        return await true_accept(pool, deliveries)

    monkeypatch.setattr(inbox, "accept", slow)
    alone = asyncio.create_task(deliver(door, body_of("alone")))
    while not groups:
        await asyncio.sleep(0.01)
    others = [asyncio.create_task(deliver(door, body_of(n))) for n in range(20)]
    while receivers["web"].read < 21:
        await asyncio.sleep(0.01)
    gate.set()
    answers = await asyncio.gather(alone, *others)

    assert {answer.status_code for answer in answers} == {200}
    assert groups == [1, 20]
    assert len(await rows(stocked)) == 21
    assert await transactions(stocked) == 2


async def test_deliveries_one_after_the_other_share_nothing(door: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: the negative control of the test above: the same without overlap makes a transaction for each."""
    for n in range(21):
        await deliver(door, body_of(n))
    assert await transactions(stocked) == 21


async def test_a_fault_of_ours_tells_nothing_of_the_body(door: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: an error that nobody expected is a 500, and leaves no row."""
    answer = await deliver(door, body_of(1, bug="planted@mail.test"))
    assert answer.status_code == 500
    assert b"planted" not in answer.content
    assert await rows(stocked) == []


async def test_nothing_of_a_buyer_is_kept_or_logged(door: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: marked names, mails and addresses are in no row and in no log line, whatever becomes of a delivery."""
    lines = StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log.configure("json", "debug", lines)
    try:
        await deliver(door, body_of(1))
        await deliver(door, body_of(2), headers={"x-signature": "planted-signature", "x-kind": "order"})
        await deliver(door, body_of(3, lines="planted lines"))
        await deliver(door, body_of(4, bug="planted@mail.test"))
        await deliver(door, body_of("5\0"))
        await deliver(door, body_of(6), kind="other")
    finally:
        root.handlers[:], root.level = handlers, level
    said = lines.getvalue()
    assert "a webhook was refused" in said
    assert "a delivery could not be read" in said
    assert "lanted" not in said
    assert "lanted B" not in str(await rows(stocked))
    assert "mail.test" not in str(await rows(stocked))
