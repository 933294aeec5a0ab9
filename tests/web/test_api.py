"""The API over real HTTP: exact answers, exact errors."""

from typing import Any

import httpx
import pytest


async def answer(web: httpx.AsyncClient, path: str, status: int = 200) -> Any:
    response = await web.get(path)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


def without(document: Any, *names: str) -> Any:
    """The same without what is different each time."""
    match document:
        case dict():
            return {key: without(value, *names) for key, value in document.items() if key not in names}
        case list():
            return [without(item, *names) for item in document]
    return document


async def test_the_process_is_up(web: httpx.AsyncClient) -> None:
    assert await answer(web, "/healthz") == {"status": "ok", "wakeups_lost": 0}


async def test_everything_it_needs_is_there(web: httpx.AsyncClient) -> None:
    assert await answer(web, "/readyz") == {"ready": True, "problems": {}}


async def test_runs_the_newest_first(web: httpx.AsyncClient) -> None:
    found = await answer(web, "/api/runs?limit=5")
    assert without(found, "started_at", "finished_at") == {
        "runs": [
            {
                "id": "run-1",
                "status": "partial",
                "summary": "1 changed, 1 failed of 2 levels",
                "request": {"trigger": "operator"},
                "rows_read": 3,
                "rows_posted": 2,
                "rows_unchanged": 0,
                "rows_refused": 1,
            }
        ]
    }
    assert found["runs"][0]["started_at"] < found["runs"][0]["finished_at"]


async def test_a_run_with_channels_and_failures(web: httpx.AsyncClient) -> None:
    found = await answer(web, "/api/runs/run-1")
    assert found["id"] == "run-1"
    assert without(found["channels"], "started_at", "finished_at") == [
        {
            "channel": "web",
            "platform": "woocommerce",
            "status": "partial",
            "levels": 2,
            "planned": 2,
            "changed": 1,
            "unchanged": 0,
            "skipped": 0,
            "failed": 1,
            "reads": 1,
            "writes": 2,
            "throttled": 0,
            "waited_seconds": 0.5,
            "message": "",
        }
    ]
    assert without(found["failures"], "failed_at") == [
        {
            "channel": "web",
            "sku": "B/1",
            "item_id": "web-B/1",
            "place": "",
            "category": "row is bad",
            "message": "the product <17> is gone",
            "advice": "discover the mapping again",
        }
    ]
    assert (await answer(web, "/api/runs/run-1?failures=0"))["failures"] == []


async def test_channels(web: httpx.AsyncClient) -> None:
    found = {c["channel"]: c for c in (await answer(web, "/api/channels"))["channels"]}
    assert list(found) == ["old", "store", "web"]
    kept = {"enabled", "listings", "pending", "parked", "push_outcome", "run_id", "run_status"}
    assert {name: {k: v for k, v in c.items() if k in kept} for name, c in found.items()} == {
        "old": {
            "enabled": False, "listings": 0, "pending": 0, "parked": 0, "push_outcome": None, "run_id": None,
            "run_status": None,
        },
        "store": {
            "enabled": True, "listings": 1, "pending": 1, "parked": 0, "push_outcome": None, "run_id": None,
            "run_status": None,
        },
        "web": {
            "enabled": True, "listings": 2, "pending": 0, "parked": 0, "push_outcome": "accepted",
            "run_id": "run-1", "run_status": "partial",
        },
    }  # fmt: skip


async def test_stock_of_a_sku(web: httpx.AsyncClient) -> None:
    found = await answer(web, "/api/stock/A")
    assert found["sku"] == {
        "code": "A",
        "name": "<script>alert('x')</script>",
        "barcode": "501",
        "status": "active",
    }
    assert [(b["location"], b["on_hand"], b["states"]["available"]) for b in found["balances"]] == [
        ("leeds", 7, 7),
        ("london", 2, 2),
    ]
    assert found["balances"][0]["states"]["supplier"] == -7
    shown = [
        (listing["channel"], listing["item_id"], listing["pending"], level["place"], level["book"])
        for listing in found["listings"]
        for level in listing["levels"]
    ]
    assert shown == [
        ("store", "store-A", True, "L1", None),
        ("store", "store-A", True, "L2", None),
        ("web", "web-A", False, "", 7),
    ]


async def test_a_sku_whose_code_has_a_slash(web: httpx.AsyncClient) -> None:
    for path in ("/api/stock/B/1", "/api/stock/B%2F1"):
        assert (await answer(web, path))["sku"]["code"] == "B/1"


async def test_why_a_channel_shows_7(web: httpx.AsyncClient) -> None:
    found = await answer(web, "/api/explain/A?channel=web")
    (level,) = found["levels"]
    assert level["sentence"] == (
        "web shows 7 because 9 are available at leeds + london and 2 are held back for safety."
    )
    assert level["target"] == 7
    assert level["rule"] == "channels.web.rule"
    assert [(s["rule"], s["before"], s["after"]) for s in level["steps"]] == [
        ("pool", 0, 9),
        ("buffer", 9, 7),
    ]
    assert level["known"]["book"] == 7
    assert [(p["before"], p["quantity"], p["outcome"], p["echo"]) for p in level["pushes"]] == [
        (None, 7, "accepted", 7)
    ]
    assert [(e["kind"], e["source"], e["external_id"]) for e in found["events"]] == [
        ("receipt", "test", "r-london"),
        ("receipt", "test", "r-leeds"),
    ]
    assert found["events"][0]["lines"] == [
        {"location": "london", "state": "supplier", "quantity": -2, "balance_after": -2},
        {"location": "london", "state": "available", "quantity": 2, "balance_after": 2},
    ]


async def test_all_channels_are_explained_unless_one_is_named(web: httpx.AsyncClient) -> None:
    found = await answer(web, "/api/explain/A")
    assert [(level["channel"], level["place"], level["target"]) for level in found["levels"]] == [
        ("web", "", 7),
        ("store", "L1", 7),
        ("store", "L2", 2),
    ]
    assert found["unlisted"] == ["old"]


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        (
            "/api/runs/run-9",
            404,
            ("unknown_run", "there is no run 'run-9'", "GET /api/runs lists the runs there are."),
        ),
        ("/api/stock/b/1", 404, ("unknown_sku", "there is no SKU 'b/1'", "Did you mean B/1 (Bowl)?")),
        (
            "/api/explain/XYZ",
            404,
            ("unknown_sku", "there is no SKU 'XYZ'", "Import it first: onhand import catalogue FILE"),
        ),
        (
            "/api/explain/A?channel=shop",
            404,
            ("unknown_channel", "there is no channel 'shop'", "There are web, store, old."),
        ),
        (
            "/api/runs?limit=0",
            422,
            ("wrong_parameter", "limit: greater than or equal to 1", "See /docs for what is accepted."),
        ),
        (
            "/api/stock/A%00",
            422,
            ("wrong_parameter", "a parameter holds what no text can", "Check its characters."),
        ),
        (
            "/api/nothing",
            404,
            ("not_found", "there is nothing at this address", "See /docs for what there is."),
        ),
    ],
)
async def test_every_error_has_one_shape(
    web: httpx.AsyncClient, path: str, status: int, error: tuple[str, str, str]
) -> None:
    code, message, advice = error
    assert await answer(web, path, status) == {"error": {"code": code, "message": message, "advice": advice}}


async def test_nothing_can_be_changed(web: httpx.AsyncClient) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        response = await web.request(method, "/api/stock/A")
        assert response.status_code == 405
        assert response.headers["allow"] == "GET"
        assert response.json() == {
            "error": {
                "code": "method_not_allowed",
                "message": "this address takes no such request",
                "advice": "See /docs.",
            }
        }


async def test_a_fault_of_ours_is_an_error_without_details_and_a_logged_one_with(
    web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ValueError("details for the log")

    monkeypatch.setattr("onhand.ledger.runs.list_runs", broken)
    assert await answer(web, "/api/runs", 500) == {
        "error": {
            "code": "internal",
            "message": "this should not have happened",
            "advice": "The log of the app says more.",
        }
    }
