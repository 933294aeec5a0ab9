"""The daily report on a real Temporal: the day before its start, kept as a page, told to people, once a morning."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from temporalio.client import ScheduleState

from onhand import schedules
from onhand.messages import REPORT_SCHEDULE_ID, SYNC_TASK_QUEUE, DailyReportRequest, ReportMade
from onhand.reports import files
from onhand.settings import ReportSettings
from tests.fix_workflows import MakeStage, Stage
from tests.memory_channel import MemoryChannel


async def made(stage: Stage, day: str = "") -> ReportMade:
    """One report, from start to end."""
    async with stage.workers():
        result: ReportMade = await stage.client.execute_workflow(
            "DailyReport",
            DailyReportRequest(day=day),
            id=f"daily-report-{uuid4()}",
            task_queue=SYNC_TASK_QUEUE,
            result_type=ReportMade,
        )
    return result


async def test_the_report_of_the_day_before(make_stage: MakeStage, tmp_path: Path) -> None:
    """Goal: its page is in the data folder, and people are told in the channel of the summaries."""
    stage = await make_stage([MemoryChannel("web")], 1)
    stage.settings = stage.settings.model_copy(update={"data_dir": tmp_path})
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    result = await made(stage)
    assert result == ReportMade(
        day=yesterday.isoformat(), file=str(files.path_of(tmp_path, yesterday)), told=True
    )
    assert files.days(tmp_path) == [yesterday]
    assert [message.channel for message in stage.slack.said] == ["#stock"]


async def test_the_report_of_a_day_that_is_named(make_stage: MakeStage, tmp_path: Path) -> None:
    """Goal: a report can be made again."""
    stage = await make_stage([MemoryChannel("web")], 1)
    stage.settings = stage.settings.model_copy(update={"data_dir": tmp_path})
    assert (await made(stage, "2026-02-28")).day == "2026-02-28"


async def test_its_schedule_is_made_once_and_follows_the_configuration(make_stage: MakeStage) -> None:
    """Goal: applying again changes nothing; another hour or zone does; a pause survives it."""
    stage = await make_stage([MemoryChannel("web")], 1)
    client, handle = stage.client, stage.client.get_schedule_handle(REPORT_SCHEDULE_ID)
    try:
        applied = [await schedules.apply_report(client, ReportSettings()) for _ in range(2)]
        assert applied == ["created", "unchanged"]
        await schedules.pause(client, "holiday", REPORT_SCHEDULE_ID)
        assert await schedules.apply_report(client, ReportSettings(at="06:30")) == "updated"
        berlin = ReportSettings(at="06:30", timezone="Europe/Berlin")
        assert await schedules.apply_report(client, berlin) == "updated"
        assert await schedules.apply_report(client, berlin) == "unchanged"
        found = await handle.describe()
        assert (found.schedule.state.paused, found.schedule.state.note) == (True, "holiday")
        assert found.schedule.spec.time_zone_name == "Europe/Berlin"
        following = found.info.next_action_times[0].astimezone(berlin.zone())
        assert (following.hour, following.minute) == (6, 30)
    finally:
        await handle.delete()


def test_what_was_missed_is_made_up_for_the_same_day() -> None:
    """Goal: a machine that was off at seven makes its report when it is on again, and not those of the whole week."""
    schedule = schedules.report_of(ReportSettings(), ScheduleState())
    assert schedule.policy.catchup_window == timedelta(hours=12)
