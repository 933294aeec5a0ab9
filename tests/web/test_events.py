"""POST /events: a verdict for each event, exact; what is good goes in whatever is beside it, and each fact once."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from onhand.domain.programmes import Line, Terms
from onhand.domain.states import State
from onhand.ledger import programmes, stock
from onhand.ledger.database import Pool
from onhand.settings import Settings
from onhand.web import app as app_module
from onhand.web.app import create_app
from tests.fix_ledger import sql
from tests.web.conftest import doors_to, served


def ago(seconds: float) -> str:
    """A moment so long before this one: a suite runs for longer than what is stocked is old."""
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


"""After what the ledger holds was received, so that counts know of it."""


@pytest.fixture
async def woken() -> list[list[str]]:
    """The channels whose publisher was signalled, call by call."""
    return []


@pytest.fixture
async def app(
    stocked: Pool,
    database: str,
    settings: Settings,
    temporal_env: WorkflowEnvironment,
    woken: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app: A has 7 in Leeds and 2 in London, B/1 nothing."""

    async def wake(client: Client, channels: Iterable[str]) -> bool:
        woken.append(sorted(channels))
        return True

    monkeypatch.setattr(app_module, "wake_publishers", wake)
    async with served(create_app(settings, doors=doors_to(database, temporal_env.client))) as client:
        yield client


def event(
    kind: str, name: str, quantity: object, *, sku: str = "A", location: str = "leeds", **more: object
) -> Any:
    moment = {"as_of": ago(60)} if kind == "count" else {"occurred_at": ago(60)}
    return {
        "kind": kind,
        "id": name,
        "sku": sku,
        "location": location,
        "quantity": quantity,
        **moment,
        **more,
    }


async def verdicts(app: httpx.AsyncClient, *events: object) -> list[tuple[str | None, str, str]]:
    answer = await app.post("/events", json={"events": list(events)})
    assert answer.status_code == 200, answer.text
    return [(v["id"], v["verdict"], v["message"]) for v in answer.json()["verdicts"]]


async def levels(pool: Pool, sku: str = "A") -> dict[str, tuple[int, int]]:
    """Available and in transit by location."""
    return {
        row.location: (row.units[State.AVAILABLE], row.units[State.IN_TRANSIT])
        for row in await stock.sku_balances(pool, sku)
    }


async def test_each_kind_moves_what_it_says(
    app: httpx.AsyncClient, stocked: Pool, woken: list[list[str]]
) -> None:
    """Goal: the kinds a warehouse system knows, in one batch; the publishers that slept are signalled."""
    found = await verdicts(
        app,
        event("receipt", "1", 10),
        event("adjustment", "2", -1),
        event("write_off", "3", 2, reason="damaged", note="fell"),
        event("transfer_out", "4", 4, to_location="london"),
        event("transfer_in", "5", 3, location="london"),
        event("count", "6", 40, sku="B/1", meaning="on_hand"),
    )
    assert found == [(str(n), "posted", "") for n in range(1, 7)]
    assert await levels(stocked) == {"leeds": (10, 0), "london": (5, 1)}
    assert (await levels(stocked, "B/1"))["leeds"] == (40, 0)
    assert sorted(channel for call in woken for channel in call) == ["store", "web"]


async def test_returns_meet_their_orders(app: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: a till's order, its parcel and what was found in it, in one batch; a parcel of nobody's order; and a unit
    that the order said was back before is not counted again."""
    line = {"id": "1", "sku": "A", "location": "leeds", "ordered": 2, "fulfilled": 2}
    sold = {"kind": "order", "id": "pos-1", "changed_at": ago(60), "lines": [line]}
    of_order = {"order": {"id": "pos-1"}}
    found = await verdicts(
        app,
        event("return", "r1", 1, **of_order),
        event("inspection", "i1", 1, outcome="damaged", order={"id": "pos-1", "line": "1"}),
        sold,
        event("return", "r2", 3),
        event("inspection", "i2", 2, outcome="sellable"),
        event("return", "r3", 1, order={"id": "pos-2"}),
        event("return", "r4", 1, order={"id": "1", "channel": "store"}),
        event("write_off", "w", 1, state="damaged", reason="damaged"),
        event("write_off", "w2", 1, state="in_transit"),
    )
    nowhere = "State it again once it has, or without an order."
    assert found == [
        ("r1", "posted", ""),
        ("i1", "posted", ""),
        ("pos-1", "posted", ""),
        ("r2", "posted", ""),
        ("i2", "posted", ""),
        ("r3", "unknown", f"the ledger has no order pos-2 of client/local. {nowhere}"),
        ("r4", "unknown", f"the ledger has no order 1 of store. {nowhere}"),
        ("w", "posted", ""),
        ("w2", "refused", "state: accepted: 'available', 'damaged' or 'quality_control'"),
    ]
    assert await states(stocked) == {"available": 7, "quality_control": 1, "customer": -2, "shrinkage": 1}
    again = {**sold, "changed_at": ago(30), "lines": [{**line, "returned": 2}]}
    assert await verdicts(app, again) == [("pos-1", "posted", "")]
    assert await states(stocked) == {"available": 8, "quality_control": 1, "customer": -3, "shrinkage": 1}
    counted = "its channel has told of these units before: they are counted already, and nothing moved"
    assert await verdicts(app, event("return", "r5", 1, **of_order)) == [("r5", "posted", counted)]


async def test_a_transfer_knows_what_is_on_its_way_by_it(app: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: what arrives beyond it is found, and what does not arrive is written off with a reason that is a code."""
    by = {"transfer": "T-1"}
    found = await verdicts(
        app,
        event("transfer_out", "1", 4, to_location="london", **by),
        event("transfer_in", "2", 1, location="london", **by),
        event("transfer_close", "3", 3, location="london", reason="vanished", **by),
        event("transfer_close", "4", 3, location="london", reason="lost", **by),
        event("transfer_in", "5", 2, location="london", **by),
        event("transfer_in", "6", 2, location="leeds", **by),
        event("transfer_in", "7", 1, location="london", transfer="T-2"),
    )
    known = "damaged, theft, expired, lost, sample, found, correction, other (movements.reasons in the configuration)"
    assert [each[1] for each in found] == [
        "posted",
        "posted",
        "refused",
        "posted",
        "posted",
        "conflict",
        "unknown",
    ]
    assert found[2][2] == f"'vanished' is no reason for a write-off. Known are {known}."
    assert await levels(stocked) == {"leeds": (3, 0), "london": (5, 0)}


async def states(pool: Pool) -> dict[str, int]:
    """Units of A in Leeds by state, such as were moved since it was stocked."""
    (row,) = [row for row in await stock.sku_balances(pool, "A") if row.location == "leeds"]
    return {state.value: n for state, n in row.units.items() if n and state is not State.SUPPLIER}


async def test_good_events_are_posted_whatever_is_beside_them(app: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: each refusal names the field and what is accepted; one transaction for all that is good."""
    found = await verdicts(
        app,
        event("receipt", "1", 1),
        event("receipt", "2", "1"),
        event("receipt", "3", 0),
        event("receipt", "4", 1, location=""),
        event("receipt", "5", 1, occurred_at="2026-11-26T09:30:00"),
        event("receipt", "6", 1, colour="red"),
        event("sale", "7", 1),
        {"id": "8"},
        17,
        event("adjustment", "10", 0),
        event("transfer_out", "11", 1),
        event("transfer_out", "12", 1, to_location="leeds"),
        event("receipt", "13", 1, sku="Z"),
        event("receipt", "14", 1, sku="A\x00"),
        event("write_off", "15", 1),
    )
    kinds = (
        "'receipt', 'adjustment', 'write_off', 'transfer_out', 'transfer_in', 'return', 'inspection', "
        "'transfer_close', 'count', 'order', 'purchase_order', 'purchase_receipt', "
        "'purchase_due', 'purchase_close'"
    )
    assert found == [
        ("1", "posted", ""),
        ("2", "refused", "quantity: accepted: a valid integer"),
        ("3", "refused", "quantity: accepted: greater than or equal to 1"),
        ("4", "refused", "location: accepted: at least 1 character"),
        (
            "5",
            "refused",
            "occurred_at: accepted: a moment with its time zone, for example 2026-11-26T09:30:00Z",
        ),
        ("6", "refused", "colour: there is no such field"),
        ("7", "refused", f"kind: accepted: {kinds}"),
        ("8", "refused", f"kind: is missing; accepted: {kinds}"),
        (None, "refused", "event: accepted: an object"),
        ("10", "refused", "a movement of 0 units moves nothing; give a quantity"),
        ("11", "refused", "to_location: is missing"),
        ("12", "refused", "a transfer needs a destination other than its origin"),
        ("13", "unknown", "the ledger does not know one of: Z at leeds. Import the catalogue first."),
        ("14", "refused", "sku: accepted: text without control characters"),
        ("15", "posted", ""),
    ]
    assert await levels(stocked) == {"leeds": (7, 0), "london": (2, 0)}
    assert await sql(
        stocked,
        "SELECT count(DISTINCT xmin::text), array_agg(external_id ORDER BY id) FROM event"
        " WHERE source = 'client/local'",
    ) == [(1, ["1", "15"])]


async def test_each_fact_is_posted_once(app: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: after a lost answer the same is sent again; the same id with other content is a conflict."""
    batch = [event("receipt", "r", 5), event("count", "c", 20), event("count", "same", 2, location="london")]
    assert [v for _, v, _ in await verdicts(app, *batch)] == ["posted", "posted", "unchanged"]
    before = await levels(stocked)
    assert before == {"leeds": (20, 0), "london": (2, 0)}
    assert [v for _, v, _ in await verdicts(app, *batch)] == ["duplicate", "duplicate", "unchanged"]
    other = [event("receipt", "r", 6), event("count", "c", 21)]
    assert await verdicts(app, *other) == [
        (name, "conflict", f"client/local already stated {name!r} with other content (event {number}); nothing was "
         "changed. A correction needs an id of its own.")
        for name, number in zip(("r", "c"), await event_numbers(stocked), strict=True)
    ]  # fmt: skip
    twice = [event("receipt", "t", 1), event("receipt", "t", 1), event("receipt", "t", 2)]
    assert [v for _, v, _ in await verdicts(app, *twice)] == ["posted", "duplicate", "conflict"]
    assert await levels(stocked) == {"leeds": (21, 0), "london": (2, 0)}


async def event_numbers(pool: Pool) -> list[int]:
    rows = await sql(pool, "SELECT id FROM event WHERE source = 'client/local' ORDER BY id")
    return [number for (number,) in rows]


async def test_counts_of_one_shelf_follow_one_another(app: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: two counts in one batch do not both correct the same difference; the later one stands."""
    found = await verdicts(
        app,
        event("count", "c1", 10),
        event("count", "c2", 12, as_of=ago(50)),
        event("count", "c3", 12, as_of=ago(40)),
    )
    assert [v for _, v, _ in found] == ["posted", "posted", "unchanged"]
    assert (await levels(stocked))["leeds"] == (12, 0)


async def test_a_count_against_a_version_not_reached_is_a_conflict(
    app: httpx.AsyncClient, stocked: Pool
) -> None:
    """Goal: a count that cannot be re-based changes nothing and says so."""
    ((name, verdict, message),) = await verdicts(app, event("count", "c", 1, base_version=99))
    assert (name, verdict) == ("c", "conflict")
    assert message.startswith(
        "the count of A at leeds was made against balance version 99, but the ledger is at "
    )
    assert (await levels(stocked))["leeds"] == (7, 0)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is no JSON"),
        (b"[]", 'the body is not of the form {"events": [...]}'),
        (b'{"events": {}}', 'the body is not of the form {"events": [...]}'),
        (b'{"events": [], "more": 1}', 'the body is not of the form {"events": [...]}'),
        (b'{"events": []}', "events: accepted: 1 to 500, 0 were sent"),
        (b'{"events": [' + b"1," * 500 + b"1]}", "events: accepted: 1 to 500, 501 were sent"),
    ],
)
async def test_a_batch_that_is_not_understood_is_refused_whole(
    app: httpx.AsyncClient, body: bytes, message: str
) -> None:
    """Goal: 422 with the reason."""
    answer = await app.post("/events", content=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == message


async def test_a_large_batch_is_refused(app: httpx.AsyncClient) -> None:
    """Goal: memory is bounded here, too."""
    answer = await app.post("/events", content=b" " * (1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


async def test_it_is_described_with_examples(app: httpx.AsyncClient) -> None:
    """Goal: a client can be written from the description alone."""
    described = (await app.get("/openapi.json")).json()
    schemas = described["components"]["schemas"]
    named = schemas["EventBatch"]["properties"]["events"]
    assert (named["minItems"], named["maxItems"]) == (1, 500)
    kinds = named["items"]["discriminator"]["mapping"]
    assert sorted(kinds) == [
        "adjustment",
        "count",
        "inspection",
        "order",
        "purchase_close",
        "purchase_due",
        "purchase_order",
        "purchase_receipt",
        "receipt",
        "return",
        "transfer_close",
        "transfer_in",
        "transfer_out",
        "write_off",
    ]
    for reference in kinds.values():
        schema = schemas[reference.rsplit("/", 1)[1]]
        assert schema["description"]
        for name, field in schema["properties"].items():
            assert name == "kind" or "example" in field or "default" in field, (reference, name)
    operation = described["paths"]["/events"]["post"]
    body = operation["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/EventBatch"}
    answer = await app.post("/events", json=body["example"])
    assert {v["verdict"] for v in answer.json()["verdicts"]} == {"unknown"}, (
        "it names SKUs of another catalogue"
    )


async def test_a_count_of_an_authority_is_judged_beside_another_ones(
    stocked: Pool,
    database: str,
    settings: Settings,
    temporal_env: WorkflowEnvironment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Goal: the setting of the client decides; without it each count stands."""
    tokens = {name: f"planted-token-{name}-0123456789" for name in ("wms", "pos", "till")}
    for name, token in tokens.items():
        monkeypatch.setenv(name.upper(), token)
    clients = {name: {"token_envs": [name.upper()], "scopes": ["events"]} for name in tokens}
    for name in ("wms", "pos"):
        clients[name]["authority_for"] = ["leeds"]
    configured = Settings.model_validate(settings.model_dump() | {"clients": clients})

    async with served(create_app(configured, doors=doors_to(database, temporal_env.client))) as client:

        async def counts(name: str, quantity: int, seconds: float) -> str:
            stated = event("count", f"{name}{quantity}", quantity, as_of=ago(seconds))
            bearer = {"Authorization": f"Bearer {tokens[name]}"}
            answer = await client.post("/events", json={"events": [stated]}, headers=bearer)
            return answer.json()["verdicts"][0]["verdict"]

        assert await counts("wms", 4, 30) == "posted"
        assert await counts("pos", 9, 20) == "outvoted"
        assert (await levels(stocked))["leeds"] == (4, 0)
        assert await counts("till", 9, 10) == "posted"
        assert (await levels(stocked))["leeds"] == (9, 0)


async def test_orders_of_a_partners_client_draw_on_its_programme(
    stocked: Pool,
    database: str,
    settings: Settings,
    temporal_env: WorkflowEnvironment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Goal: the setting of the client decides. Method: 5 of the 7 in Leeds are kept; the partner orders 3, a till 1."""
    tokens = {name: f"planted-token-{name}-0123456789" for name in ("edi", "till")}
    clients: dict[str, dict[str, object]] = {}
    for name, token in tokens.items():
        monkeypatch.setenv(name.upper(), token)
        clients[name] = {"token_envs": [name.upper()], "scopes": ["events"]}
    clients["edi"]["partner"] = "acme"
    configured = Settings.model_validate(settings.model_dump() | {"clients": clients})
    now = datetime.now(UTC)
    terms = Terms("spring", "acme", now - timedelta(hours=1), now + timedelta(days=1))
    await programmes.create(stocked, terms, [Line("A", "leeds", 5)], "ann")
    ((number, _),) = await programmes.to_keep(stocked, now)
    await programmes.keep(stocked, number, now, configured.sellers()["acme"], set())

    async with served(create_app(configured, doors=doors_to(database, temporal_env.client))) as client:
        for name, units in (("edi", 3), ("till", 1)):
            line = {"id": "1", "sku": "A", "location": "leeds", "ordered": units}
            stated = {"kind": "order", "id": "7", "changed_at": ago(60), "lines": [line]}
            bearer = {"Authorization": f"Bearer {tokens[name]}"}
            answer = await client.post("/events", json={"events": [stated]}, headers=bearer)
            assert answer.json()["verdicts"][0]["verdict"] == "posted"
    (found,) = await programmes.listed(stocked)
    assert found.lines == (Line("A", "leeds", 5, 3, 5),)
    assert await programmes.orders_of(stocked, number) == [("client/edi", "7")]
    reserved = "SELECT available, reserved, committed FROM balance JOIN location l ON l.id = location_id"
    assert await sql(stocked, f"{reserved} WHERE l.code = 'leeds' AND reserved > 0") == [(1, 2, 4)]
