"""Faults switched on and off at run time: by HTTP, by a page's buttons, on the command line, over a real connection."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from typer.testing import CliRunner

from onhand.sandbox.__main__ import app as program
from onhand.sandbox.fault_plan import plan
from onhand.sandbox.presets import PRESETS
from tests.fix_channels import FakeClock
from tests.sandbox.fix_platforms import LEVEL, PLATFORMS, Sandbox, sandbox_of


@pytest.fixture
def sandbox(clock: FakeClock) -> Sandbox:
    return sandbox_of(clock)


@pytest.fixture
async def served(sandbox: Sandbox) -> AsyncIterator[str]:
    """The address of the same sandbox on a port of this machine."""
    config = uvicorn.Config(sandbox.app, host="127.0.0.1", port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


async def test_faults_are_put_shown_and_deleted(sandbox: Sandbox) -> None:
    """Goal: the whole life of faults by the control API, with every parameter and every count."""
    told = await sandbox.control("PUT", "/shopify/faults", {"kind": "throttle", "seconds": 60})
    throttle = {
        "kind": "throttle",
        "seconds": 60.0,
        "seed": 0,
        "share": 1.0,
        "strikes": None,
        "calls": "all",
        "retry_after_seconds": None,
        "as_http": False,
        "since": told["on"][0]["since"],
        "seconds_left": 60.0,
        "seen": 0,
        "struck": 0,
    }
    assert told == {"on": [throttle], "ended": [], "done": []}
    await PLATFORMS["shopify"].read(sandbox, 0)
    sandbox.clock.advance(20)
    throttle |= {"seconds_left": 40.0, "seen": 1, "struck": 1}
    assert await sandbox.control("GET", "/shopify/faults") == {"on": [throttle], "ended": []}
    everything = await sandbox.control("GET", "/faults")
    assert everything == {
        "shopify": {"on": [throttle], "ended": []},
        "woocommerce": {"on": [], "ended": []},
        "bigcommerce": {"on": [], "ended": []},
    }
    await sandbox.control(
        "PUT", "/shopify/faults", [{"kind": "slow_drip"}, {"kind": "lost_writes", "share": 0.5}]
    )
    one = await sandbox.control("DELETE", "/shopify/faults?kind=slow_drip")
    assert (one["switched_off"], [each["kind"] for each in one["on"]]) == (
        ["slow_drip"],
        ["throttle", "lost_writes"],
    )
    rest = await sandbox.control("DELETE", "/shopify/faults")
    assert (rest["switched_off"], rest["on"]) == (["throttle", "lost_writes"], [])
    assert [each["kind"] for each in rest["ended"]] == ["lost_writes", "throttle", "slow_drip"]
    assert await PLATFORMS["shopify"].shown(sandbox) == LEVEL


async def test_what_a_fault_did_is_told(sandbox: Sandbox) -> None:
    """Goal: who broke it knows what is broken."""
    told = await sandbox.control("PUT", "/woocommerce/faults", {"kind": "untrack", "count": 1, "seconds": 5})
    assert [(each["before"], each["after"]) for each in told["done"]] == [("tracked", "not tracked")]
    changed = await sandbox.control("POST", "/woocommerce/changes", {"count": 3, "seed": 9})
    assert len(changed["changed"]) == 3
    assert await sandbox.control("POST", "/woocommerce/changes", {"count": 3, "seed": 9}) != changed, (
        "moved since"
    )


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        (
            "/ebay/faults",
            {"kind": "throttle"},
            404,
            "no platform 'ebay'; there are shopify, woocommerce, bigcommerce",
        ),
        ("/shopify/faults", {"kind": "rain"}, 400, "kind is 'rain'; there are throttle"),
        ("/shopify/faults", [], 400, "one fault to 50, not 0"),
        ("/shopify/faults", [{"kind": "throttle"}, {"kind": "throttle", "share": -1}], 400, "greater than 0"),
        ("/bigcommerce/faults", [{"kind": "throttle"}, {"kind": "policy_flip"}], 400, "no setting by which"),
    ],
)
async def test_refusals_say_why_and_switch_nothing_on(
    sandbox: Sandbox, path: str, body: object, status: int, said: str
) -> None:
    """Goal: all of a request or nothing of it."""
    assert said in (await sandbox.control("PUT", path, body, status=status))["error"]
    assert not any(trouble.faults for trouble in sandbox.world.troubles.values())


async def test_a_wrong_body_and_a_wrong_kind(sandbox: Sandbox) -> None:
    """Goal: 400 with words, never 500."""
    response = await sandbox.client.put("/_sandbox/shopify/faults", content=b"{")
    assert (response.status_code, response.json()["error"][:23]) == (400, "the body is not JSON: u")
    refused = await sandbox.control("DELETE", "/shopify/faults?kind=rain", status=400)
    assert refused["error"].startswith("kind is 'rain'; there are throttle, server_error")
    refused = await sandbox.control("POST", "/faults/minute", {"seed": 7}, status=400)
    assert "minute" in refused["error"]


async def test_a_minute_of_a_bad_day(sandbox: Sandbox) -> None:
    """Goal: the planned faults in place of whatever is on, on every shop."""
    minute = next(minute for minute in range(100) if len(plan(7, minute)) > 3)
    quiet = next(minute for minute in range(100) if not plan(7, minute))
    await sandbox.control("PUT", "/shopify/faults", {"kind": "throttle", "seed": 99})
    answer = await sandbox.control("POST", "/faults/minute", {"seed": 7, "minute": minute})
    planned = [(each.platform, each.fault) for each in plan(7, minute)]
    assert [(each["platform"], each["kind"]) for each in answer["faults"]] == [
        (n, f.kind) for n, f in planned
    ]
    on = {(n, r.fault) for n, trouble in sandbox.world.troubles.items() for r in trouble.faults.on()}
    assert on == set(planned)
    answer = await sandbox.control("POST", "/faults/minute", {"seed": 7, "minute": quiet})
    assert answer == {"minute": quiet, "seconds": 60.0, "faults": []}
    assert await sandbox.control("DELETE", "/faults") == await sandbox.control("GET", "/faults")


async def test_a_reset_of_the_sandbox_keeps_its_faults_and_the_end_undoes_them(sandbox: Sandbox) -> None:
    """Goal: a fault ends when whoever planned it says so, or with the world."""
    await sandbox.control("PUT", "/shopify/faults", {"kind": "throttle"})
    await sandbox.control("POST", "/reset", {})
    assert sandbox.world.troubles["shopify"].faults
    sandbox.world.close()
    assert not sandbox.world.troubles["shopify"].faults


async def test_a_person_breaks_a_shop_with_one_click(sandbox: Sandbox) -> None:
    """Goal: every button works on every shop that knows the fault, and the page says what is wrong since when."""
    page = (await sandbox.client.get("/faults")).text
    assert page.count("Nothing is wrong.") == 3
    for name in PLATFORMS:
        for what in PRESETS:
            assert f'action="/faults/{name}/{what}"' in page
            assert (await sandbox.client.post(f"/faults/{name}/{what}")).status_code == 303
            sandbox.world.troubles[name].switch_off()
    await sandbox.client.post("/faults/shopify/throttled")
    await PLATFORMS["shopify"].read(sandbox, 0)
    part = (await sandbox.client.get("/faults/part")).text
    assert "Too many calls, it says" in part
    assert "for 60 s" in part
    assert "struck 1 of 1" in part
    assert "1 fault on" in (await sandbox.client.get("/part")).text
    assert "<h2>Faults</h2>" in (await sandbox.client.get("/shops/shopify")).text
    await sandbox.client.post("/faults/shopify/well")
    assert (await sandbox.client.get("/faults")).text.count("Nothing is wrong.") == 3


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/faults/ebay/throttled", "there is no shop &#x27;ebay&#x27;"),
        ("/faults/shopify/rain", "there is no button &#x27;rain&#x27;"),
        ("/faults/bigcommerce/sells-on", "BigCommerce has no setting by which an item sells on at zero"),
    ],
)
async def test_what_cannot_be_broken_is_said_on_the_page(sandbox: Sandbox, path: str, said: str) -> None:
    """Goal: back to the page, with the reason."""
    response = await sandbox.client.post(path, follow_redirects=True)
    assert said in response.text


@pytest.mark.parametrize(("kind", "level"), [("reset_before_write", LEVEL), ("reset_after_write", 5)])
async def test_a_real_connection_is_reset(sandbox: Sandbox, served: str, kind: str, level: int) -> None:
    """Goal: over TCP the caller sees its connection cut without an answer, and the next call is served."""
    sandbox.client = httpx.AsyncClient(base_url=served, trust_env=False)
    for name, platform in PLATFORMS.items():
        await sandbox.control("PUT", f"/{name}/faults", {"kind": kind, "strikes": 1})
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await platform.write(sandbox, [5])
        assert await platform.shown(sandbox) == level
        assert (await platform.write(sandbox, [6])).status_code == 200
    await sandbox.client.aclose()


async def test_the_command_line(sandbox: Sandbox, served: str) -> None:
    """Goal: an operator breaks a running sandbox from a terminal, sees it, and mends it."""

    async def run(*words: str) -> tuple[int, str]:
        result = await asyncio.to_thread(CliRunner().invoke, program, ["faults", *words, "--url", served])
        return result.exit_code, result.output

    assert await run("on", "shopify", "throttled") == (
        0,
        "shopify: throttle for another 60 s, struck 0 of 0\n",
    )
    assert await run("on", "shopify", '{"kind": "lost_writes"}') == (
        0,
        "shopify: throttle for another 60 s, struck 0 of 0\n"
        "shopify: lost_writes until it is switched off, struck 0 of 0\n",
    )
    assert await run("off", "shopify", "--kind", "throttle") == (
        0,
        "shopify: lost_writes until it is switched off, struck 0 of 0\n",
    )
    assert await run("off") == (
        0,
        "shopify: nothing is wrong\nwoocommerce: nothing is wrong\nbigcommerce: nothing is wrong\n",
    )
    assert (await run("list")) == (await run("off"))
    code, said = await run("on", "woocommerce", '{"kind": "untrack", "count": 1}')
    assert (code, said.splitlines()[1][:7]) == (0, "sku SKU")
    assert said.endswith("  before tracked  after not tracked\n")
    assert (await run("minute", "7", "3"))[0] == 0
    code, said = await run("on", "shopify", '{"kind": "rain"}')
    assert (code, said[:26]) == (2, "kind is 'rain'; there are ")
    code, said = await run("on", "ebay", "throttled")
    assert (code, said) == (2, "no platform 'ebay'; there are shopify, woocommerce, bigcommerce\n")
    code, said = await run("on", "shopify", "rain")
    assert (code, said[:16]) == (2, "no fault 'rain';")
    code, said = await run("off", "--kind", "throttle")
    assert (code, said) == (2, "say which shop, too\n")


def test_the_command_line_names_what_there_is() -> None:
    """Goal: nobody has to read the source for a fault's name; and a sandbox that is not there is said to be so."""
    listed = CliRunner().invoke(program, ["faults", "kinds"])
    assert listed.exit_code == 0
    assert all(name in listed.output for name in PRESETS)
    missing = CliRunner().invoke(program, ["faults", "list", "--url", "http://127.0.0.1:9"])
    assert (missing.exit_code, missing.output[:34]) == (2, "no sandbox at http://127.0.0.1:9: ")
