"""`onhand stock`: stating what happened, seeing what it changed, and being refused clearly."""

from datetime import UTC, datetime, timedelta

import pytest

from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.ledger import history, stock
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from tests.cli.conftest import Onhand
from tests.fix_ledger import sql


async def test_a_receipt_says_what_changed_and_who_has_to_be_told(store: Pool, onhand: Onhand) -> None:
    answer = await onhand("stock", "receive", "A", 12, "--location", "leeds", "--id", "note-1")

    assert answer.code == 0
    assert answer.lines == [
        "received 12 of A at leeds  event 1, id note-1",
        "location  state      before  after",
        "──────────────────────────────────",
        "leeds     available       0     12",
        "to be told  item  place  shows  should show",
        "───────────────────────────────────────────",
        "bigc        7     1          ?           12",
        "bigc        7     2          ?            0",
        "woo         101              ?           10",
        "the next sync tells them; to do it now: onhand sync --sku A",
    ]


async def test_the_same_statement_twice_changes_nothing_and_says_so(store: Pool, onhand: Onhand) -> None:
    await onhand("stock", "receive", "A", 12, "-l", "leeds", "--id", "note-1")

    again = await onhand("stock", "receive", "A", 12, "-l", "leeds", "--id", "note-1")
    other = await onhand("stock", "receive", "A", 13, "-l", "leeds", "--id", "note-1")

    assert again.code == 0
    assert again.lines == ["received 12 of A at leeds: already recorded as event 1; nothing was changed"]
    assert other.code == 1
    assert "operator already stated 'note-1' with other content (event 1)" in other.stderr


async def test_an_adjustment_may_be_negative(store: Pool, onhand: Onhand) -> None:
    await onhand("stock", "receive", "A", 12, "-l", "leeds")

    answer = await onhand(
        "stock", "adjust", "A", "-3", "-l", "leeds", "--reason", "damaged", "--note", "fell", "--json"
    )

    assert answer.code == 0
    assert answer.json["verdict"] == "posted"
    assert answer.json["changes"] == [
        {"location": "leeds", "state": "available", "before": 12, "after": 9},
        {"location": "leeds", "state": "shrinkage", "before": 0, "after": 3},
    ]
    (event, _) = await stock.sku_events(store, "A", 10)
    assert event.detail == {"reason": "damaged", "note": "fell"}


async def test_a_write_off_and_a_transfer_with_its_arrival(store: Pool, onhand: Onhand) -> None:
    await onhand("stock", "receive", "A", 10, "-l", "leeds")
    await onhand("stock", "write-off", "A", 1, "-l", "leeds")

    sent = await onhand("stock", "transfer", "A", 4, "-l", "leeds", "--to", "london")
    assert sent.lines[0].startswith("sent 4 of A from leeds")
    assert sent.lines[3:5] == ["leeds     available        9      5", "london    in transit       0      4"]

    arrived = await onhand("stock", "transfer", "A", 4, "-l", "london", "--receive")
    assert arrived.lines[0].startswith("took in 4 of A at london")
    assert arrived.lines[3:5] == [
        "london    in transit       4      0",
        "london    available        0      4",
    ]


async def test_a_count_is_rebased_on_the_version_that_was_looked_at(store: Pool, onhand: Onhand) -> None:
    await onhand("stock", "receive", "A", 10, "-l", "leeds")
    shown = (await onhand("stock", "show", "A", "--json")).json
    await onhand("stock", "adjust", "A", "-2", "-l", "leeds")

    answer = await onhand(
        "stock", "count", "A", 9, "-l", "leeds", "--version", shown["locations"][0]["version"], "--json"
    )

    assert answer.json["changes"][1] == {"location": "leeds", "state": "available", "before": 8, "after": 7}


async def test_a_count_may_be_of_an_earlier_moment(store: Pool, onhand: Onhand) -> None:
    """Goal: what moved after the look is kept, and nobody looks into the future."""
    await onhand("stock", "receive", "A", 10, "-l", "leeds")
    now = datetime.now()  # noqa: DTZ005 (operators type local time)
    command = ("stock", "count", "A", 3, "-l", "leeds", "--json", "--as-of")

    earlier = await onhand(*command, (now - timedelta(hours=1)).isoformat(" ", "seconds"))
    later = await onhand(*command, (now + timedelta(hours=1)).isoformat(" ", "seconds"))

    assert earlier.json["changes"][1]["after"] == 13
    assert later.code == 2
    assert "lies in the future" in later.stderr


async def test_a_count_of_a_version_yet_to_come_is_refused(store: Pool, onhand: Onhand) -> None:
    answer = await onhand("stock", "count", "A", 9, "-l", "leeds", "--version", 5)
    assert answer.code == 1
    assert "made against balance version 5, but the ledger is at 0" in " ".join(answer.stderr.split())


async def test_a_count_that_agrees_is_recorded_and_changes_nothing(store: Pool, onhand: Onhand) -> None:
    await onhand("stock", "receive", "A", 10, "-l", "leeds")

    answer = await onhand("stock", "count", "A", 10, "-l", "leeds", "--id", "c-1")

    assert answer.code == 0
    assert answer.lines[:2] == [
        "counted 10 of A at leeds  event 2, id c-1",
        "it agrees with the ledger; nothing had to be changed",
    ]


async def test_stock_is_shown_by_location_and_state(store: Pool, onhand: Onhand) -> None:
    await onhand("stock", "receive", "A", 1200, "-l", "leeds")
    await onhand("stock", "transfer", "A", 200, "-l", "leeds", "--to", "london")

    answer = await onhand("stock", "show", "A")

    assert answer.lines == [
        "A  Apple  barcode 500001  0.0 sold a day: hourly",
        "location  available  in transit  on hand  version  moved",
        "───────────────────────────────────────────────────────────",
        "leeds         1,000           0    1,000        3  just now",
        "london            0         200        0        1  just now",
        "together      1,000         200    1,000",
    ]
    assert (await onhand("stock", "show", "C")).lines == [
        "C  Cake  0.0 sold a day: hourly",
        "nothing has ever moved",
    ]


async def test_an_unknown_sku_is_refused_with_what_may_have_been_meant(store: Pool, onhand: Onhand) -> None:
    answer = await onhand("stock", "receive", "a", 1, "-l", "leeds")
    assert (answer.code, answer.stdout) == (2, "")
    assert answer.stderr.splitlines() == ["error: there is no SKU 'a'", "what to do: Did you mean A (Apple)?"]


async def test_a_location_must_be_known_and_is_asked_for(store: Pool, onhand: Onhand) -> None:
    for options, said in (
        ([], "error: --location is needed; known are leeds, london"),
        (["-l", "mars"], "error: there is no location 'mars'; known are leeds, london"),
        (["-l", "leeds", "--to", "mars"], "error: there is no location 'mars'; known are leeds, london"),
    ):
        command = "transfer" if "--to" in options else "receive"
        answer = await onhand("stock", command, "A", 1, *options)
        assert (answer.code, answer.stderr.strip()) == (2, said)


async def test_impossible_statements_are_refused(store: Pool, onhand: Onhand) -> None:
    zero = await onhand("stock", "receive", "A", 0, "-l", "leeds")
    assert (zero.code, zero.stderr.strip()) == (
        2,
        "error: a movement of 0 units moves nothing; give a quantity",
    )
    same = await onhand("stock", "transfer", "A", 1, "-l", "leeds", "--to", "leeds")
    assert (same.code, same.stderr.strip()) == (
        2,
        "error: a transfer needs a destination other than its origin",
    )
    neither = await onhand("stock", "transfer", "A", 1, "-l", "leeds")
    assert neither.code == 2
    assert "give --to LOCATION to send units, or --receive to take them in" in neither.stderr


async def test_stock_is_shown_as_of_a_moment_in_the_past(store: Pool, onhand: Onhand) -> None:
    """Goal: what was recorded later is left out; the moment is named; nobody looks into the future."""
    await onhand("stock", "receive", "A", 10, "-l", "leeds")
    await onhand("stock", "adjust", "A", "-4", "-l", "leeds")
    ((first, second),) = await sql(store, "SELECT min(recorded_at), max(recorded_at) FROM event")
    past = (first.astimezone() - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S%z")

    before = await onhand("stock", "show", "A", "--at", past)
    (now,) = await history.balances_at(store, "A", second)
    (then,) = await history.balances_at(store, "A", first)
    later = await onhand("stock", "show", "A", "--at", tomorrow)

    assert before.lines[1:] == [
        f"as the ledger had it at {past.replace('T', ' ')}, by what was recorded until then",
        "nothing had moved by then",
    ]
    assert (then.on_hand, now.on_hand) == (10, 6)
    for minute in ("2020-01-01 12:30", "2020-01-01T12:30", "2020-01-01T12:30:15+0100"):
        assert (await onhand("stock", "show", "A", "--at", minute)).code == 0
    assert (later.code, "lies in the future" in later.stderr) == (2, True)
    document = (await onhand("stock", "show", "A", "--at", past, "--json")).json
    assert (document["locations"], datetime.fromisoformat(document["at"])) == (
        [],
        datetime.fromisoformat(past).astimezone(),
    )


async def test_a_reason_that_is_no_code_is_refused_with_what_may_have_been_meant(
    store: Pool, onhand: Onhand
) -> None:
    answer = await onhand("stock", "write-off", "A", 1, "-l", "leeds", "--reason", "damage")
    assert answer.code == 2
    assert "'damage' is no reason for a write-off. Did you mean damaged? Known are" in " ".join(
        answer.stderr.split()
    )


async def test_what_was_put_aside_is_written_off_from_there(store: Pool, onhand: Onhand) -> None:
    """Goal: a damaged return leaves `damaged`, and nothing that can be sold."""
    await onhand("stock", "return", "A", 1, "-l", "leeds")
    await onhand("returns", "inspect", "A", 1, "--as", "damaged", "-l", "leeds")
    answer = await onhand(
        "stock", "write-off", "A", 1, "--from", "damaged", "-l", "leeds", "-r", "damaged", "--json"
    )
    assert answer.json["changes"] == [
        {"location": "leeds", "state": "damaged", "before": 1, "after": 0},
        {"location": "leeds", "state": "shrinkage", "before": 0, "after": 1},
    ]


async def test_losses_are_added_up_by_reason(store: Pool, onhand: Onhand) -> None:
    """Goal: write-offs, corrections and what a transfer lost, by reason; counts and what was sold are not in it."""
    for command in (
        ("receive", "A", 20, "-l", "leeds"),
        ("receive", "B", 1, "-l", "leeds"),
        ("write-off", "A", 2, "-l", "leeds", "-r", "damaged"),
        ("write-off", "B", 1, "-l", "leeds", "-r", "damaged"),
        ("adjust", "A", "-4", "-l", "leeds", "-r", "theft"),
        ("adjust", "A", 1, "-l", "london"),
        ("count", "A", 3, "-l", "london"),
    ):
        assert (await onhand("stock", *command)).code == 0
    rows = (await onhand("stock", "losses", "--json")).json
    assert [tuple(row.values()) for row in rows] == [
        ("theft", "adjustment", "leeds", 1, 4, 0),
        ("damaged", "write_off", "leeds", 2, 3, 0),
        ("", "adjustment", "london", 1, 0, 1),
    ]
    shown = (await onhand("stock", "losses", "-l", "leeds")).lines
    assert [line.split() for line in shown[2:]] == [
        ["theft", "adjustment", "leeds", "1", "4"],
        ["damaged", "write", "off", "leeds", "2", "3"],
        ["together", "3", "7", "0"],
    ]
    assert (await onhand("stock", "losses", "--until", "2020-01-31")).lines == [
        "nothing was lost or found from 2020-01-01 to 2020-01-31"
    ]
    assert (await onhand("stock", "losses", "--since", "2020-02-01", "--until", "2020-01-31")).code == 2


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("stock", "adjust", "A", "-11", "-l", "leeds"), "10 on its shelves"),
        (("stock", "write-off", "A", 11, "-l", "leeds"), "10 on its shelves"),
        (("stock", "write-off", "A", 1, "--from", "damaged", "-l", "leeds"), "0 damaged"),
        (("stock", "transfer", "A", 11, "-l", "leeds", "--to", "london"), "10 on its shelves"),
        (("stock", "transfer", "A", 1, "-l", "london", "--receive"), "0 on their way there"),
        (("transfers", "send", "A=11", "--from", "leeds", "--to", "london"), "10 on its shelves"),
    ],
)
async def test_more_than_there_is_goes_only_where_it_is_said_again(
    store: Pool, onhand: Onhand, command: tuple[str, ...], words: str
) -> None:
    """Goal: a digit too many does not take a SKU off every channel; who means it says --beyond."""
    await onhand("stock", "receive", "A", 10, "-l", "leeds")
    refused = await onhand(*command)
    said = " ".join(refused.stderr.split())
    assert (refused.code, words in said, "--beyond" in said) == (2, True, True), said
    assert len((await onhand("events", "list", "--json")).json) == 1
    assert (await onhand(*command, "--beyond")).code == 0
    assert len((await onhand("events", "list", "--json")).json) == 2


async def test_promised_units_can_break_and_what_was_said_before_is_not_asked_again(
    store: Pool, onhand: Onhand
) -> None:
    """Goal: 8 of 10 that are promised to an order lie on the shelf; repeated under its id, a loss of 9 stays one."""
    await onhand("stock", "receive", "A", 10, "-l", "leeds")
    now = datetime.now(UTC)
    await post_orders(
        store, [OrderSnapshot("woo", "1001", 1, now, (OrderLine("1", "A", "leeds", 8, 0),), now)]
    )
    loss = ("stock", "write-off", "A", 9, "-l", "leeds", "--id", "flood")
    assert [(await onhand(*loss)).code for _ in range(2)] == [0, 0]
    (row,) = (await onhand("stock", "show", "A", "--json")).json["locations"]
    assert (row["available"], row["on_hand"]) == (-7, 1)
