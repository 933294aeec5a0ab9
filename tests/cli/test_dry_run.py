"""A look ahead: what a sync would change, from what to what, with nothing written anywhere."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onhand.channels.base import LevelKey, ShownLevel
from onhand.channels.errors import ChannelDown
from onhand.domain import movements
from onhand.domain.counts import Count, CountMeaning, Shelf
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement
from onhand.dry_run import Overlay
from onhand.ledger import catalogue, levels, posting, stock
from onhand.ledger.database import Pool
from onhand.ledger.levels import LevelLearnt
from tests.cli.conftest import Onhand
from tests.memory_channel import MemoryChannel

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
SOURCE = """
[source]
kind = "csv"
path = "stock.csv"
"""


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch) -> dict[str, MemoryChannel]:
    """The two configured channels, in memory."""
    made = {"woo": MemoryChannel("woo", bulk_size=1), "bigc": MemoryChannel("bigc", places=True)}
    monkeypatch.setenv("AMAZON_TOKEN", "not-a-real-secret-of-amazon")
    monkeypatch.setattr("onhand.cli.preview.make_channel", lambda name, _: made[name])
    return made


async def received(pool: Pool, sku: str, quantity: int) -> None:
    """A receipt at Leeds."""
    movement = Movement("erp", sku, EventKind.RECEIPT, sku, "leeds", quantity, NOON)
    await posting.post_events(pool, [movements.event_of(movement)])


async def booked(pool: Pool, sku: str, channel: str, place: str, book: int) -> None:
    """We believe that the channel shows this."""
    (listing,) = await stock.sku_listings(pool, sku, channel)
    async with pool.connection() as connection:
        learnt = LevelLearnt(listing.listing_id, place, expected=book, seen=book)
        await levels.book(connection, [learnt], NOON)


async def everything(pool: Pool) -> list[object]:
    """All that a sync could write."""
    tables = (
        "event",
        "entry",
        "balance",
        "level",
        "outbox",
        "push",
        "run",
        "refused_row",
        "source_state",
        "listing",
    )
    rows: list[object] = []
    async with pool.connection() as connection:
        for table in tables:
            cursor = await connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3")
            rows.append((table, await cursor.fetchall()))
    return rows


async def test_levels_that_differ_are_listed_and_nothing_is_written(
    store: Pool, onhand: Onhand, channels: dict[str, MemoryChannel]
) -> None:
    await received(store, "A", 9)
    await booked(store, "A", "woo", "", 5)
    channels["bigc"].levels = {("7", "1"): 3}
    before = await everything(store)

    answer = await onhand("sync", "--dry-run")

    assert answer.code == 0
    assert answer.lines == [
        "channel  sku  item  place  from  to",
        "──────────────────────────────────────",
        "woo      A    101             5   7",
        "channel  sku  item  place  from  to",
        "──────────────────────────────────────",
        "bigc     A    7     1         3   9",
        "source: 0 rows read, 0 corrections, 0 refused",
        "woo: 1 of 2 levels would change, 1 read back",
        "bigc: 1 of 2 levels would change, 2 read back",
        "dry run: nothing was written anywhere",
    ]
    assert await everything(store) == before
    assert [call for channel in channels.values() for call, _ in channel.calls if call == "set"] == []


async def test_the_source_is_counted_in_without_being_posted(
    store: Pool, onhand: Onhand, channels: dict[str, MemoryChannel], config: Path
) -> None:
    config.write_text(config.read_text() + SOURCE)
    file = config.parent / "stock.csv"
    file.write_text("sku,quantity,location\nA,12,leeds\nB,x,leeds\nA,3,london\n")
    os.utime(file, (NOON.timestamp(), NOON.timestamp()))
    await received(store, "A", 9)
    await booked(store, "A", "woo", "", 7)
    before = await everything(store)

    answer = await onhand("sync", "--dry-run", "--sku", "A", "--json")

    assert answer.code == 3, "a row of the source was refused"
    document = answer.json
    assert [(c["channel"], c["place"], c["before"], c["after"]) for c in document["changes"]] == [
        ("woo", "", 7, 13),
        ("bigc", "1", 0, 12),
        ("bigc", "2", 0, 3),
    ]
    assert (document["rows"], document["corrections"], document["refused"]) == (3, 2, 1)
    assert "stock.csv line 3" in document["refusals"][0]
    assert await everything(store) == before


async def test_rows_of_stock_that_others_keep_are_refused_as_a_sync_refuses_them(
    store: Pool, onhand: Onhand, channels: dict[str, MemoryChannel], config: Path
) -> None:
    """Goal: what is shown beforehand is what happens: the other party's shelf is neither corrected nor told."""
    keeper = """
[locations.fba]
counted_by = "amazon"
sellable_on = ["bigc"]
[clients.amazon]
token_envs = ["AMAZON_TOKEN"]
scopes = ["events"]
"""
    text = config.read_text().replace('"1" = ["leeds"]', '"1" = ["leeds", "fba"]')
    config.write_text(text + SOURCE + keeper)
    await catalogue.save_places(store, {"fba": "fba"}, {})
    (config.parent / "stock.csv").write_text("sku,quantity,location\nA,12,leeds\nA,500,fba\n")

    answer = await onhand("sync", "--dry-run", "--channel", "bigc", "--json")

    assert answer.code == 3
    document = answer.json
    assert [(c["place"], c["before"], c["after"]) for c in document["changes"]] == [("1", 0, 12)]
    assert (document["rows"], document["corrections"], document["refused"]) == (2, 1, 1)
    assert document["refusals"][0].startswith("fba is counted by client/amazon alone")


async def test_full_reads_every_level_back(
    store: Pool, onhand: Onhand, channels: dict[str, MemoryChannel]
) -> None:
    await received(store, "A", 9)
    await booked(store, "A", "woo", "", 7)
    channels["woo"].levels = {("101", ""): 4}

    trusting = (await onhand("sync", "--dry-run", "--channel", "woo", "--json")).json
    full = (await onhand("sync", "--dry-run", "--channel", "woo", "--full", "--json")).json

    assert trusting["changes"] == []
    assert [(c["sku"], c["before"], c["after"]) for c in full["changes"]] == [("A", 4, 7)]
    assert full["channels"]["woo"]["reads"] == 2


async def test_a_channel_that_is_down_does_not_hide_the_others(
    store: Pool, onhand: Onhand, channels: dict[str, MemoryChannel], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: Sequence[LevelKey]) -> list[ShownLevel]:
        raise ChannelDown("woo", "reading levels", "out for lunch")

    monkeypatch.setattr(channels["woo"], "read_levels", fails)
    await received(store, "A", 9)

    answer = await onhand("sync", "--dry-run")

    assert answer.code == 3
    assert "  woo: reading levels failed: out for lunch." in answer.lines
    assert "bigc: 1 of 2 levels would change, 2 read back" in answer.lines
    assert (await onhand("sync", "--dry-run", "--channel", "woo")).code == 1


async def test_a_level_the_channel_cannot_tell_is_listed_with_the_reason(
    store: Pool, onhand: Onhand, channels: dict[str, MemoryChannel], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def untold(keys: Sequence[LevelKey]) -> list[ShownLevel]:
        return [ShownLevel(key, None, "stock is not tracked") for key in keys]

    monkeypatch.setattr(channels["woo"], "read_levels", untold)

    answer = await onhand("sync", "--dry-run", "--channel", "woo", "--sku", "B")

    assert answer.lines[2] == "woo      B    102             ?   0  stock is not tracked"


def test_counts_of_one_shelf_build_upon_each_other_as_they_would_when_posted() -> None:
    """A shelf with 10 units, one of which moved after noon, is stated twice."""
    overlay, shelf = Overlay(), Shelf(version=5, current=10, moved_since=0)

    def count(quantity: int, hours: int) -> Count:
        return Count(
            "s", str(quantity), "A", "leeds", quantity, CountMeaning.AVAILABLE, NOON + timedelta(hours=hours)
        )

    assert overlay.weigh(count(12, hours=1), shelf) == 2
    assert overlay.weigh(count(9, hours=2), shelf) == -3, "later: on top of the first"
    assert overlay.weigh(count(11, hours=0), shelf) == 1, "earlier: what moved since stays moved"
    assert overlay.of("A") == {"leeds": 0}
    assert overlay.of("B") == {}
