"""How each shop says that it fails, word by word, and what it has done by then."""

from typing import Any

import httpx
import pytest

from onhand.sandbox.faults import AnyFault, fault_of
from tests.fix_channels import FakeClock
from tests.sandbox.fix_platforms import LEVEL, PLATFORMS, Platform, Sandbox, sandbox_of


@pytest.fixture
def sandbox(clock: FakeClock) -> Sandbox:
    return sandbox_of(clock)


@pytest.fixture(params=sorted(PLATFORMS))
def platform(request: pytest.FixtureRequest) -> Platform:
    return PLATFORMS[request.param]


def fault(kind: str, **parameters: Any) -> AnyFault:
    return fault_of({"kind": kind, **parameters})


def said(response: httpx.Response) -> Any:
    """Status and body, JSON where it is."""
    kind = response.headers["content-type"].partition(";")[0]
    return response.status_code, kind, response.json() if "json" in kind else response.text


THROTTLED = {
    "errors": [
        {
            "message": "Throttled",
            "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"},
        }
    ],
    "extensions": {
        "cost": {
            "requestedQueryCost": 36,
            "actualQueryCost": None,
            "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 11, "restoreRate": 100.0},
        }
    },
}
EXCEEDED = {"errors": "Exceeded the rate limit of calls to the Admin API. Reduce request rates to resume."}
PAGE_429 = "<html><body><h1>429 Too Many Requests</h1></body></html>"
TYPE = "https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes"


def problem(status: int, title: str) -> tuple[int, str, Any]:
    return status, "application/problem+json", {"status": status, "title": title, "type": TYPE, "errors": {}}


def html(status: int, reason: str, server: str) -> tuple[int, str, str]:
    text = (
        f"<!DOCTYPE html>\n<html><head><title>{reason}</title></head>\n<body><center><h1>{reason}</h1></center>"
        f"<hr><center>{server}</center></body></html>\n"
    )
    return status, "text/html", text


def wordpress(status: int, code: str, message: str) -> tuple[int, str, Any]:
    return status, "application/json", {"code": code, "message": message, "data": {"status": status}}


CASES: list[tuple[str, AnyFault, Any]] = [
    ("shopify", fault("throttle"), (200, "application/json", THROTTLED)),
    ("shopify", fault("throttle", as_http=True), (429, "application/json", EXCEEDED)),
    ("woocommerce", fault("throttle"), (429, "text/html", PAGE_429)),
    ("bigcommerce", fault("throttle"), problem(429, "Too many requests")),
    ("shopify", fault("server_error"), (500, "application/json", {"errors": "Internal Server Error"})),
    (
        "woocommerce",
        fault("server_error"),
        wordpress(500, "internal_server_error", "<p>There has been a critical error on this website.</p>"),
    ),
    ("bigcommerce", fault("server_error", status=503), problem(503, "Service Temporarily Unavailable")),
    ("shopify", fault("html_page", status=502), html(502, "502 Bad Gateway", "cloudflare")),
    ("woocommerce", fault("html_page"), html(503, "503 Service Temporarily Unavailable", "nginx")),
    ("woocommerce", fault("html_page", status=200), html(200, "Just a moment...", "nginx")),
    ("bigcommerce", fault("html_page"), html(503, "503 Service Temporarily Unavailable", "bigcommerce")),
    (
        "shopify",
        fault("credentials_revoked"),
        (
            401,
            "application/json",
            {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"},
        ),
    ),
    (
        "woocommerce",
        fault("credentials_revoked"),
        wordpress(401, "woocommerce_rest_authentication_error", "Consumer key is invalid."),
    ),
    (
        "woocommerce",
        fault("credentials_revoked", status=403),
        wordpress(403, "woocommerce_rest_cannot_batch", "Sorry, you are not allowed to do this."),
    ),
    (
        "bigcommerce",
        fault("credentials_revoked"),
        problem(401, "Unauthorized: the access token is not valid for this store"),
    ),
    (
        "bigcommerce",
        fault("credentials_revoked", status=403),
        problem(403, "You don't have a required scope to access the endpoint"),
    ),
    ("shopify", fault("version_retired", gone=True), (404, "application/json", {"errors": "Not Found"})),
    (
        "woocommerce",
        fault("version_retired"),
        wordpress(404, "rest_no_route", "No route was found matching the URL and request method."),
    ),
    ("bigcommerce", fault("version_retired"), problem(404, "The requested resource was not found.")),
]


@pytest.mark.parametrize(
    ("name", "wrong", "words"), CASES, ids=[f"{name}-{wrong.kind}-{words[0]}" for name, wrong, words in CASES]
)
async def test_a_write_is_refused_in_the_platforms_own_words(
    sandbox: Sandbox, name: str, wrong: AnyFault, words: Any
) -> None:
    """Goal: an adapter that understands the sandbox understands the platform; and nothing was written."""
    sandbox.world.troubles[name].switch_on(wrong)
    assert said(await PLATFORMS[name].write(sandbox, [5])) == words
    sandbox.world.troubles[name].switch_off()
    assert PLATFORMS[name].truth(sandbox) == LEVEL
    assert await PLATFORMS[name].shown(sandbox) == LEVEL


async def test_when_to_come_back_is_told_where_it_is_asked_for(sandbox: Sandbox) -> None:
    """Goal: Retry-After in the header that each platform has for it."""
    for trouble in sandbox.world.troubles.values():
        trouble.switch_on(fault("throttle", retry_after_seconds=2.5))
    shopify, woo, big = [await PLATFORMS[name].write(sandbox, [5]) for name in sandbox.world.troubles]
    assert (shopify.status_code, shopify.headers["retry-after"]) == (429, "2.5")
    assert (woo.status_code, woo.headers["retry-after"]) == (429, "3")
    told = {name: value for name, value in big.headers.items() if name.startswith("x-")}
    assert told == {
        "x-rate-limit-requests-quota": "150",
        "x-rate-limit-requests-left": "0",
        "x-rate-limit-time-window-ms": "30000",
        "x-rate-limit-time-reset-ms": "2500",
        "x-retry-after": "3",
    }


async def test_orders_of_bigcommerce_fail_in_the_shape_of_v2(sandbox: Sandbox) -> None:
    """Goal: its older API words errors as a list."""
    sandbox.world.troubles["bigcommerce"].switch_on(fault("server_error"))
    response = await sandbox.client.get("/bigcommerce/stores/sandbox/v2/orders")
    assert said(response) == (500, "application/json", [{"status": 500, "message": "Internal Server Error"}])


async def test_a_retired_version_of_shopify_falls_forward(sandbox: Sandbox) -> None:
    """Goal: the call is served, by the next version, and only a header says so."""
    sandbox.world.troubles["shopify"].switch_on(fault("version_retired"))
    response = await PLATFORMS["shopify"].write(sandbox, [5])
    assert response.headers["x-shopify-api-version"] == "2027-01"
    assert PLATFORMS["shopify"].truth(sandbox) == 5


async def test_no_new_token_for_an_app_that_is_gone(sandbox: Sandbox) -> None:
    """Goal: an app that fetches its tokens learns that it was uninstalled."""
    sandbox.world.troubles["shopify"].switch_on(fault("credentials_revoked"))
    response = await sandbox.client.post("/shopify/admin/oauth/access_token", data={"client_id": "x"})
    assert said(response) == (400, "application/json", {"error": "app_not_installed"})


@pytest.mark.parametrize("wrong", [fault("server_error", applied=True), fault("html_page", applied=True)])
async def test_an_error_may_come_after_the_work(
    sandbox: Sandbox, platform: Platform, wrong: AnyFault
) -> None:
    """Goal: a 5xx proves nothing about what was done."""
    sandbox.world.troubles[platform.name].switch_on(wrong)
    assert (await platform.write(sandbox, [5])).status_code >= 500
    assert platform.truth(sandbox) == 5


async def test_only_the_calls_that_are_meant(sandbox: Sandbox, platform: Platform) -> None:
    """Goal: reads fail and writes do not, and the other way round."""
    trouble = sandbox.world.troubles[platform.name]
    trouble.switch_on(fault("server_error", calls="reads"))
    assert (await platform.write(sandbox, [5])).status_code == 200
    assert (await platform.read(sandbox, 0)).status_code == 500
    trouble.switch_on(fault("server_error", calls="writes"))
    assert await platform.shown(sandbox) == 5
    assert (await platform.write(sandbox, [6])).status_code == 500
    assert [(each["seen"], each["struck"]) for each in trouble.told()["on"]] == [(1, 1)]


@pytest.mark.parametrize(("kind", "level"), [("reset_before_write", LEVEL), ("reset_after_write", 5)])
async def test_a_connection_is_cut(sandbox: Sandbox, platform: Platform, kind: str, level: int) -> None:
    """Goal: no answer, whatever was done; reads are spared."""
    sandbox.world.troubles[platform.name].switch_on(fault(kind))
    with pytest.raises(ConnectionAbortedError):
        await platform.write(sandbox, [5])
    assert await platform.shown(sandbox) == level


async def test_an_answer_drips(sandbox: Sandbox, platform: Platform) -> None:
    """Goal: the same answer, byte by byte: as many seconds as bytes, at a byte a second."""
    whole = await platform.read(sandbox, 0)
    sandbox.world.troubles[platform.name].switch_on(fault("slow_drip", bytes_per_second=1))
    before = sandbox.clock.now()
    slow = await platform.read(sandbox, 0)
    assert sandbox.clock.now() - before == len(slow.content)
    assert (slow.status_code, slow.headers["content-type"]) == (200, whole.headers["content-type"])
    assert slow.headers["content-length"] == str(len(slow.content))
    assert platform.level(slow.json()) == LEVEL


async def test_slack_is_spared(sandbox: Sandbox) -> None:
    """Goal: faults are of shops; who is told of them is none."""
    assert sorted(sandbox.world.troubles) == ["bigcommerce", "shopify", "woocommerce"]
    assert sandbox.world.traffic["slack"].around is None
