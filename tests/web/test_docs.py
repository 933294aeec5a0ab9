"""The documentation: complete, with examples, understood by the bundled Swagger UI, and whole without a network."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from onhand.web.docs import as_3_0


@pytest.fixture
async def description(web: httpx.AsyncClient) -> Any:
    return (await web.get("/openapi.json")).json()


async def test_every_address_is_described(description: Any) -> None:
    assert description["openapi"] == "3.0.3"
    assert sorted(description["paths"]) == [
        "/api/channels",
        "/api/channels/{name}/pause",
        "/api/channels/{name}/release",
        "/api/channels/{name}/resume",
        "/api/explain/{sku}",
        "/api/holds",
        "/api/inbox",
        "/api/inbox/{number}",
        "/api/inbox/{number}/dismiss",
        "/api/inbox/{number}/replay",
        "/api/runs",
        "/api/runs/{run_id}",
        "/api/stock/{sku}",
        "/api/webhooks",
        "/events",
        "/healthz",
        "/readyz",
        "/status",
    ]
    changing = {path for path, operations in description["paths"].items() if list(operations) == ["post"]}
    assert changing == {
        "/api/channels/{name}/pause",
        "/api/channels/{name}/release",
        "/api/channels/{name}/resume",
        "/api/inbox/{number}/dismiss",
        "/api/inbox/{number}/replay",
        "/events",
    }
    for path, operations in description["paths"].items():
        assert len(operations) == 1, path
        (operation,) = operations.values()
        assert operation["summary"]
        assert operation["description"]
        assert len(operation["tags"]) == 1
        assert ("security" in operation) is (path not in ("/healthz", "/readyz")), path
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (path, parameter["name"])


async def test_every_error_that_is_described_has_the_one_shape(description: Any) -> None:
    for path, operations in description["paths"].items():
        (operation,) = operations.values()
        for status, response in operation["responses"].items():
            if status.startswith("2") or path == "/readyz":
                continue
            schema = response["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/ErrorAnswer"}, (path, status)


def keys(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        yield from node.items()
        for value in node.values():
            yield from keys(value)
    elif isinstance(node, list):
        for value in node:
            yield from keys(value)


async def test_nothing_in_it_is_newer_than_openapi_3_0(description: Any) -> None:
    found = dict(keys(description))
    assert "propertyNames" not in found
    assert "const" not in found
    assert ("type", "null") not in list(keys(description))
    assert not [key for key, value in keys(description) if key == "examples" and isinstance(value, list)]
    finished = description["components"]["schemas"]["Run"]["properties"]["finished_at"]
    assert finished == {
        "type": "string",
        "format": "date-time",
        "nullable": True,
        "title": "Finished At",
        "description": "null while it is running.",
    }
    assert description["components"]["schemas"]["Sku"]["properties"]["code"]["example"] == "23321"


def test_a_reference_that_may_be_null_keeps_its_reference() -> None:
    assert as_3_0({"anyOf": [{"$ref": "#/x"}, {"type": "null"}], "title": "t"}) == {
        "title": "t",
        "anyOf": [{"$ref": "#/x"}],
        "nullable": True,
    }


async def test_the_page_loads_from_this_machine_alone(web: httpx.AsyncClient) -> None:
    page = await web.get("/docs")
    assert page.status_code == 200
    assert "http:" not in page.text
    assert "https:" not in page.text
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert sorted(files) == [
        "/docs/files/favicon-32x32.png",
        "/docs/files/swagger-ui-bundle.js",
        "/docs/files/swagger-ui.css",
    ]
    for file in files:
        answer = await web.get(file)
        assert answer.status_code == 200
        assert len(answer.content) > 500
    assert "default-src 'self'" in page.headers["content-security-policy"]
