"""Halts in the ledger: placed once, told at once, lifted by people and by clean read-backs; and wider buffers."""

from datetime import UTC, datetime, timedelta

from onhand.domain.targets import targets_of
from onhand.ledger import halts, levels
from onhand.ledger.database import Pool
from tests.fix_ledger import sql
from tests.fix_selling import Selling
from tests.publish.shelves import LIVE, ids_of, waiting

PERSON = "someone"


async def shows(pool: Pool, channel: str) -> dict[str, int]:
    """What each listing of a channel should show."""
    states = await levels.listing_states(pool, channel, await ids_of(pool, channel), siblings=False)
    return {state.sku: target.quantity for state in states for target in targets_of(state, LIVE)}


async def test_a_halted_listing_should_show_0_and_its_publisher_is_to_be_woken(selling: Selling) -> None:
    """Goal: one listing is held, its SKU's others go on; whoever slept has to be signalled."""
    web = await ids_of(selling.pool, "web", ["A"])
    woken: set[str] = set()

    placed = await halts.place(
        selling.pool, web, by=PERSON, cause="operator", reason="looks odd", woken=woken
    )

    assert placed == web
    assert woken == {"web", "store"}
    assert await shows(selling.pool, "web") == {"A": 0, "B": 50}
    assert await shows(selling.pool, "store") == {"A": 100, "B": 50}
    assert "web-A" in await waiting(selling.pool)
    (halt,) = await halts.standing(selling.pool)
    assert (halt.channel, halt.sku, halt.item_id) == ("web", "A", "web-A")
    assert (halt.placed_by, halt.cause, halt.reason) == (PERSON, "operator", "looks odd")
    assert (halt.clean_reads_needed, halt.clean_reads, halt.hidden) == (None, 0, False)


async def test_what_is_halted_is_not_halted_twice_and_what_is_not_cannot_be_lifted(selling: Selling) -> None:
    both = await ids_of(selling.pool, "web")
    first = await halts.place(selling.pool, both[:1], by=PERSON, cause="operator", reason="one")
    again = await halts.place(selling.pool, both, by="other", cause="operator", reason="two")

    assert (first, again) == (both[:1], both[1:])
    assert [halt.reason for halt in await halts.standing(selling.pool, "web")] == ["two", "one"]
    assert await halts.standing(selling.pool, "store") == []
    assert [halt.sku for halt in await halts.standing(selling.pool, sku="B")] == ["B"]

    assert await halts.lift(selling.pool, both, by=PERSON) == both
    assert await halts.lift(selling.pool, both, by=PERSON) == []
    assert await halts.standing(selling.pool) == []
    assert await shows(selling.pool, "web") == {"A": 100, "B": 50}
    assert await sql(selling.pool, "SELECT count(*), count(lifted_at), min(lifted_by) FROM halt") == [
        (2, 2, PERSON)
    ]


async def test_a_widened_buffer_keeps_units_from_one_listing_and_grows_to_a_limit(selling: Selling) -> None:
    web = await ids_of(selling.pool, "web", ["A"])
    shown = []
    for _ in range(4):
        await halts.widen(selling.pool, web, units=4, units_max=10, reason="drifted")
        shown.append((await shows(selling.pool, "web"))["A"])
    assert shown == [96, 92, 90, 90]
    assert (await shows(selling.pool, "store"))["A"] == 100


async def read_back(pool: Pool, *, wrong: str = "") -> datetime:
    """A read-back that found every level as it is believed, but for those of one SKU."""
    since = datetime.now(UTC)
    await sql(pool, "UPDATE level SET book = coalesce(book, 0), shown_at = now()")
    await sql(
        pool,
        f"""UPDATE level v SET shown = v.book + (s.code = '{wrong}')::int FROM listing l JOIN sku s ON s.id = l.sku_id
             WHERE l.id = v.listing_id""",
    )
    return since


async def clean(pool: Pool, since: datetime, reads: int = 2) -> list[int]:
    return await halts.count_clean_reads(pool, "web", since, clean_reads=reads, by="the rule")


async def test_two_clean_read_backs_in_a_row_lift_a_halt_and_take_a_wider_buffer_back(
    selling: Selling,
) -> None:
    """Goal: only whole ones that began after the halt count, and one that is not clean begins the count anew."""
    web = await ids_of(selling.pool, "web", ["A"])
    before = datetime.now(UTC) - timedelta(minutes=1)
    await halts.place(selling.pool, web, by="r1", cause="drift", reason="it drifted", clean_reads_needed=2)
    await halts.widen(selling.pool, web, units=4, units_max=10, reason="drifted")

    assert await clean(selling.pool, before) == [], "it began before the halt"
    assert await clean(selling.pool, await read_back(selling.pool)) == []
    assert await clean(selling.pool, await read_back(selling.pool, wrong="A")) == []
    assert await clean(selling.pool, await read_back(selling.pool)) == []
    assert [halt.clean_reads for halt in await halts.standing(selling.pool)] == [1]
    assert await clean(selling.pool, await read_back(selling.pool)) == web
    assert await halts.standing(selling.pool) == []
    assert (await shows(selling.pool, "web"))["A"] == 100


async def test_a_halt_that_only_a_person_lifts_outlives_clean_read_backs(selling: Selling) -> None:
    web = await ids_of(selling.pool, "web", ["A"])
    await halts.place(selling.pool, web, by=PERSON, cause="operator", reason="mine")
    for _ in range(5):
        assert await clean(selling.pool, await read_back(selling.pool), reads=1) == []
    assert [halt.clean_reads for halt in await halts.standing(selling.pool)] == [5]


async def test_what_is_out_of_sight_is_to_be_shown_again_once_its_halt_is_over(selling: Selling) -> None:
    web = await ids_of(selling.pool, "web", ["A"])
    await halts.place(selling.pool, web, by="r1", cause="drift", reason="it drifted")
    await halts.note_hidden(selling.pool, web, hidden=True)
    assert [halt.hidden for halt in await halts.standing(selling.pool)] == [True]
    assert await halts.to_show_again(selling.pool, "web") == []

    await halts.lift(selling.pool, web, by=PERSON)
    assert [each.item_id for each in await halts.to_show_again(selling.pool, "web")] == ["web-A"]

    await halts.note_hidden(selling.pool, web, hidden=False)
    assert await halts.to_show_again(selling.pool, "web") == []
