"""Read-backs against a channel in memory: each cause is told from the others, answered, and repaired."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from onhand import reconcile
from onhand.channels.base import Condition, LevelKey, ShownLevel
from onhand.channels.errors import ChannelDown
from onhand.domain.drift import Response
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.rules import Rule
from onhand.ledger import halts
from onhand.ledger import reconcile as records
from tests.fix_ledger import sql
from tests.publish.shelves import LIVE, adjust, books, provisional
from tests.reconcile.conftest import QUICK, Desk

HOUR = timedelta(hours=1)
LEARNT = "https://onhand.example"


async def repaired(desk: Desk, since: datetime) -> int:
    """The publishers do their work, and it is proven; how many drifts are open still."""
    await desk.publish()
    return await reconcile.prove(desk.back, since)


async def test_a_channel_that_shows_what_it_should_is_clean(web: Desk) -> None:
    """Goal: a read-back of nothing wrong reads each level once, writes nothing, and wakes nobody."""
    walked = await web.walk()
    assert (walked.levels, walked.suspects) == (2, 0)
    assert web.channel.calls == [("walk", 2)]
    assert web.woken == set()
    assert await sql(web.pool, "SELECT levels, suspects, reads FROM reconciliation_channel") == [(2, 0, 1)]


@pytest.mark.parametrize("edited", [102, 98])
@pytest.mark.parametrize("kind", ["web", "store"])
async def test_a_level_that_somebody_changed_is_told_again(
    web: Desk, store: Desk, kind: str, edited: int
) -> None:
    """Goal: an edit within the tolerance, up or down, is found, blamed on a person, and mended in one read-back."""
    desk = {"web": web, "store": store}[kind]
    item = f"{kind}-A"
    desk.channel.levels[item, ""] = edited

    walked = await desk.walk()
    judged = await desk.judge(walked)

    assert walked.suspects == 1
    assert (judged.drifts, judged.pushed, judged.causes) == (1, 1, {"manual_edit": 1})
    assert await desk.causes() == [("A", "manual_edit", 100, edited, "push")]
    assert kind in desk.woken
    assert await repaired(desk, walked.began) == 0
    assert desk.channel.levels[item, ""] == 100
    assert (await books(desk.pool), await provisional(desk.pool)) == ({"web": 100, "store": 100}, [])
    (drift,) = await desk.drifts()
    assert (drift.resolution, drift.resolved_at is not None) == ("told again, and it shows", True)


async def test_a_larger_edit_widens_the_buffer_and_the_next_read_back_is_clean(web: Desk) -> None:
    web.channel.levels["web-A", ""] = 107

    walked = await web.walk()
    assert (await web.judge(walked)).widened == 1
    assert await repaired(web, walked.began) == 0
    assert web.channel.levels["web-A", ""] == 98
    assert (await web.read_back()).drifts == 0


@pytest.mark.parametrize("edited", [300, 20])
async def test_too_large_an_edit_halts_the_listing_and_hides_it(web: Desk, edited: int) -> None:
    web.channel.levels["web-A", ""] = edited

    walked = await web.walk()
    judged = await web.judge(walked)

    assert (judged.drifts, judged.halted) == (1, 1)
    assert await repaired(web, walked.began) == 0
    assert web.channel.levels["web-A", ""] == 0
    assert web.channel.hidden == {"web-A"}
    (halt,) = await halts.standing(web.pool)
    assert (halt.sku, halt.placed_by, halt.cause, halt.clean_reads_needed, halt.hidden) == (
        "A", "r1", "drift", 2, True,
    )  # fmt: skip
    assert halt.reason == (
        f"it showed {edited} instead of 100: we told it 100, and no order and no write of ours explains {edited}"
    )
    (drift,) = await web.drifts()
    assert halt.drift_id == drift.drift_id


async def test_a_halt_that_cannot_hide_holds_the_level_all_the_same(web: Desk) -> None:
    web.channel.levels["web-A", ""] = 300
    walked = await web.walk()
    await reconcile.look_again(web.back)
    web.channel.raises = [ChannelDown("web", "hiding 1 listing", "no")]

    assert (await reconcile.judge(web.back, walked.began, True)).halted == 1

    await web.publish()
    assert web.channel.levels["web-A", ""] == 0
    assert [halt.hidden for halt in await halts.standing(web.pool)] == [False]


async def test_clean_read_backs_lift_the_halt_and_the_listing_is_in_sight_again(web: Desk) -> None:
    """Goal: the rule of two clean reads, from the drift to the level that is shown again."""
    web.channel.levels["web-A", ""] = 300
    await web.read_back()
    await web.publish()
    for lifted in (0, 1):
        walked = await web.walk()
        assert walked.suspects == 0
        over = await halts.count_clean_reads(web.pool, "web", walked.began, clean_reads=2, by="the rule")
        assert len(over) == lifted
        assert await reconcile.show_again(web.pool, web.channel) == lifted
    await web.publish()
    assert (web.channel.levels["web-A", ""], web.channel.hidden) == (100, set())


async def test_a_lowering_that_was_lost_is_told_from_an_edit(web: Desk) -> None:
    web.channel.loses = {"web-A"}
    await adjust(web.pool, "shelf", "A", -2)
    await web.publish()
    assert ((await books(web.pool))["web"], web.channel.levels["web-A", ""]) == (98, 100)
    web.channel.loses = set()

    walked = await web.walk()
    await web.judge(walked)

    assert await web.causes() == [("A", "lost_write", 98, 100, "push")]
    (drift,) = await web.drifts()
    ((answered,),) = await sql(
        web.pool, "SELECT max(answered_at) FROM push WHERE quantity = 98 AND before = 100"
    )
    assert drift.happened_at is not None
    assert drift.happened_at <= answered
    assert await repaired(web, walked.began) == 0
    assert web.channel.levels["web-A", ""] == 98


async def test_a_raising_that_was_lost_is_no_sale(web: Desk) -> None:
    """Goal: what looks like sales where they are heard of is disproved by the orders, and told again at once."""
    web.channel.loses = {"web-A"}
    await adjust(web.pool, "shelf", "A", 40)
    await web.publish()
    web.channel.loses = set()

    walked = await web.walk()
    judged = await web.judge(walked)

    assert judged.halted == 0, "it only costs sales, and is told again"
    assert await web.causes() == [("A", "lost_write", 140, 100, "push")]
    assert await provisional(web.pool) == []
    assert await repaired(web, walked.began) == 0
    assert web.channel.levels["web-A", ""] == 140


async def test_a_lost_write_that_a_relative_one_followed_is_found_and_not_waited_for(store: Desk) -> None:
    """Goal: it fell short of what was believed, which looks like a sale; the orders that were swept know of none."""
    await lose_a_raise(store, 40)
    walked = await store.walk()
    await adjust(store.pool, "shelf-2", "A", -1)
    await store.publish()
    assert store.channel.levels["store-A", ""] == 99
    assert await provisional(store.pool) == [("store", 40)]

    await store.judge(walked)

    assert await store.causes() == [("A", "lost_write", 140, 100, "push")]
    assert await provisional(store.pool) == []
    assert await repaired(store, walked.began) == 0
    assert store.channel.levels["store-A", ""] == 139


async def test_a_lost_write_that_a_blind_one_covered_is_told_of_and_over(web: Desk) -> None:
    await lose_a_raise(web, 40)
    walked = await web.walk()
    await adjust(web.pool, "shelf-2", "A", -1)
    await web.publish()
    assert web.channel.levels["web-A", ""] == 139

    await web.judge(walked)

    assert await web.causes() == [("A", "lost_write", 140, 100, "push")]
    assert [drift.resolution for drift in await web.drifts()] == ["told anew before it was looked at again"]


@pytest.mark.parametrize(("told", "causes"), [(True, []), (False, [("A", "lost_write", 102, 100, "push")])])
async def test_a_sale_of_as_much_as_was_raised_is_no_lost_write(
    web: Desk, told: bool, causes: list[object]
) -> None:
    """Goal: what was sold and what was lost look the same; the order tells them apart. Control: there is none."""
    await adjust(web.pool, "shelf", "A", 2)
    await web.publish()
    if told:
        web.sells("1001", "A", 2)
    else:
        web.channel.levels["web-A", ""] = 100
    walked = await web.walk()
    await reconcile.hear(web.back)
    await adjust(web.pool, "shelf-2", "A", -1)
    await web.publish()
    await web.judge(walked)
    assert await web.causes() == causes


async def lose_a_raise(desk: Desk, pieces: int) -> None:
    """The channel answers that it has raised a level, and has not."""
    desk.channel.loses = {f"{desk.channel.name}-A"}
    await adjust(desk.pool, "shelf", "A", pieces)
    await desk.publish()
    desk.channel.loses = set()


async def test_a_write_that_the_channel_says_was_changed_later_was_not_lost(store: Desk) -> None:
    """Goal: the platform's own history decides where it has one."""
    store.channel.levels["store-A", ""] = 0
    store.channel.changed_at["store-A", ""] = datetime.now(UTC) + timedelta(minutes=1)
    await sql(store.pool, "UPDATE push SET before = 0")

    await store.read_back()

    assert [cause for _, cause, *_ in await store.causes()] == ["manual_edit"]


# Sales.


@pytest.mark.parametrize("public_url", ["", LEARNT])
async def test_a_sale_that_is_on_its_way_is_no_drift(web: Desk, public_url: str) -> None:
    """Goal: an order that a sweep finds before anybody need have told of it explains the level."""
    web.policy = replace(QUICK, public_url=public_url)
    await web.channel.hooks.ensure(f"{public_url}/webhooks/web")
    web.sells("1001", "A", 3)

    walked = await web.walk()
    judged = await web.judge(walked)

    assert walked.suspects == 1, "by the page alone it would have been accused"
    assert judged.causes == ({} if not public_url else {"unheard_sale": 1})
    assert await books(web.pool) == {"web": 97, "store": 100}
    await web.publish()
    assert (await books(web.pool), web.channel.levels["web-A", ""]) == ({"web": 97, "store": 97}, 97)


async def test_a_sale_without_its_webhook_is_a_lost_webhook(web: Desk) -> None:
    web.policy = replace(QUICK, public_url=LEARNT)
    await web.channel.hooks.ensure(f"{LEARNT}/webhooks/web")
    await web.an_hour_passes()
    web.sells("1001", "A", 30, ago=timedelta(minutes=10))

    await web.read_back()

    assert await web.causes() == [("A", "lost_webhook", 100, 70, "push")]
    (drift,) = await web.drifts()
    assert drift.resolution == "its orders were taken in"
    assert drift.evidence.startswith("a sweep found order 1001 for 30; its webhook should have come since ")


async def test_a_missing_subscription_loses_webhooks(web: Desk) -> None:
    web.policy = replace(QUICK, public_url=LEARNT)
    web.sells("1001", "A", 3)
    await web.read_back()
    (drift,) = await web.drifts()
    assert (drift.cause, drift.evidence) == (
        "lost_webhook",
        "a sweep found order 1001 for 3; no subscription to orders",
    )


async def test_where_no_webhooks_are_expected_an_old_sale_was_unheard(web: Desk) -> None:
    await web.an_hour_passes()
    web.sells("1001", "A", 3, ago=timedelta(minutes=10))
    await web.read_back()
    assert await web.causes() == [("A", "unheard_sale", 100, 97, "push")]


async def test_a_sale_and_an_edit_are_told_apart(web: Desk) -> None:
    """Goal: orders explain their own part only, and the rest is judged alone."""
    web.sells("1001", "A", 3)
    web.channel.levels["web-A", ""] = 95

    walked = await web.walk()
    await web.judge(walked)

    assert await web.causes() == [("A", "manual_edit", 97, 95, "push")]
    assert await repaired(web, walked.began) == 0
    assert web.channel.levels["web-A", ""] == 97


# What makes a level meaningless.


class Gone:
    """Answers of a channel for items that it does not have."""

    def __init__(self, desk: Desk, items: set[str]) -> None:
        self._read, self._items = desk.channel.read_levels, items

    async def read_levels(self, keys: Sequence[LevelKey]) -> list[ShownLevel]:
        """As the channel does, but for those."""
        return [
            ShownLevel(level.key, None, "no such item") if level.key.item.item_id in self._items else level
            for level in await self._read(keys)
        ]


async def test_an_item_that_is_gone_is_a_mapping_error_and_is_believed_on(
    web: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    del web.channel.levels["web-A", ""]
    monkeypatch.setattr(web.channel, "read_levels", Gone(web, {"web-A"}).read_levels)

    judged = await web.read_back()

    assert (judged.drifts, judged.reported) == (1, 1)
    assert await web.causes() == [("A", "mapping_error", 100, None, "report")]
    assert (await books(web.pool))["web"] == 100, "there is nothing to be told, so nothing is tried in vain"


async def test_two_variations_with_each_others_levels_are_a_mapping_error(web: Desk) -> None:
    await sql(web.pool, "UPDATE listing SET parent_id = 'P'")
    web.channel.levels |= {("web-A", ""): 50, ("web-B", ""): 100}

    await web.read_back()

    assert await web.causes() == [
        ("A", "mapping_error", 100, 50, "halt"),
        ("B", "mapping_error", 50, 100, "halt"),
    ]


async def test_an_item_that_is_not_tracked_sells_without_limit(
    web: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.channel.conditions["web-A"] = Condition.UNTRACKED
    monkeypatch.setattr(web.channel, "read_levels", Gone(web, {"web-A"}).read_levels)

    walked = await web.walk()
    await web.judge(walked)

    assert await web.causes() == [("A", "tracking_off", 100, None, "push")]
    monkeypatch.undo()
    web.channel.levels["web-A", ""] = 0
    await web.publish()
    assert web.channel.levels["web-A", ""] == 100, "a write puts it into a condition to be written"


@pytest.mark.parametrize("accepted", [False, True])
async def test_overselling_is_told_unless_it_is_meant(web: Desk, accepted: bool) -> None:
    web.policy = replace(QUICK, accept_overselling=accepted)
    web.channel.conditions["web-A"] = Condition.OVERSELLING
    await web.read_back()
    assert await web.causes() == ([] if accepted else [("A", "policy_change", 100, 100, "report")])


# Whose word counts.


async def test_an_edit_where_the_channel_is_the_authority_is_a_count(web: Desk) -> None:
    """Goal: it is put aside for the next sweep, which counts it; nobody is accused, nothing is told."""
    web.rules = RuleBook(
        {
            "web": ChannelRules(Rule(name="web"), {"": ("leeds",)}, listens=True, authority={"": "leeds"}),
            "store": LIVE.channels["store"],
        }
    )
    web.channel.levels["web-A", ""] = 60

    judged = await web.read_back()

    assert (judged.drifts, await web.drifts()) == (0, [])
    assert await sql(web.pool, "SELECT count(*) FROM authority_notice") == [(1,)]
    assert (await books(web.pool))["web"] == 100


@pytest.mark.parametrize(
    ("edited", "cause", "action", "believed"),
    [(98, "unknown", "report", 100), (101, "unknown", "push", 101)],
)
async def test_where_orders_are_not_heard_a_fall_is_left_to_the_source(
    web: Desk, edited: int, cause: str, action: str, believed: int
) -> None:
    """Goal: writing the old number would sell the same pieces twice; a rise is taken back."""
    web.rules = RuleBook(
        {name: ChannelRules(Rule(name=name), {"": ("leeds",)}, listens=False) for name in ("web", "store")}
    )
    web.channel.levels["web-A", ""] = edited

    await web.read_back()

    assert await web.causes() == [("A", cause, 100, edited, action)]
    assert (await books(web.pool))["web"] == believed
    await web.publish()
    assert web.channel.levels["web-A", ""] == (98 if action == "report" else 100)


# The record.


async def test_an_open_drift_is_seen_again_and_closed_by_the_read_back_that_finds_it_right(web: Desk) -> None:
    web.channel.levels["web-A", ""] = 101
    await web.read_back()
    ((first, seen),) = [(d.found_at, d.seen_at) for d in await web.drifts()]

    # The publisher is not there, and somebody goes on changing it.
    web.channel.levels["web-A", ""] = 102
    await web.read_back()
    (drift,) = await web.drifts(open_only=True)
    assert (drift.found_at, drift.shown, drift.reconciliation_id) == (first, 102, "r1")
    assert drift.seen_at > seen

    await web.publish()
    assert (await web.read_back()).drifts == 0
    (drift,) = await web.drifts()
    assert drift.resolution == "a read-back found it right"


async def test_only_the_skus_asked_for_are_read(web: Desk) -> None:
    web.channel.levels |= {("web-A", ""): 101, ("web-B", ""): 51}

    walked = await web.walk(["B"])
    await web.judge(walked)

    assert (walked.levels, walked.suspects) == (1, 1)
    assert [sku for sku, *_ in await web.causes()] == ["B"]


async def test_a_walk_that_is_begun_again_finds_nothing_twice(web: Desk) -> None:
    """Goal: a worker that died in a walk leaves no trace in what the next one finds."""
    web.channel.levels["web-A", ""] = 102
    await web.walk()
    again = await reconcile.walk(web.back, None)
    assert again.suspects == 1
    assert (await web.judge(again)).drifts == 1
    assert await records.suspects(web.pool, "r1", "web") == (1, 0), "it was judged"


async def test_nothing_is_judged_twice_when_a_step_is_tried_again(web: Desk) -> None:
    web.channel.levels |= {("web-A", ""): 300, ("web-B", ""): 51}
    walked = await web.walk()
    first = await web.judge(walked)
    again = await reconcile.judge(web.back, walked.began, True)
    assert (first.drifts, again.drifts, len(await web.drifts())) == (2, 0, 2)


async def test_the_configured_response_is_what_is_done(web: Desk) -> None:
    web.policy = replace(QUICK, response=Response(halts=False, widen_units=7, widen_units_max=7))
    web.channel.levels["web-A", ""] = 300
    await web.read_back()
    assert [action for *_, action in await web.causes()] == ["widen"]
    await web.publish()
    assert web.channel.levels["web-A", ""] == 93
