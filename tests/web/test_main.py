"""`python -m onhand.web` as a process: it serves, logs, stops gently, and refuses to be open to others."""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from onhand.settings import Settings, SettingsError
from onhand.web.__main__ import refuse_to_be_open

CONFIG = """
data_dir = "data"
log_format = "json"
[locations.leeds]
[channels.web]
platform = "woocommerce"
base_url = "http://127.0.0.1:1"
key_env = "K"
secret_env = "S"
locations = ["leeds"]
"""


def with_web(settings: Settings, **web: object) -> Settings:
    return Settings.model_validate(settings.model_dump() | {"web": web})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_a_loopback_address_is_accepted(settings: Settings, host: str) -> None:
    """Goal: on one machine nothing has to be configured."""
    refuse_to_be_open(with_web(settings, host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "stock.test"])
def test_an_address_others_can_reach_needs_a_client(settings: Settings, host: str) -> None:
    """Goal: beyond this machine the app asks who it is, or somebody said that a proxy does."""
    with pytest.raises(SettingsError) as caught:
        refuse_to_be_open(with_web(settings, host=host))
    assert str(caught.value) == (
        f"web.host: given {host!r}, which others can reach; accepted: a loopback address such as 127.0.0.1, because "
        "no client is configured, so that the app would show stock, runs and channels to whoever asks. Configure one "
        "in [clients.<name>]; or put a proxy with a login before the app, and set web.allow_unauthenticated = true"
    )
    refuse_to_be_open(with_web(settings, host=host, allow_unauthenticated=True))
    clients = {"viewer": {"token_envs": ["T"], "scopes": ["read"]}}
    refuse_to_be_open(
        Settings.model_validate(with_web(settings, host=host).model_dump() | {"clients": clients})
    )


async def started(config: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "onhand.web", "--config", str(config), *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_it_serves_logs_in_json_and_stops_when_asked(tmp_path: Path) -> None:
    config = tmp_path / "onhand.toml"
    config.write_text(CONFIG)
    process = await started(config, "--port", "0")
    assert process.stderr is not None
    lines: list[dict[str, Any]] = []
    async with asyncio.timeout(60):
        while not lines or "running on" not in lines[-1]["event"]:
            lines.append(json.loads(await process.stderr.readline()))
        address = lines[-1]["event"].split("running on ")[1].split(" ")[0]
        async with httpx.AsyncClient(base_url=address) as client:
            assert (await client.get("/healthz")).json() == {"status": "ok", "wakeups_lost": 0}
            assert (await client.get("/readyz")).status_code == 503
        process.send_signal(signal.SIGTERM)
        rest = (await process.stderr.read()).decode().splitlines()
        assert await process.wait() == 0
    lines += [json.loads(line) for line in rest]
    assert {line["logger"] for line in lines} == {"uvicorn.error", "onhand.web.backends"}
    assert lines[-1]["event"].startswith("Finished server process")
    assert not [line for line in lines if "/healthz" in line["event"]], "no access log"


async def test_a_wrong_configuration_is_told_with_exit_code_2(tmp_path: Path) -> None:
    config = tmp_path / "onhand.toml"
    config.write_text(CONFIG + '[web]\nhost = "0.0.0.0"\n')
    process = await started(config)
    out, err = await process.communicate()
    assert process.returncode == 2
    assert out == b""
    assert err.decode().startswith("error: web.host: given '0.0.0.0', which others can reach")
