"""`onhand schedule`: made, paused, shown and resumed on a real Temporal."""

from collections.abc import AsyncIterator

import pytest
from temporalio.testing import WorkflowEnvironment

from onhand.messages import RECONCILE_SCHEDULE_ID, REPORT_SCHEDULE_ID, RETUNE_SCHEDULE_ID, SYNC_SCHEDULE_ID
from tests.cli.conftest import Onhand


@pytest.fixture
async def temporal(temporal_env: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The commands find the tests' Temporal; the schedules they make are gone afterwards."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_env.client.service_client.config.target_host)
    yield
    for made in (SYNC_SCHEDULE_ID, RECONCILE_SCHEDULE_ID, REPORT_SCHEDULE_ID, RETUNE_SCHEDULE_ID):
        await temporal_env.client.get_schedule_handle(made).delete()


async def test_its_life_as_scripts_and_people_see_it(onhand: Onhand, temporal: None) -> None:
    """Goal: every command of the group answers, in both forms. Method: apply twice, pause, look, resume."""
    assert (await onhand("schedule", "apply", "--json")).json == {
        "applied": "created",
        "every_minutes": 15,
        "sweeps": "created",
        "sweep_seconds": 60,
        "swept_channels": ["woo", "bigc"],
        "read_backs": "created",
        "read_back_minutes": 15,
        "report": "created",
        "retune": "created",
    }
    assert (await onhand("schedule", "apply")).lines == [
        "schedule unchanged: a sync every 15 minutes",
        "sweeps unchanged: orders of woo, bigc every 60 seconds",
        "read-backs unchanged: every 15 minutes",
        "report unchanged: every day at 07:00",
        "retune unchanged: on the first day of each quarter at 07:00",
    ]
    assert (await onhand("schedule", "pause", "--note", "stocktaking")).code == 0

    paused = await onhand("schedule", "show", "--json")
    assert paused.code == 0
    assert {key: paused.json[key] for key in ("schedule_id", "every_minutes", "paused", "note", "runs")} == {
        "schedule_id": "sync-run",
        "every_minutes": 15,
        "paused": True,
        "note": "stocktaking",
        "runs": 0,
    }
    assert (await onhand("schedule", "show")).lines[0] == "every 15 minutes, paused (stocktaking)"

    assert (await onhand("schedule", "resume")).code == 0
    assert (await onhand("schedule", "show")).lines[0] == "every 15 minutes, running"


async def test_what_was_paused_is_resumed_by_the_command_that_is_told(onhand: Onhand, temporal: None) -> None:
    """Goal: pausing another schedule than that of the syncs does not send people to resume the syncs."""
    await onhand("schedule", "apply")
    assert (await onhand("schedule", "pause")).lines == ["paused; resume with: onhand schedule resume"]
    told = (await onhand("schedule", "pause", "--schedule", "reconcile")).lines
    assert told == ["paused; resume with: onhand schedule resume --schedule reconcile"]


async def test_showing_what_is_not_there_says_how_to_make_it(
    onhand: Onhand, temporal_env: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_env.client.service_client.config.target_host)
    answer = await onhand("schedule", "show", "--json")
    assert (answer.code, answer.stdout) == (1, "")
    assert "onhand schedule apply" in answer.stderr
