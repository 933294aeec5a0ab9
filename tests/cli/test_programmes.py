"""`onhand programmes`: promise units to a partner, look at them, give them up, end it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from onhand.ledger.posting import post_events
from tests.cli.conftest import Onhand

NOW = datetime.now(UTC)
UNTIL = f"{NOW + timedelta(days=30):%Y-%m-%d}"


@pytest.fixture
async def stocked(store: Pool) -> Pool:
    """25 of A in Leeds."""
    await post_events(
        store, [event_of(Movement("t", "1", EventKind.RECEIPT, "A", "leeds", 25, NOW - timedelta(days=1)))]
    )
    return store


async def create(onhand: Onhand, *more: str, sku: str = "A=10") -> None:
    """A programme that begins at once."""
    made = await onhand(
        "programmes",
        "create",
        "spring",
        "--partner",
        "acme",
        "--until",
        UNTIL,
        "--sku",
        sku,
        "-l",
        "leeds",
        *more,
    )
    assert made.code in (0, 3), made.stderr


async def test_there_are_none(store: Pool, onhand: Onhand) -> None:
    """Goal: a quiet answer and exit code 0; one that is not there is wrong usage."""
    answer = await onhand("programmes", "list")
    assert (answer.code, answer.lines) == (0, ["nothing is kept for anybody"])
    answer = await onhand("programmes", "show", "spring")
    assert (answer.code, answer.stderr) == (
        2,
        "error: there is no programme spring; onhand programmes list\n",
    )


async def test_one_from_its_promise_to_its_end(stocked: Pool, onhand: Onhand) -> None:
    """Goal: reserved at once, listed, drawn on, part of it given up, ended."""
    await create(onhand)
    answer = await onhand("programmes", "list")
    assert answer.code == 0
    assert answer.lines == [
        "programme  partner  until       state    SKUs  promised  drawn  reserved  may be missing",
        "─" * 88,
        f"spring     acme     {UNTIL}  running     1        10      0        10",
    ]
    line = OrderLine("1", "A", "leeds", 4, 0)
    at = datetime.now(UTC)
    await post_orders(stocked, [OrderSnapshot("woo", "1001", 1, at, (line,), at, "acme")])
    answer = await onhand("programmes", "show", "spring")
    assert answer.code == 0
    assert [re.sub(r"\d{4}-\d\d-\d\d [\d:]{8}", "WHEN", text) for text in answer.lines[-4:]] == [
        "sku  location  promised  ordered  drawn  reserved  still to come  may be missing",
        "─" * 80,
        "A    leeds           10        4      4         6",
        "1 order drew on it: woo 1001",
    ]
    answer = await onhand("programmes", "release", "spring", "A", "--units", "2")
    assert (answer.code, answer.lines) == (0, ["spring: 2 units released"])
    answer = await onhand("programmes", "close", "spring", "--json")
    assert (answer.code, answer.json["released"], answer.json["ended"]) == (0, 4, True)
    assert (await onhand("programmes", "close", "spring")).code == 2
    (row,) = (await onhand("programmes", "list", "--all", "--json")).json
    assert (row["name"], row["lines"][0]["drawn"], row["lines"][0]["reserved"]) == ("spring", 4, 0)
    shown = (await onhand("explain", "A", "--json")).json
    assert shown["kept"] == []


async def test_what_would_not_work_is_told(stocked: Pool, onhand: Onhand, config: Path) -> None:
    """Goal: a partner without a channel, and a source that would make reserved units available again, are remarked."""
    made = await onhand(
        "programmes", "create", "one", "--partner", "acme", "--until", UNTIL, "--sku", "A=1", "-l", "leeds"
    )
    assert "no channel or client belongs to acme yet" in " ".join(made.stderr.split())
    assert "the source states what is available" not in " ".join(made.stderr.split())
    config.write_text(config.read_text() + '\n[source]\nkind = "csv"\npath = "stock.csv"\n')
    made = await onhand(
        "programmes", "create", "two", "--partner", "zeta", "--until", UNTIL, "--sku", "A=1", "-l", "leeds"
    )
    assert "the source states what is available, and does not know what is reserved here" in " ".join(
        made.stderr.split()
    )


async def test_what_may_be_missing_is_told_with_exit_code_3(stocked: Pool, onhand: Onhand) -> None:
    """Goal: 30 promised of 25: 5 may be missing; explain says what is kept; a script reads it."""
    await create(onhand, sku="A=30")
    answer = await onhand("programmes", "show", "spring", "--json")
    assert answer.code == 3
    assert answer.json["lines"] == [
        {
            "sku": "A", "location": "leeds", "units": 30, "taken": 0, "drawn": 0, "reserved": 25, "due": 5,
            "beyond": 0, "may_be_missing": 5,
        }
    ]  # fmt: skip
    explained = await onhand("explain", "A")
    text = " ".join(word for word in explained.stdout.split() if word != "│")
    assert "spring: of 30 units promised to acme at leeds, 25 are reserved and 0 drawn" in text


async def test_a_file_says_what_is_kept(stocked: Pool, onhand: Onhand, tmp_path: Path) -> None:
    """Goal: SKU, units and location of each row; a bad row refuses all of it, and so does an unknown SKU."""
    file = tmp_path / "kept.csv"
    file.write_text("sku,units,location\nA,10,leeds\nB,5,london\n")
    made = await onhand(
        "programmes", "create", "spring", "--partner", "acme", "--until", UNTIL, "--file", file, "--json"
    )
    assert made.code == 3, "the publisher of what is not for everybody any more could not be signalled here"
    assert [(n["sku"], n["location"], n["units"]) for n in made.json["lines"]] == [
        ("A", "leeds", 10), ("B", "london", 5),
    ]  # fmt: skip
    file.write_text("sku,units,location\nA,ten,leeds\nA,3,leeds\nB,0,leeds\n")
    bad = await onhand("programmes", "create", "x", "--partner", "acme", "--until", UNTIL, "--file", file)
    assert bad.code == 1
    assert "nothing of the file was taken" in " ".join(bad.stderr.split())
    assert (await onhand("programmes", "list", "--json")).json[0]["name"] == "spring"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--until", UNTIL, "--sku", "A"), "--sku A: not of the form SKU=UNITS, for example 22423=500"),
        (("--until", UNTIL, "--sku", "Z=1", "-l", "leeds"), "there is no SKU 'Z'"),
        (
            ("--until", UNTIL, "--sku", "A=1", "-l", "york"),
            "there is no location 'york'; known are leeds, london",
        ),
        (("--until", UNTIL), "it keeps no units; name at least one SKU with its units"),
        (
            ("--until", "2026-01-01", "--from", "2026-02-01", "--sku", "A=1", "-l", "leeds"),
            "it ends before it begins",
        ),
    ],
)
async def test_nonsense_is_wrong_usage(
    store: Pool, onhand: Onhand, arguments: tuple[str, ...], said: str
) -> None:
    """Goal: exit code 2, what is wrong, and nothing is written."""
    answer = await onhand("programmes", "create", "s", "--partner", "acme", *arguments)
    assert (answer.code, said in " ".join(answer.stderr.split())) == (2, True)
    assert (await onhand("programmes", "list", "--json")).json == []
