"""The quarterly look at the rules on a real Temporal: held against what was sold, told to people, by the calendar."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from temporalio.client import Schedule, ScheduleState

from onhand import schedules
from onhand.domain import movements
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.ledger import posting
from onhand.ledger.orders import post_orders
from onhand.messages import RETUNE_SCHEDULE_ID, SYNC_TASK_QUEUE, RetuneRequest, RulesSuggested
from onhand.settings import ReportSettings, Settings
from onhand.status.temporal import look_at_temporal
from tests.fix_workflows import MakeStage, Stage
from tests.memory_channel import MemoryChannel

NOW = datetime.now(UTC)


async def looked(stage: Stage, weeks: int) -> RulesSuggested:
    """One look, from start to end."""
    async with stage.workers():
        result: RulesSuggested = await stage.client.execute_workflow(
            "QuarterlyRetune",
            RetuneRequest(weeks=weeks),
            id=f"retune-{uuid4()}",
            task_queue=SYNC_TASK_QUEUE,
            result_type=RulesSuggested,
        )
    return result


def halved(settings: Settings) -> Settings:
    """Every channel has half of the pool as its own."""
    given = settings.model_dump()
    for section in given["channels"].values():
        section["rule"] = {"mode": "partitioned", "share": 50}
    return Settings.model_validate(given)


async def sold(stage: Stage, channel: str, units: int, days_ago: int) -> None:
    """One order, placed so long ago."""
    placed = NOW - timedelta(days=days_ago)
    line = OrderLine("1", "S00000", "leeds", units, 0)
    await post_orders(stage.pool, [OrderSnapshot(channel, f"{channel}-{units}", 1, placed, (line,), placed)])


async def test_people_are_told_which_rules_would_fit(make_stage: MakeStage) -> None:
    """Goal: 90 units against 210 under equal shares: what would fit is said, and nothing is changed."""
    web, mall = MemoryChannel("web"), MemoryChannel("mall")
    stage = await make_stage([web, mall], 1)
    stage.settings = halved(stage.settings)
    delivery = Movement("erp", "r1", EventKind.RECEIPT, "S00000", "leeds", 9_000, NOW - timedelta(days=90))
    await posting.post_events(stage.pool, [movements.event_of(delivery)])
    await sold(stage, web.name, 90, 3)
    await sold(stage, mall.name, 210, 2)

    assert await looked(stage, 4) == RulesSuggested(suggestions=2, told=True)

    (said,) = stage.slack.said
    assert (said.channel, said.text) == (
        "#stock",
        "2 settings do not fit what was sold in the last quarter",
    )
    shown = str(said.blocks)
    assert f"`[channels.{web.name}.rule] share = 30` instead of 50" in shown
    assert f"`[channels.{mall.name}.rule] share = 70` instead of 50" in shown


async def test_its_schedule_is_of_the_days_on_which_quarters_begin(make_stage: MakeStage) -> None:
    """Goal: the next four are four quarters apart, at the hour of the daily report; status has nothing against it."""
    stage = await make_stage([MemoryChannel("web")], 1)
    client, handle = stage.client, stage.client.get_schedule_handle(RETUNE_SCHEDULE_ID)
    berlin = ReportSettings(at="06:30", timezone="Europe/Berlin")
    try:
        applied = [await schedules.apply_retune(client, berlin) for _ in range(2)]
        assert applied == ["created", "unchanged"]
        following = (await handle.describe()).info.next_action_times[:4]
        there = [each.astimezone(berlin.zone()) for each in following]
        assert {(each.day, each.hour, each.minute) for each in there} == {(1, 6, 30)}
        assert sorted(each.month for each in there) == [1, 4, 7, 10]

        facts = (await look_at_temporal(client, stage.settings)).schedules
        (known,) = (each for each in facts if each.schedule_id == RETUNE_SCHEDULE_ID)
        assert known.wanted_seconds == known.every_seconds == timedelta(days=92).total_seconds()
    finally:
        await handle.delete()


async def test_another_day_is_another_schedule(make_stage: MakeStage) -> None:
    """Goal: applying mends one that starts on other days, as an older release or a person may have left it."""
    stage = await make_stage([MemoryChannel("web")], 1)
    client, handle = stage.client, stage.client.get_schedule_handle(RETUNE_SCHEDULE_ID)
    daily: Schedule = schedules.retune_of(ReportSettings(), ScheduleState())
    daily.spec.calendars = schedules.report_of(ReportSettings(), ScheduleState()).spec.calendars
    await client.create_schedule(RETUNE_SCHEDULE_ID, daily)
    try:
        applied = [await schedules.apply_retune(client, ReportSettings()) for _ in range(2)]
        assert applied == ["updated", "unchanged"]
    finally:
        await handle.delete()
