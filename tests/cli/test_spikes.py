"""`onhand spikes` and `onhand velocity`: what sells how fast, for people and for scripts."""

from onhand.ledger.database import Pool
from tests.cli.conftest import Onhand
from tests.fix_ledger import sql

SPIKE = (
    "INSERT INTO spike (sku_id, usual, units, peak, held_back, tier_after, ended_at) "
    "SELECT id, 1.5, 40, 60, 3, 2, %s FROM sku WHERE code = %s"
)


async def test_spikes_are_listed_and_those_that_are_over_where_asked_for(store: Pool, onhand: Onhand) -> None:
    assert (await onhand("spikes", "list")).lines == ["nothing spikes"]
    await sql(store, SPIKE, None, "A")
    await sql(store, SPIKE, "2026-01-01T00:00:00Z", "B")

    answer = await onhand("spikes", "list")

    assert answer.code == 0
    assert answer.lines == [
        "sku  usual an hour  then  at most  held back  began     over  goes back to",
        "──────────────────────────────────────────────────────────────────────────",
        "A              1.5    40       60          3  just now        hourly",
    ]
    everything = (await onhand("spikes", "list", "--all", "--json")).json
    assert [(row["sku"], row["tier_after"], row["ended_at"]) for row in everything] == [
        ("A", "hourly", None),
        ("B", "hourly", "2026-01-01T00:00:00Z"),
    ]


async def test_a_spike_is_among_what_a_person_should_know(store: Pool, onhand: Onhand) -> None:
    await sql(store, SPIKE, None, "A")
    answer = await onhand("status", "--json")
    assert "much more than usual is sold of A" in answer.stdout
    assert "onhand spikes list" in answer.stdout


async def test_how_fast_a_sku_sells_is_told_by_channel_and_location(store: Pool, onhand: Onhand) -> None:
    await sql(
        store,
        "INSERT INTO channel_velocity SELECT s.id, c.id, l.id, 2.5 FROM sku s, channel c, location l "
        "WHERE s.code = 'A' AND c.name = 'woo' AND l.code = 'leeds'",
    )
    await sql(store, "INSERT INTO propagation SELECT id, 4.2, 7, now() FROM channel WHERE name = 'bigc'")

    assert (await onhand("velocity", "A")).lines == [
        "A: 0.0 units a day, hourly",
        "channel  location  units a day",
        "──────────────────────────────",
        "woo      leeds             2.5",
        "bigc shows 99 of 100 changes within 4.2 s",
    ]
    found = (await onhand("velocity", "A", "--json")).json
    assert found["by_channel"] == [{"channel": "woo", "location": "leeds", "per_day": 2.5}]
    assert (found["propagation"][0]["channel"], found["propagation"][0]["seconds"]) == ("bigc", 4.2)
    assert (await onhand("velocity", "nope")).code == 2
