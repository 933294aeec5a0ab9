"""`onhand explain`: the answer first, then what it rests on; fast however long the SKU's history is."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from onhand.domain import movements
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.ledger import catalogue, levels, posting, stock, work
from onhand.ledger.catalogue import CatalogueSku
from onhand.ledger.database import Pool
from onhand.ledger.levels import Failure, LevelLearnt, Push, Sent
from onhand.ledger.orders import post_orders
from tests.cli.conftest import Onhand

SLACK = timedelta(seconds=0.4)
"""What happened so many minutes ago is still told so a little later."""


async def received(pool: Pool, quantity: int, minutes_ago: int) -> None:
    """A receipt of A at Leeds."""
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago) + SLACK
    movement = Movement(
        "erp", f"r{minutes_ago}", EventKind.RECEIPT, "A", "leeds", quantity, at, reason="PO 7"
    )
    await posting.post_events(pool, [movements.event_of(movement)])


async def pushed(pool: Pool, channel: str, place: str, quantity: int, *, outcome: str = "accepted") -> None:
    """The channel was told a level of A two minutes ago; where it was accepted, nothing is pending."""
    (listing,) = await stock.sku_listings(pool, "A", channel)
    accepted = outcome == "accepted"
    push = Push(
        listing.listing_id,
        place,
        0 if listing.pending is None else listing.pending.generation,
        quantity,
        1,
        outcome,
        echo=quantity if accepted else None,
        message="" if accepted else "woo: setting SKU A failed (HTTP 400): [bad] id",
    )
    at = datetime.now(UTC) - timedelta(minutes=2) + SLACK
    async with pool.connection() as connection:
        if accepted:
            learnt = LevelLearnt(listing.listing_id, place, expected=quantity, seen=quantity)
            await levels.book(connection, [learnt], at)
        await levels.settle(connection, [], sent=Sent([push], "run-1", 1, at, at))
        if accepted and listing.pending is not None:
            await levels.settle(connection, [(listing.listing_id, listing.pending.generation)])


def not_empty(text: str) -> list[str]:
    """The lines of an expected output as `Answer.lines` has them."""
    return [line for line in text.splitlines() if line]


async def test_the_answer_comes_first_and_everything_it_rests_on_after(store: Pool, onhand: Onhand) -> None:
    assert (await onhand("explain", "--help")).code == 0  # its modules are loaded
    await received(store, 9, 3)
    await pushed(store, "woo", "", 7)
    order = OrderSnapshot("woo", "1001", 1, datetime.now(UTC), (OrderLine("1", "A", "leeds", 1, 0),))
    await post_orders(store, [order])

    answer = await onhand("explain", "A", "--channel", "woo")

    assert answer.code == 0
    assert answer.lines == not_empty("""\
A  Apple  barcode 500001  0.0 sold a day: hourly

●  woo still shows 7; it is to show 6 (since just now) because 8 are available at leeds + london and 2 are
   held back for safety.

╭─ Stock ────────────────────────────────────────────────────────────────────────────────────────────────────╮
│ location  available  committed  on hand  version  moved                                                    │
│ ──────────────────────────────────────────────────────────                                                 │
│ leeds             8          1        9        4  just now                                                 │
╰────────────────────────────────────────────────────────────────────────────────────────────────────────────╯
╭─ woo · item 101 ───────────────────────────────────────────────────────────────────────────────────────────╮
│ pool               8  pool: 8 available at leeds + london                                                  │
│ buffer       8  →  6  safety buffer: 2 units holds back 2                                                  │
│ should show        6  rule channels.woo.rule                                                               │
│                                                                                                            │
│ shows    7, as it said itself 2 min ago                                                                    │
│ pending  generation 3, marked just now                                                                     │
│                                                                                                            │
│ pushed     from  to  outcome   echo  attempt  run                                                          │
│ ───────────────────────────────────────────────────                                                        │
│ 2 min ago     1   7  accepted     7        1  run-1                                                        │
╰────────────────────────────────────────────────────────────────────────────────────────────────────────────╯
╭─ Events, newest first ─────────────────────────────────────────────────────────────────────────────────────╮
│ when       event    location  change                      available  stated by                             │
│ ────────────────────────────────────────────────────────────────────────────────────────────────────────── │
│ just now   order    leeds     -1 available, +1 committed          8  channel/woo 1001@1/order (order 1001) │
│ 3 min ago  receipt  leeds     +9 available                        9  erp r3 (reason PO 7)                  │
╰────────────────────────────────────────────────────────────────────────────────────────────────────────────╯
""")


async def test_a_dead_letter_says_why_and_what_to_do(store: Pool, onhand: Onhand) -> None:
    await received(store, 9, 3)
    await pushed(store, "woo", "", 7, outcome="rejected")
    (listing,) = await stock.sku_listings(store, "A", "woo")
    failure = Failure(listing.listing_id, "", "RowRejected", "woo: no such [item].", "Map it anew.")
    await levels.park(store, failure, "sku-update/woo/A")

    answer = await onhand("explain", "A", "--channel", "woo")

    text = " ".join(answer.stdout.replace("│", " ").split())
    assert (
        "woo shows an unknown number instead of 7, because its update was given up just now: "
        "woo: no such [item]." in text
    )
    assert "given up just now, RowRejected" in text
    assert "what to do Map it anew." in text
    assert "workflow sku-update/woo/A" in text
    assert "rejected" in text
    assert "setting SKU A failed (HTTP 400): [bad] id" in text


async def test_each_place_of_a_channel_has_an_answer_of_its_own(store: Pool, onhand: Onhand) -> None:
    await received(store, 9, 3)
    await pushed(store, "bigc", "1", 9)
    await pushed(store, "bigc", "2", 0)

    answer = await onhand("explain", "A", "--channel", "bigc")

    assert answer.lines[1:3] == [
        "●  bigc (leeds) shows 9 because 9 are available at leeds.",
        "●  bigc (london) shows 0 because nothing is available at london.",
    ]


async def test_what_was_sold_unheard_and_what_is_in_the_way_are_told(store: Pool, onhand: Onhand) -> None:
    """Goal: units that an answer took off the pool, a level in flight and a pause each explain themselves."""
    await received(store, 9, 3)
    await pushed(store, "woo", "", 7)
    (listing,) = await stock.sku_listings(store, "A", "woo")
    spot = (listing.listing_id, "")
    await levels.claim(store, "woo", [spot], [listing.listing_id], siblings=False, claim=1, seconds=60)
    learnt = LevelLearnt(*spot, expected=7, seen=6, shortfall=1, location="leeds")
    async with store.connection() as connection:
        await levels.book(connection, [learnt], datetime.now(UTC), 1)
    await work.pause(store, "bigc", "stocktaking")
    (bigc,) = await stock.sku_listings(store, "A", "bigc")
    await levels.claim(
        store, "bigc", [(bigc.listing_id, "1")], [bigc.listing_id], siblings=False, claim=1, seconds=60
    )

    answer = await onhand("explain", "A")

    text = " ".join(answer.stdout.replace("│", " ").split())
    assert (
        "1 unit of leeds is taken off the pool: woo showed that it sold 1 piece just now, and the order has not come "
        "yet" in text
    )
    assert (
        "bigc (leeds) is being told in this moment; it should show 8 because 8 are available at leeds. "
        "Telling it changes was paused just now (stocktaking)." in text
    )
    assert "woo shows 6 because 8 are available at leeds + london and 2 are held back for safety." in text
    assert text.count("in flight being read or written at the channel now") == 1
    assert text.count("held up paused just now: stocktaking") == 2
    document = (await onhand("explain", "A", "--json")).json
    assert [(sale["channel"], sale["pieces"]) for sale in document["provisional"]] == [("woo", 1)]
    assert [(each["channel"], each["in_flight"]) for each in document["levels"]] == [
        ("woo", False),
        ("bigc", True),
        ("bigc", False),
    ]


async def test_channels_without_a_listing_are_told(store: Pool, onhand: Onhand) -> None:
    answer = await onhand("explain", "B")
    assert "○  bigc: no listing of this SKU; see `onhand mapping check`." in answer.lines
    assert "│ nothing has ever moved" in answer.stdout


async def test_a_channel_that_is_switched_off_is_told(store: Pool, onhand: Onhand, config: Path) -> None:
    config.write_text(config.read_text().replace("[channels.woo]", "[channels.woo]\nenabled = false"))
    answer = await onhand("explain", "A")
    assert "○  woo: switched off in the configuration; nothing is pushed." in answer.lines


async def test_scripts_get_all_of_it_as_one_document(store: Pool, onhand: Onhand) -> None:
    await received(store, 9, 3)
    await pushed(store, "woo", "", 7)

    document = (await onhand("explain", "A", "--channel", "woo", "--json")).json

    (level,) = document["levels"]
    assert level["sentence"].startswith("woo shows 7 because 9 are available")
    assert [(step["rule"], step["after"]) for step in level["steps"]] == [("pool", 9), ("buffer", 7)]
    assert (level["target"], level["known"]["book"], level["pending"], level["parked"]) == (7, 7, None, None)
    assert level["pushes"][0]["outcome"] == "accepted"
    assert document["balances"][0]["on_hand"] == 9
    assert document["events"][0]["lines"][1]["balance_after"] == 9
    assert document["ledger_lines"] == 2


async def test_a_sku_with_a_long_history_is_explained_as_fast(store: Pool, onhand: Onhand) -> None:
    """Goal: bounded reads; 20,000 events make no difference to a person. The call's own start is in the time."""
    at = datetime.now(UTC)
    for start in range(0, 20_000, 5_000):
        made = [
            movements.event_of(Movement("erp", str(n), EventKind.RECEIPT, "A", "leeds", 1, at))
            for n in range(start, start + 5_000)
        ]
        await posting.post_events(store, made)

    started = time.perf_counter()
    answer = await onhand("explain", "A", "--events", 2)
    seconds = time.perf_counter() - started

    assert "Events, newest first: 4 of 40,000 ledger lines, more with --events" in answer.stdout
    assert seconds < 1.0


async def test_the_rule_that_won_is_named_with_those_it_goes_before(
    store: Pool, onhand: Onhand, config: Path
) -> None:
    """Goal: tags of the catalogue reach the rules for them, and the answer says why one of several decides."""
    await received(store, 9, 3)
    await catalogue.save_skus(store, [CatalogueSku("A", "Apple", "500001", ("fruit", "sale"))])
    config.write_text(f"""{config.read_text()}
[[sku_rules]]
tags = ["sale"]
last_units = 9
last_channel = "bigc"
[[sku_rules]]
channel = "bigc"
tags = ["fruit"]
cap = 4
""")

    document = (await onhand("explain", "A", "--json")).json

    assert [
        (level["channel"], level["place"], level["target"], level["rule"]) for level in document["levels"]
    ] == [
        ("woo", "", 0, "sku_rules[0]"),
        ("bigc", "1", 4, "sku_rules[1]"),
        ("bigc", "2", 0, "sku_rules[1]"),
    ]
    assert [level["rule_reason"] for level in document["levels"][:2]] == [
        "is for tag sale on every channel and goes before channels.woo.rule",
        "is for tag fruit on bigc and goes before sku_rules[0], channels.bigc.rule",
    ]
    assert (
        "because 9 are available at leeds + london and the last 9 are for bigc alone"
        in document["levels"][0]["sentence"]
    )
    told = await onhand("explain", "A", "--channel", "woo")
    assert "rule sku_rules[0], which is for tag sale on every channel and goes before" in told.stdout
