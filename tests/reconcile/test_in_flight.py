"""What is on its way is no drift: each case with its control, in which the same level is accused."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from onhand import reconcile
from onhand.channels.base import FoundLevel, LevelKey, ShownLevel
from onhand.ledger import levels
from tests.fix_ledger import sql
from tests.publish.shelves import adjust, books, ids_of, order, provisional
from tests.reconcile.conftest import Desk, patient


async def test_a_level_that_was_told_something_since_the_page_was_asked_for_is_not_suspect(
    web: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: an answer that came while a page was on its way is newer. Control: a page asked for after it is not."""
    walk = web.channel.walk_levels

    async def slow(places: Sequence[str]) -> AsyncIterator[list[FoundLevel]]:
        async for page in walk(places):
            await adjust(web.pool, "shelf", "A", -7)
            await web.publish()
            yield page

    async def stale(places: Sequence[str]) -> AsyncIterator[list[FoundLevel]]:
        yield [FoundLevel("web-A", "", 100), FoundLevel("web-B", "", 50)]

    monkeypatch.setattr(web.channel, "walk_levels", slow)
    assert (await web.walk()).suspects == 0
    assert (await books(web.pool))["web"] == 93

    monkeypatch.setattr(web.channel, "walk_levels", stale)
    assert (await web.walk()).suspects == 1, "the control"
    assert (await web.judge(await web.walk())).drifts == 0, "and looked at again it is right"


async def test_a_sale_that_is_heard_during_the_walk_is_not_accused(web: Desk) -> None:
    """Goal: the webhook comes between page and second look. Control: without the second look it is suspect."""
    web.channel.sold("web-A", 30)
    walked = await web.walk()
    await order(web.pool, "web", "1001", 30)

    assert walked.suspects == 1, "the control: by the page it is 30 off"
    assert (await web.judge(walked)).drifts == 0
    assert (await books(web.pool))["web"] == 70


async def test_a_sale_between_the_second_look_and_its_order_is_not_accused(web: Desk) -> None:
    """Goal: provisional demand is replaced by its order. Control: without the order it was an edit."""
    for number, (drifts, heard) in enumerate(((0, True), (1, False))):
        await web.publish()
        web.channel.sold("web-A", 2)
        walked = await web.walk()
        await reconcile.look_again(web.back)
        assert await provisional(web.pool) == [("web", 2)]
        if heard:
            await order(web.pool, "web", f"100{number}", 2)
        assert (await reconcile.judge(web.back, walked.began, True)).drifts == drifts


async def test_where_not_all_orders_are_in_the_ledger_nobody_is_accused_of_a_fall(web: Desk) -> None:
    """Goal: it is left to the next read-back. Control: the same with everything heard."""
    web.channel.levels["web-A", ""] = 90
    walked = await web.walk()
    assert (await web.judge(walked, heard=False)).drifts == 0
    assert await provisional(web.pool) == [("web", 10)], "it is off the pool meanwhile, as any unheard sale"
    await sql(web.pool, "UPDATE level SET book = 100 WHERE book = 90")
    assert (await web.read_back()).drifts == 1


@pytest.mark.parametrize(("seconds", "drifts"), [(60.0, 0), (0.0, 1)])
async def test_a_channel_with_a_delay_is_given_its_time(web: Desk, seconds: float, drifts: int) -> None:
    """Goal: what was told a moment ago need not show yet. Control: a channel without delay."""
    patient(web, seconds)
    await adjust(web.pool, "shelf", "A", -20)
    await web.publish()
    web.channel.levels["web-A", ""] = 100

    walked = await web.walk()
    judged = await web.judge(walked)

    assert walked.suspects == 1
    assert judged.drifts == drifts
    assert (await books(web.pool))["web"] == (80 if seconds else 100), (
        "what was told is believed on, or what was seen"
    )


async def test_a_delay_that_is_over_is_an_excuse_no_more(web: Desk) -> None:
    patient(web, 60.0)
    await adjust(web.pool, "shelf", "A", -2)
    await web.publish()
    web.channel.levels["web-A", ""] = 100
    await sql(web.pool, "UPDATE level SET blind_at = blind_at - interval '61 seconds'")
    await web.read_back()
    assert await web.causes() == [("A", "lost_write", 98, 100, "push")]


async def test_a_level_that_somebody_is_telling_something_is_left_to_that(web: Desk) -> None:
    """Goal: no second writer and no verdict while a claim is held. Control: once it is let go."""
    web.channel.levels["web-A", ""] = 102
    walked = await web.walk()
    (listing,) = await ids_of(web.pool, "web", ["A"])
    claimed, _ = await levels.claim(
        web.pool, "web", [(listing, "")], [listing], siblings=False, claim=7, seconds=30
    )
    assert claimed == {(listing, ""): 100}
    assert (await web.judge(walked)).drifts == 0

    await sql(web.pool, "UPDATE level SET claimed_until = NULL, claim = 0, book = 100 WHERE claim = 7")
    assert (await web.read_back()).drifts == 1


async def test_a_level_that_somebody_held_for_a_moment_is_looked_at_once_more(
    web: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: a publisher that was just busy with it hides no drift. Method: it lets go while another is read."""
    web.channel.levels["web-A", ""], web.channel.levels["web-B", ""] = 102, 52
    walked = await web.walk()
    (listing,) = await ids_of(web.pool, "web", ["A"])
    await levels.claim(web.pool, "web", [(listing, "")], [listing], siblings=False, claim=7, seconds=30)
    read = web.channel.read_levels

    async def reads(keys: Sequence[LevelKey]) -> list[ShownLevel]:
        await sql(web.pool, "UPDATE level SET claimed_until = NULL, claim = 0, book = 100 WHERE claim = 7")
        return await read(keys)

    monkeypatch.setattr(web.channel, "read_levels", reads)
    assert (await web.judge(walked)).drifts == 2


async def test_what_answered_lately_knows_better_than_an_old_page(web: Desk) -> None:
    web.channel.levels["web-A", ""] = 102
    await sql(web.pool, "UPDATE level SET booked_at = now() + interval '1 minute'")
    assert (await web.walk()).suspects == 0


async def test_a_level_that_was_never_told_is_not_missed(web: Desk) -> None:
    """Goal: what a walk lacks is only looked for where something is believed of it."""
    await sql(web.pool, "UPDATE level SET book = NULL")
    web.channel.levels.clear()
    assert (await web.walk()).suspects == 0


async def test_a_read_back_sweeps_no_further_than_it_must(web: Desk) -> None:
    """Goal: an order that is known already is no news, however often it is swept."""
    await web.an_hour_passes()
    told = web.sells("1001", "A", 2, ago=timedelta(minutes=30))
    await order(web.pool, "web", told.order_id, 2, at=datetime.now(UTC) - timedelta(minutes=30))
    assert (await web.read_back()).drifts == 0
