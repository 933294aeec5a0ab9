"""`onhand events`: what was recorded is found, shown, and taken back with clear words."""

from pathlib import Path

from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.ledger import orders, stock
from onhand.ledger.database import Pool
from tests.cli.conftest import Onhand
from tests.ledger.test_reversal import NOON


async def _on_hand(pool: Pool, sku: str) -> int:
    return sum(row.on_hand for row in await stock.sku_balances(pool, sku))


async def test_events_are_listed_and_shown(store: Pool, onhand: Onhand) -> None:
    await onhand("stock", "receive", "A", 12, "-l", "leeds", "--id", "note-1", "--reason", "delivery")
    await onhand("stock", "adjust", "B", "-2", "-l", "leeds", "--id", "note-2", "--beyond")

    listed = await onhand("events", "list")
    of_a = (await onhand("events", "list", "--sku", "A", "--json")).json
    shown = await onhand("events", "show", "1")

    assert [line.split()[0] for line in listed.lines[2:]] == ["2", "1"]
    assert "B at leeds -2 available" in listed.stdout
    assert [(event["event_id"], event["lines"][1]["quantity"]) for event in of_a] == [(1, 12)]
    assert shown.lines[0] == "event 1  receipt"
    assert "operator, as note-1" in shown.stdout
    assert shown.lines[-1].split() == ["A", "leeds", "available", "+12", "12", "2"]


async def test_an_event_that_does_not_exist_is_wrong_usage(store: Pool, onhand: Onhand) -> None:
    for command in ("show", "reverse"):
        answer = await onhand("events", command, "77")
        assert (answer.code, answer.stderr.splitlines()[0]) == (2, "error: there is no event 77")


async def test_taking_back_says_what_it_did_and_twice_is_no_error(store: Pool, onhand: Onhand) -> None:
    await onhand("stock", "receive", "A", 12, "-l", "leeds")

    dry = await onhand("events", "reverse", "1", "--dry-run")
    assert (dry.code, dry.lines) == (
        0,
        ["event 1 (receipt: A at leeds +12 available) would be taken back; nothing was posted"],
    )
    assert await _on_hand(store, "A") == 12
    first = await onhand("events", "reverse", "1", "--reason", "typed twice")
    again = await onhand("events", "reverse", "1")
    assert (first.code, first.lines[0]) == (
        0,
        "event 1 (receipt: A at leeds +12 available) was taken back by event 2",
    )
    assert (again.code, again.lines) == (
        0,
        [
            "event 1 (receipt: A at leeds +12 available) was taken back before, by event 2; nothing was changed"
        ],
    )
    assert await _on_hand(store, "A") == 0
    assert "by event 2" in (await onhand("events", "show", "1")).stdout
    assert (await onhand("events", "show", "2")).lines[0] == "event 2  receipt, taking back event 1"
    assert (await onhand("events", "show", "2", "--json")).json["reverses"] == 1


async def test_what_was_passed_on_since_is_told_when_it_is_taken_back(store: Pool, onhand: Onhand) -> None:
    """Goal: a return that was inspected already leaves quality control below nothing, and nobody overlooks that."""
    await onhand("stock", "return", "A", 3, "-l", "leeds")
    await onhand("returns", "inspect", "A", 2, "--as", "sellable", "-l", "leeds")
    back = await onhand("events", "reverse", "1")
    said = (
        "A at leeds has -2 in quality control now: what was done with these units since has to be taken back, too: "
        "onhand events list --sku A"
    )
    assert (back.code, " ".join(back.stderr.split())) == (0, said)
    assert back.lines[-1] == "no channel has to be told"
    assert (await onhand("events", "reverse", "2")).stderr == ""


async def test_an_orders_event_is_refused_with_what_to_do(store: Pool, onhand: Onhand) -> None:
    await orders.post_orders(
        store, [OrderSnapshot("woo", "1001", 1, NOON, (OrderLine("1", "A", "leeds", 2, 0),))]
    )

    answer = await onhand("events", "reverse", "1")

    assert (answer.code, answer.stdout) == (1, "")
    said = " ".join(answer.stderr.split())
    assert said.startswith("error: event 1 (order, stated by channel/woo) is of order 1001:")
    assert "what to do: Change or cancel the order on woo" in said


async def test_an_import_is_taken_back_by_the_name_it_was_told_under(
    store: Pool, onhand: Onhand, tmp_path: Path
) -> None:
    """Goal: the command that the import prints works as it stands; the second time nothing is changed."""
    await onhand("stock", "receive", "A", 4, "-l", "leeds")
    file = tmp_path / "stock.csv"
    file.write_text("sku,quantity,location\nA,10,leeds\nB,20,leeds\n")
    imported = await onhand("import", "stock", file)
    command = imported.stderr.removeprefix("to take it back: onhand ").split()

    first = await onhand(*command)
    again = (await onhand(*command, "--json")).json

    assert (first.code, first.lines[-2]) == (0, "2 events: 2 reversed")
    assert first.lines[-1] == "the next sync tells the channels"
    assert {event["outcome"] for event in again["events"]} == {"reversed before"}
    assert (await _on_hand(store, "A"), await _on_hand(store, "B")) == (4, 0)


async def test_what_is_to_be_taken_back_has_to_be_named(store: Pool, onhand: Onhand) -> None:
    both = await onhand("events", "reverse", "1", "--source", "import/x")
    neither = await onhand("events", "reverse")
    whole_source = await onhand("events", "reverse", "--source", "source/csv")
    no_run = await onhand("events", "reverse", "--source", "source/csv", "--run", "r-1")
    nothing = await onhand("events", "reverse", "--source", "import/x")

    assert (both.code, neither.code) == (2, 2)
    assert (whole_source.code, whole_source.stderr.splitlines()[0]) == (
        2,
        "error: source/csv speaks in every run",
    )
    assert (no_run.code, no_run.stderr.splitlines()[0]) == (2, "error: there is no run r-1")
    assert (nothing.code, nothing.stderr.splitlines()[0]) == (2, "error: import/x has stated nothing")
