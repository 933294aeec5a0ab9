"""What an operator sees and does of the real-time path, over real HTTP."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx
import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from onhand.ledger import inbox, work
from onhand.ledger.database import Pool
from onhand.ledger.inbox import InboxOutcome, Received
from onhand.settings import Settings
from onhand.web import app as app_module
from onhand.web.app import create_app
from tests.web.conftest import doors_to, served


@pytest.fixture
def signalled() -> list[tuple[str, list[str]]]:
    """Who was signalled: intakes and publishers of which channels."""
    return []


@pytest.fixture
async def app(
    stocked: Pool,
    database: str,
    settings: Settings,
    temporal_env: WorkflowEnvironment,
    signalled: list[tuple[str, list[str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app."""

    def note(what: str) -> Any:
        async def wake(client: Client, channels: Iterable[str]) -> bool:
            signalled.append((what, list(channels)))
            return True

        return wake

    monkeypatch.setattr(app_module, "wake_intakes", note("intake"))
    monkeypatch.setattr(app_module, "wake_publishers", note("publish"))
    async with served(create_app(settings, doors=doors_to(database, temporal_env.client))) as client:
        yield client


def received(
    name: str, kind: str = "order", outcome: InboxOutcome | None = None, reason: str = ""
) -> Received:
    return Received(
        "web", name, name.encode(), kind, "orders/updated", name, {"order": name}, outcome, reason
    )


async def given(pool: Pool) -> list[int]:
    """One that waits, poison that can be replayed, poison of which nothing was kept."""
    rows = [
        received("1"),
        received("2", "order", InboxOutcome.POISON, "SKU 9 is unknown"),
        received("3", "other", InboxOutcome.POISON, "the body is no JSON"),
    ]
    return [each.inbox_id or 0 for each in await inbox.accept(pool, rows)]


async def test_deliveries_are_listed_newest_first(app: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: an operator finds poison and its reason; one delivery also shows what was kept of it."""
    first, second, third = await given(stocked)
    every = (await app.get("/api/inbox")).json()["deliveries"]
    assert [(d["id"], d["outcome"]) for d in every] == [(third, "poison"), (second, "poison"), (first, None)]
    assert [d["id"] for d in (await app.get("/api/inbox?outcome=waiting")).json()["deliveries"]] == [first]
    assert (await app.get("/api/inbox?channel=store")).json() == {"deliveries": []}
    assert (await app.get("/api/inbox?outcome=bad")).status_code == 422
    one = (await app.get(f"/api/inbox/{second}")).json()
    assert (one["channel"], one["reason"], one["body"]) == ("web", "SKU 9 is unknown", {"order": "2"})
    assert "delivery_id" not in one
    assert (await app.get("/api/inbox/999999")).json()["error"]["code"] == "unknown_delivery"


async def test_poison_is_replayed_and_nothing_else_is(
    app: httpx.AsyncClient, stocked: Pool, signalled: list[tuple[str, list[str]]]
) -> None:
    """Goal: put back and signalled; what waits, what was not kept and what is not there say why not."""
    first, second, third = await given(stocked)
    assert (await app.post(f"/api/inbox/{second}/replay")).json() == {"id": second, "channel": "web"}
    assert [w.inbox_id for w in await inbox.waiting(stocked, "web", 10)] == [first, second]
    assert signalled == [("intake", ["web"])]
    for number, status, code in (
        (second, 409, "not_poison"),
        (first, 409, "not_poison"),
        (third, 409, "nothing_kept"),
        (999_999, 404, "unknown_delivery"),
    ):
        answer = await app.post(f"/api/inbox/{number}/replay")
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert len(signalled) == 1


async def test_a_channel_is_paused_and_resumed(
    app: httpx.AsyncClient, stocked: Pool, signalled: list[tuple[str, list[str]]]
) -> None:
    """Goal: written down first, then the publisher is signalled, also of a pause: it may be at work."""
    assert (await app.post("/api/channels/web/pause?note=stocktaking")).json() == {
        "channel": "web",
        "paused": True,
    }
    (paused,) = await work.of_channels(stocked, ["web"])
    assert (paused.paused_at is not None, paused.pause_note) == (True, "stocktaking")
    assert (await app.post("/api/channels/web/resume")).json() == {"channel": "web", "paused": False}
    (resumed,) = await work.of_channels(stocked, ["web"])
    assert (resumed.paused_at, resumed.pause_note) == (None, "")
    assert signalled == [("publish", ["web"]), ("publish", ["web"])]
    for action in ("pause", "resume"):
        answer = await app.post(f"/api/channels/etsy/{action}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_channel")


async def test_poison_is_dismissed_with_who_and_why(
    app: httpx.AsyncClient, stocked: Pool, temporal_env: WorkflowEnvironment
) -> None:
    """Goal: also what cannot be replayed is closed: recorded, no poison any more, and told to Temporal."""
    first, _, third = await given(stocked)
    note = "the order was cancelled by hand"
    assert (await app.post(f"/api/inbox/{third}/dismiss", params={"note": note})).json() == {
        "id": third,
        "channel": "web",
        "dismissed_by": "local",
        "shown": True,
    }
    one = (await app.get(f"/api/inbox/{third}")).json()
    assert (one["outcome"], one["reason"], one["dismissed_by"], one["dismissed_because"]) == (
        "dismissed", "the body is no JSON", "local", note,
    )  # fmt: skip
    assert await inbox.count_poison(stocked) == (1, 0)
    handle = temporal_env.client.get_workflow_handle(f"poison/web/{third}")
    assert (await handle.describe()).workflow_type == "InboxPoison"
    await handle.terminate()
    for number, status, code in (
        (third, 409, "not_poison"),
        (first, 409, "not_poison"),
        (999_999, 404, "unknown_delivery"),
    ):
        answer = await app.post(f"/api/inbox/{number}/dismiss?note=x")
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert (await app.post(f"/api/inbox/{first}/dismiss")).status_code == 422, "why is not left out"
