"""Purchase orders by POST /events: placed, come and closed, each with its verdict and once."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from onhand.domain.purchase_orders import LineState
from onhand.ledger import purchase_orders, suppliers
from onhand.ledger.database import Pool
from onhand.ledger.suppliers import Supplier
from onhand.settings import Settings
from onhand.web import app as app_module
from onhand.web.app import create_app
from tests.web.conftest import doors_to, served

NOW = datetime.now(UTC).isoformat()
DUE = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()


@pytest.fixture
async def door(
    stocked: Pool,
    database: str,
    settings: Settings,
    temporal_env: WorkflowEnvironment,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app; Acme is a supplier."""

    async def wake(client: Client, channels: Iterable[str]) -> bool:
        return True

    monkeypatch.setattr(app_module, "wake_publishers", wake)
    await suppliers.save_suppliers(stocked, [Supplier("Acme", 9.0)])
    async with served(create_app(settings, doors=doors_to(database, temporal_env.client))) as client:
        yield client


def lines(**units: int) -> list[dict[str, Any]]:
    return [{"sku": sku, "quantity": quantity} for sku, quantity in units.items()]


def placed(code: str, *, supplier: str = "Acme", due: str = DUE, **units: int) -> dict[str, Any]:
    return {
        "kind": "purchase_order", "id": code, "supplier": supplier, "location": "leeds", "due": due,
        "lines": lines(**units), "occurred_at": NOW,
    }  # fmt: skip


def came(number: str, code: str, **units: int) -> dict[str, Any]:
    return {
        "kind": "purchase_receipt", "id": number, "purchase_order": code, "lines": lines(**units), "occurred_at": NOW
    }  # fmt: skip


def closed(number: str, code: str) -> dict[str, Any]:
    return {"kind": "purchase_close", "id": number, "purchase_order": code, "occurred_at": NOW}


def put_off(number: str, code: str, due: str) -> dict[str, Any]:
    return {"kind": "purchase_due", "id": number, "purchase_order": code, "due": due, "occurred_at": NOW}


async def verdicts(door: httpx.AsyncClient, *events: object) -> list[tuple[str | None, str, str]]:
    answer = await door.post("/events", json={"events": list(events)})
    assert answer.status_code == 200, answer.text
    return [(v["id"], v["verdict"], v["message"]) for v in answer.json()["verdicts"]]


async def test_an_order_is_placed_comes_and_is_closed_in_one_request(
    door: httpx.AsyncClient, stocked: Pool
) -> None:
    """Goal: in the order given, and the whole request said again changes nothing."""
    said = (placed("PO-1", A=12), came("n1", "PO-1", A=5), closed("n2", "PO-1"))
    assert [verdict for _, verdict, _ in await verdicts(door, *said)] == ["posted"] * 3
    assert [verdict for _, verdict, _ in await verdicts(door, *said)] == ["duplicate"] * 3
    (state,) = await purchase_orders.orders(stocked, codes=["PO-1"])
    assert state.lines == (LineState("A", 12, 5, 7),)
    assert state.due_on.isoformat() == DUE
    (event, *_) = await purchase_orders.order_events(stocked, "PO-1")
    assert event.source.startswith("client/")


async def test_an_erp_puts_an_order_off(door: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: in the request that places it, again without effect, and refused once nothing is to come."""
    later = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    said = (placed("PO-1", A=12), put_off("n1", "PO-1", later))
    assert [verdict for _, verdict, _ in await verdicts(door, *said)] == ["posted", "posted"]
    assert [verdict for _, verdict, _ in await verdicts(door, *said)] == ["duplicate", "duplicate"]
    (state,) = await purchase_orders.orders(stocked, codes=["PO-1"])
    assert state.due_on.isoformat() == later
    *_, event = await purchase_orders.order_events(stocked, "PO-1")
    assert event.stated_by == event.source
    found = await verdicts(door, closed("n2", "PO-1"), put_off("n3", "PO-1", DUE), put_off("n4", "PO-9", DUE))
    assert [verdict for _, verdict, _ in found] == ["posted", "conflict", "unknown"]
    assert "nothing of purchase order PO-1 is still to come" in found[1][2]


async def test_what_cannot_be_is_told_and_harms_nothing_else(door: httpx.AsyncClient, stocked: Pool) -> None:
    found = await verdicts(
        door,
        placed("PO-1", A=12),
        placed("PO-2", supplier="Nil", A=1),
        placed("PO-3", A=1, due="2020-01-01"),
        came("n1", "PO-9", A=5),
        came("n2", "PO-1", C=5),
        came("n3", "PO-1", A=-1),
        {**closed("n4", "PO-1"), "what": 1},
    )
    assert [(name, verdict) for name, verdict, _ in found] == [
        ("PO-1", "posted"),
        ("PO-2", "unknown"),
        ("PO-3", "refused"),
        ("n1", "unknown"),
        ("n2", "conflict"),
        ("n3", "conflict"),
        ("n4", "refused"),
    ]
    said = [message for _, _, message in found]
    assert said[1].startswith("there is no supplier 'Nil'")
    assert "is due on 2020-01-01, before it is ordered" in said[2]
    assert "purchase order PO-1 has no SKU C; it has A" in said[4]
    assert said[6] == "what: there is no such field"
    assert [state.code for state in await purchase_orders.orders(stocked)] == ["PO-1"]
